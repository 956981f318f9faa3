import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Distribution, Site } from "../../src/changes/packages.ts";
import { readSite } from "../../src/runners/pytest/distributions.ts";

function read(files: Readonly<Record<string, string>>): Site {
  return readSite({
    names: () => [...new Set(Object.keys(files).map((path) => path.split("/", 1)[0] ?? path))].sort(),
    read: (path) => (files[path] === undefined ? null : new TextEncoder().encode(files[path])),
  });
}

function only(files: Readonly<Record<string, string>>): Distribution {
  const { distributions } = read(files);
  assert.equal(distributions.length, 1);
  return distributions[0] as Distribution;
}

const METADATA = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.2\n";

describe("a distribution", () => {
  test("is what its metadata says", () => {
    const found = only({
      "foo_bar-1.2.dist-info/METADATA": `${METADATA}Requires-Dist: Low.Level (>=1)\r\nRequires-Dist: b[x]~=2; extra == "t"\nrequires-dist: c@ https://x\n\nRequires-Dist: no\n`,
      "foo_bar-1.2.dist-info/RECORD":
        'foo/__init__.py,sha256=x,1\nfoo/a.py,,\nbar.py,,\n_fast.cpython-313-x86_64-linux-gnu.so,,\n"odd,name/x.py",,\n../../bin/foo,,\nfoo_bar-1.2.dist-info/METADATA,,\n__pycache__/bar.pyc,,\nfoo.pth,,\n/abs/x.py,,\n',
    });
    assert.equal(found.name, "foo-bar");
    assert.equal(found.version, "1.2");
    assert.deepEqual(found.modules, ["_fast", "bar", "foo", "odd,name"]);
    assert.deepEqual(found.requires, ["b", "c", "low-level"]);
    assert.equal(found.isPlugin, false);
    assert.match(found.record, /^[0-9a-f]{40}$/);
  });

  test("has another digest with another RECORD", () => {
    const digest = (record: string): string => only({ "a-1.dist-info/RECORD": record }).record;
    assert.notEqual(digest("a.py,1,\n"), digest("a.py,2,\n"));
  });

  test("is a plugin if it has entry points for pytest", () => {
    const points = (text: string): boolean => only({ "a-1.dist-info/entry_points.txt": text }).isPlugin;
    assert.equal(points("[console_scripts]\nx = y\n\n [ pytest11 ]\na = a\n"), true);
    assert.equal(points("[pytest12]\n"), false);
  });

  test("of an old kind is read as well", () => {
    const found = only({
      "a-1.egg-info/PKG-INFO": METADATA,
      "a-1.egg-info/top_level.txt": "foo\nbar\n",
      "a-1.egg-info/requires.txt": "six>=1\n\n[docs]\nsphinx\n",
    });
    assert.deepEqual([found.name, found.modules, found.requires], ["foo-bar", ["bar", "foo"], ["six", "sphinx"]]);
    assert.equal(only({ "a-1.egg-info": METADATA }).name, "foo-bar");
  });

  test("that does not say what belongs to it may be anything", () => {
    assert.equal(only({ "a-1.dist-info/METADATA": METADATA }).modules, null);
    assert.deepEqual(only({ "a-1.dist-info/RECORD": "a-1.dist-info/METADATA,,\n" }).modules, []);
  });

  test("with nothing in it has the name of its directory", () => {
    const found = only({ "Some_Thing-3.1.dist-info/x": "" });
    assert.deepEqual([found.name, found.version], ["some-thing", "3.1"]);
  });
});

test("what belongs to nobody, and what Python reads at its start", () => {
  const found = read({
    "a-1.dist-info/RECORD": "a/x.py,,\n",
    "a/x.py": "",
    "a.libs/x.so": "",
    "loose.py": "",
    "easy.pth": "/x",
    "b.egg-link": "/y",
    "sitecustomize.py": "",
    "__pycache__/x.pyc": "",
  });
  assert.deepEqual(found.loose, ["loose.py"]);
  assert.deepEqual(
    found.startup.map((line) => line.split(" ", 1)[0]),
    ["b.egg-link", "easy.pth", "sitecustomize.py"],
  );
  assert.notDeepEqual(read({ "easy.pth": "/x" }).startup, read({ "easy.pth": "/y" }).startup);
});
