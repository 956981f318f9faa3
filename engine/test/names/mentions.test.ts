/** What bodies and headers mention: names that only look like a lookup are none. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Outline, outlineOf, REFLECTIONS } from "../../src/names/index.ts";

function outline(source: string): Outline {
  const found = outlineOf(new TextEncoder().encode(source));
  assert.ok(found !== undefined);
  return found;
}

function reflectionOf(body: string): number {
  return outline(`import sys\n\n\ndef f(name, other):\n    ${body}\n`).bodies[0]?.[1].reflection ?? -1;
}

describe("names that are looked up without being spelt", () => {
  for (const [body, reflection] of [
    ["return globals()", REFLECTIONS.module],
    ["return dir()", REFLECTIONS.module],
    ["return sys.modules[name]", REFLECTIONS.modules],
    ["return sys.modules", REFLECTIONS.modules],
    ["return name in sys.modules.values()", REFLECTIONS.modules],
    ["return [m for m in sys.modules[name]]", REFLECTIONS.modules],
    ["return sys.modules.get('json')", REFLECTIONS.none],
    ["sys.modules[name] = other", REFLECTIONS.none],
    ["other = sys.modules[name]", REFLECTIONS.none],
    ["global other; other = sys.modules[name]", REFLECTIONS.modules],
    ["__import__(name)", REFLECTIONS.none],
    ["return __import__(name)", REFLECTIONS.modules],
    ["found = sys.modules[name]; return found.__file__", REFLECTIONS.none],
    ["found = sys.modules.get(name); return None if found is None else hasattr(found, 'a')", REFLECTIONS.none],
    ["found = sys.modules[name]; return found", REFLECTIONS.modules],
    ["found = sys.modules[name]; return getattr(found, name)", REFLECTIONS.modules],
    ["found = sys.modules[name]; return lambda: other(found)", REFLECTIONS.modules],
    ["found = sys.modules[name], name; return found.a", REFLECTIONS.modules],
    ["found = sys.modules[name].b; return found.a", REFLECTIONS.modules],
    ["sys.modules[name].other = name", REFLECTIONS.modules],
    ["return name not in sys.modules", REFLECTIONS.none],
    ["return sys.modules.keys() - {name}", REFLECTIONS.none],
    ["return sys.modules.items()", REFLECTIONS.modules],
    ["sys.modules.pop(name, None)", REFLECTIONS.none],
    ["if name: sys.modules.pop(other[name]); name = 1", REFLECTIONS.none],
    ["return sys.modules.pop(name)", REFLECTIONS.modules],
    ["return lambda: sys.modules.pop(name)", REFLECTIONS.modules],
    ["sys.modules.pop(name).other()", REFLECTIONS.modules],
    ["other = sys.modules.pop(name), 1", REFLECTIONS.modules],
    ["del sys.modules[name]", REFLECTIONS.none],
    ["del sys.modules[name].other", REFLECTIONS.modules],
    ["del other, sys.modules[name].a", REFLECTIONS.modules],
    ["return name in sys.modules and other", REFLECTIONS.none],
    ["return other(dir=name)", REFLECTIONS.none],
    ["return eval(name)", REFLECTIONS.expressions],
    ["return sys._getframe(1).f_globals", REFLECTIONS.modules],
    ["return sys._getframe(1).f_globals['__name__']", REFLECTIONS.none],
    ["return sys._getframe(1).f_globals.get('__name__', name)", REFLECTIONS.none],
    ["return sys._getframe(1).f_globals[name]", REFLECTIONS.modules],
    ["return pytest.importorskip(name)", REFLECTIONS.modules],
    ["return pytest.importorskip('json')", REFLECTIONS.none],
  ] as const) {
    test(body, () => {
      assert.equal(reflectionOf(body), reflection);
    });
  }
});

test("what looks names up does so under another name", () => {
  for (const [statement, call, reflection] of [
    ["from importlib import import_module as load", "load(name)", REFLECTIONS.modules],
    ["from sys import modules", "modules[name]", REFLECTIONS.modules],
    ["from shop import modules", "modules[name]", REFLECTIONS.none],
    ["import sys as _sys", "_sys.modules[name]", REFLECTIONS.modules],
    ["from builtins import vars as names", "names()", REFLECTIONS.module],
  ] as const) {
    const { bodies } = outline(`${statement}\n\n\ndef f(name):\n    return ${call}\n`);
    assert.equal(bodies[0]?.[1].reflection, reflection, statement);
  }
});

test("a loaded module that is spelt is imported, where it is used for itself", () => {
  for (const [body, modules] of [
    ["return getattr(sys.modules['shop.a'], name)", ["shop.a"]],
    ["return vars(sys.modules.get('shop.a', other))", ["shop.a"]],
    ["return sys.modules['shop.a'].LIMIT", []],
    ["return sys.modules.get('shop.a').LIMIT", []],
    ["sys.modules['shop.a'] = other", []],
    ["return other.modules['shop.a']", []],
  ] as const) {
    const { bodies } = outline(`import sys\n\n\ndef f(name, other):\n    ${body}\n`);
    assert.deepEqual(
      bodies[0]?.[1].imported.map(({ module }) => module),
      modules,
      body,
    );
  }
});

test("code in a string mentions names, where it is executed", () => {
  const [executes, keeps] = ["exec", "print"].map(
    (name) => outline(`def f():\n    ${name}("import pkg.lib\\nX = pkg.lib.LIMIT")\n`).bodies[0]?.[1],
  );
  assert.ok(executes?.wild.includes("LIMIT") && executes.escapes.includes(".lib"));
  assert.ok(keeps?.wild.includes("LIMIT") === false && keeps.escapes.length === 0);
});

describe("a function's header", () => {
  test("binds its parameters, and reads default values and annotations", () => {
    const [statement] = outline(
      "def f(dir, vars=LIMIT, *args: Kind, key=make(dir=1), **more) -> Result: pass\n",
    ).statements;
    assert.ok(statement !== undefined);
    const { bare, wild, reflection } = statement.mentions;
    assert.deepEqual([...bare].sort(), ["LIMIT", "make"]);
    assert.equal(reflection, REFLECTIONS.none);
    // pytest takes parameters for names of fixtures.
    for (const name of ["dir", "vars", "key", "args", "more"]) {
      assert.ok(wild.includes(name), name);
    }
    assert.deepEqual([...statement.annotations.bare].sort(), ["Kind", "Result"]);
  });

  test("reads a name that a parameter is called by as well", () => {
    const [statement] = outline("def f(limit=limit, dir=dir): pass\n").statements;
    assert.deepEqual([...(statement?.mentions.bare ?? [])].sort(), ["dir", "limit"]);
    assert.equal(statement?.mentions.reflection, REFLECTIONS.module);
  });
});

describe("strings that nobody looks up", () => {
  for (const [source, isMentioned] of [
    ['import pytest\n\n\n@pytest.fixture(scope="session", autouse=True)\ndef f(): pass\n', false],
    ['from pytest import fixture\n\n\n@fixture(params=[1], scope="session")\ndef f(): pass\n', false],
    ['f = make(scope="session")\n', true],
    ['import pytest\n\n\n@pytest.fixture(params=make(scope="session"))\ndef f(): pass\n', true],
    ['f = ContextVar("app.session")\n', false],
    ['f = logging.getLogger("app.session")\n', true],
    ['f = TypeVar("T", bound="session")\n', true],
    ['f = find("app.session")\n', true],
  ] as const) {
    test(source.trim().split("\n").join(" "), () => {
      const found = outline(source).statements.flatMap(({ mentions }) => mentions.wild);
      assert.equal(found.includes("session"), isMentioned);
    });
  }
});

describe("names that are handed on", () => {
  for (const [expression, handed] of [
    ["isinstance(x, C)", []],
    ["isinstance(x, (A, m.C))", []],
    ["issubclass(C, A)", ["C"]],
    ["isinstance(C, (A, A))", ["C"]],
    ["isinstance([x, C], A)", ["C"]],
    ["isinstance(x, f(1, (A), C))", ["A", "C"]],
    ["isinstance(f(x, A), C)", ["A"]],
    ["x.isinstance(x, C)", ["C"]],
    ["isinstance(f(C), A)", ["C"]],
    ["f(isinstance(x, A), C)", ["C"]],
    ["C()", []],
    ["C.name", []],
  ] as const) {
    test(expression, () => {
      const found = outline(`import m\n\n\ndef f(x):\n    ${expression}\n`).bodies[0]?.[1].handed ?? [];
      assert.deepEqual(
        found.filter((name) => /^\.?[AC]$/.test(name)),
        handed,
      );
    });
  }
});

describe("names of attributes", () => {
  const mentionsOf = (source: string) => outline(source).bodies.at(-1)?.[1];

  test("are asked of a module where nothing else has its name", () => {
    const found = mentionsOf("import json\n\n\ndef f(value):\n    return json.dumps(value).title()\n");
    assert.deepEqual(found?.asked, ["json.dumps"]);
    assert.deepEqual(found?.wild, ["title"]);
  });

  for (const [what, source] of [
    ["a parameter", "import json\ndef f(json): return json.dumps(1)\n"],
    ["the parameter of a lambda", "import json\ndef f(x): return map(lambda json: json.dumps(1), x)\n"],
    ["what a comprehension binds", "import json\ndef f(x): return [json.dumps(1) for json in x]\n"],
    [
      "an import in a branch of another",
      "try:\n    import json\nexcept E:\n    json = None\ndef f(): return json.dumps(1)\n",
    ],
    ["what another function may bind", "import json\ndef g():\n    global json\ndef f(): return json.dumps(1)\n"],
    ["an import of its own", "import json\ndef f():\n    import own as json\n    return json.dumps(1)\n"],
    [
      "a variable of the function around it",
      "import json\ndef g(x):\n  with x as json:\n    def f(): return json.dumps(1)\n",
    ],
    ["what is passed on as well", "import json\ndef f(x): return x(json) or json.dumps(1)\n"],
    ["what is asked of others too", "import json\ndef f(x): return json.dumps(x.dumps)\n"],
    ["an imported name", "from a import json\ndef f(): return json.dumps(1)\n"],
    ["an attribute of that name", "import json\ndef f(x): return x.json.dumps(1)\n"],
  ] as const) {
    test(`may be anybody's behind ${what}`, () => {
      const found = mentionsOf(source);
      assert.ok(found?.wild.includes("dumps"), JSON.stringify(found));
      assert.deepEqual(found?.asked, []);
    });
  }
});

describe("names that are put together", () => {
  for (const [text, affixes] of [
    ['"visit_" + kind', ["visit_*"]],
    ['"%s_handler" % kind', ["*_handler"]],
    ['"{}_handler".format(kind)', ["*_handler"]],
    ['f"on_{kind}_done"', ["on_*_done"]],
    ['f"{kind}_to_{count}"', ["*_to_*"]],
    ['f"{kind}.base_{count}.names"', ["base_*", "names"]],
    ['"_".join(("visit_", kind))', ["visit_*"]],
    ['kind + "_" + count', []],
    ['"_" + kind', ["_*"]],
    ['f"_{kind}"', ["_*"]],
    ['f"__{kind}__"', ["__*__"]],
    ['globals()[f"_{kind}"]', []],
    ['globals()["get_" + kind]', []],
    ['kind.globals()[f"get_{count}"]', ["get_*"]],
    ['f"{kind}.run("', []],
    ['"<kind>_db".replace("<kind>", kind)', ["*_db"]],
    ['"{{ kind }}_db".replace("{{ kind }}", kind)', ["*_db"]],
    ['"^(get_" + kind + "|set_" + kind + ")$"', ["get_*", "set_*"]],
    ['"{{ kind }}s"', []],
    ['"{% if kind %}s"', []],
    ['exec(f"{kind}.run_{count}(")', ["run_*"]],
    ['f"{kind:>{width}}s"', ["*s"]],
    ['r"^\\d{3}$"', []],
    ['"\\n{}"', []],
    ['f"{count} files"', []],
    ['"took %.2fs" % kind', []],
    ['"_db"', ["*_db"]],
    ['"_db" in count', ["*_db"]],
    ['"_db" in more', []],
    ['1 if "_db" not in more else 2', []],
    ['"_db" in more.values()', ["*_db"]],
    ['kind + "_db" in more', ["*_db"]],
    ['more["_db"]', ["*_db"]],
  ] as const) {
    test(text, () => {
      const found = outline(`def f(kind, count, width, **more):\n    return ${text}\n`).bodies[0]?.[1].affixes;
      assert.deepEqual([...(found ?? [])].sort(), [...affixes].sort());
    });
  }
});
