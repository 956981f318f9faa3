/**
 * Has Python compile sources that changed, without running them: the fingerprint's splitter is no parser, and a file
 * that does not compile breaks everyone who imports it. A bare interpreter (`-I -S`) takes about 10 ms of CPU.
 */

/**
 * Paths in, verdicts out, each behind a NUL but for the first: `+`, or `-` and what is wrong. No module is imported that
 * the interpreter does not have ready: `json` alone would take as long as all the rest.
 */
const SCRIPT = `
import sys, warnings
warnings.simplefilter("ignore")
verdicts = []
for path in sys.stdin.buffer.read().split(b"\\0"):
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        verdicts.append(b"+")
        continue
    try:
        compile(source, path, "exec", dont_inherit=True)
        verdicts.append(b"+")
    except Exception as error:
        line = getattr(error, "lineno", None)
        text = getattr(error, "msg", None) or str(error) or type(error).__name__
        text = "line %d: %s" % (line, text) if line else text
        verdicts.append(b"-" + text.replace("\\0", " ").encode("utf-8", "replace"))
sys.stdout.buffer.write(b"\\0".join(verdicts))
`;

/** A function that tells of each file (absolute path) what Python has against it, or null. */
export function compilerOf(executable: string): (paths: readonly string[]) => ReadonlyMap<string, string | null> {
  return (paths) => {
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const result = spawnSync(executable, ["-I", "-S", "-c", SCRIPT], {
      input: paths.join("\0"),
      encoding: "utf8",
      maxBuffer: 1 << 28,
      windowsHide: true,
    });
    const verdicts = result.status === 0 ? result.stdout.split("\0") : [];
    const isTold = verdicts.length === paths.length && verdicts.every((verdict) => /^(\+$|-.)/s.test(verdict));
    // Whatever cannot be compiled counts as changed, and so does what nobody could try to compile. An interpreter that
    // says something else has not said that it compiles.
    const messageOf = (verdict: string | undefined): string | null =>
      !isTold || verdict === undefined ? "it could not be compiled" : verdict === "+" ? null : verdict.slice(1);
    return new Map(paths.map((path, index) => [path, messageOf(verdicts[index])]));
  };
}
