import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Delta, FATES } from "../../src/names/index.ts";
import type { Files } from "../support/memory-tree.ts";
import { concerned, edited } from "./project.ts";

/** A project in which `pkg/mod.py` is edited. */
const AROUND: Files = {
  "pkg/__init__.py": "",
  "pkg/plain.py": "VALUE = 1\n\n\ndef helper():\n    return VALUE\n\n\nclass Base:\n    pass\n",
  "pkg/loud.py": "print('loaded')\nLEVEL = 1\n",
  "pkg/maker.py": "class Base:\n    def __init_subclass__(cls):\n        print(cls)\n",
  "pkg/mod.py": "",
};

function change(before: string, after: string, python: readonly [number, number] = [3, 13]): string {
  const delta = edited({ ...AROUND, "pkg/mod.py": before }, "pkg/mod.py", after, python);
  if (delta.kind === "effect") {
    return "effect";
  }
  return [...delta.changed.map(({ name }) => name), ...(delta.mayFail === undefined ? [] : ["or it fails"])].join(" ");
}

describe("what only binds names", () => {
  for (const [what, before, after, names] of [
    ["a constant", "A = 1\n", "A = 2\n", "A"],
    ["a sum of numbers", "A = 60 * 5\n", "A = 60 * 6\n", "A"],
    ["a list, a tuple, a dictionary", "A = [1, (2, 3), {'a': [4]}]\n", "A = [1, (2, 3), {'a': [5]}]\n", "A"],
    ["an alias", "A = 1\nB = 2\nC = A\n", "A = 1\nB = 2\nC = B\n", "C"],
    ["a function more", "A = 1\n", "A = 1\n\n\ndef f(x, *args, y=A, **kw) -> int:\n    return x\n", "f"],
    ["a default", "def f(x=1): pass\n", "def f(x=2): pass\n", "f"],
    ["a default where there was none", "def f(x): pass\n", "def f(x=2): pass\n", "f"],
    ["a docstring", 'def f():\n    "One."\n', 'def f():\n    "Two."\n', "f"],
    ["an annotation", "def f(x: int): pass\n", "def f(x: str): pass\n", "f"],
    ["a module's docstring", '"""One."""\n', '"""Two."""\n', "__doc__"],
    ["a class attribute", "class C:\n    a = 1\n", "class C:\n    a = 2\n", "C"],
    ["a method more", "class C:\n    a = 1\n", "class C:\n    a = 1\n\n    def m(self): pass\n", "C"],
    ["a class more", "", "class E(ValueError):\n    code = 3\n", "E"],
    [
      "a class of the project's more",
      "from pkg.plain import Base\n",
      "from pkg.plain import Base\nclass C(Base): pass\n",
      "C",
    ],
    [
      "a member of an enum",
      "import enum\nclass E(enum.Enum):\n    A = 1\n",
      "import enum\nclass E(enum.Enum):\n    A = 2\n",
      "E",
    ],
    [
      "a known decorator",
      "import functools\n",
      "import functools\n@functools.lru_cache(maxsize=None)\ndef f(): pass\n",
      "f",
    ],
    [
      "a property",
      "class C:\n    pass\n",
      "class C:\n    @property\n    def p(self): pass\n    @p.setter\n    def p(self, v): pass\n",
      "C or it fails",
    ],
    ["a harmless import", "", "import json\n", "json"],
    ["an import of the project's", "", "from pkg.plain import VALUE, helper as h\n", "VALUE h"],
    ["a module imported by its package", "", "from . import plain\n", "plain"],
    ["two functions that change places", "def f(): pass\ndef g(): pass\n", "def g(): pass\ndef f(): pass\n", ""],
    ["an import behind what does not use it", "import json\nA = 1\n", "A = 1\nimport json\n", ""],
    [
      "a guard of scripts",
      "A = 1\nif __name__ == '__main__':\n    run()\n",
      "A = 1\nif __name__ == '__main__':\n    run(2)\n",
      "__main__",
    ],
    [
      "one branch",
      "import sys\nif sys.version_info >= (3, 9):\n    A = 1\nelse:\n    A = 2\n",
      "import sys\nif sys.version_info >= (3, 9):\n    A = 1\nelse:\n    A = 3\n",
      "A",
    ],
    [
      "an optional import",
      "try:\n    import json\nexcept ImportError:\n    json = None\n",
      "try:\n    import json\nexcept ImportError:\n    json = 0\n",
      "json",
    ],
    ["keys that were there before", "A = 1\nD = {A: 'x'}\n", "A = 1\nD = {A: 'y'}\n", "D"],
    ["a fixture", "import pytest\n", "import pytest\n@pytest.fixture(scope='module')\ndef f(): pass\n", "f"],
    [
      "a marked test",
      "import pytest\n",
      "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_f(x): pass\n",
      "test_f",
    ],
  ] as const) {
    test(what, () => {
      assert.equal(change(before, after), names);
    });
  }

  test("types joined by a bar, where Python knows them", () => {
    const after = "class C: pass\n\n\ndef f(x: int | C): pass\n";
    assert.equal(change("class C: pass\n", after), "f");
    assert.equal(change("class C: pass\n", after, [3, 9]), "f or it fails");
  });

  test("where a value is decided by order, order counts", () => {
    assert.equal(change("A = 1\nA = 2\nB = A\n", "A = 1\nB = A\nA = 2\n"), "B");
    assert.equal(change("A = 1\nA = 2\n", "A = 2\nA = 1\n"), "A");
  });
});

describe("what only binds names, or fails", () => {
  for (const [what, before, after, names] of [
    ["a name that nobody knows", "A = 1\n", "A = nothing\n", "A"],
    ["a name that is bound later", "A = 1\nB = 2\n", "B = A2\nA2 = 2\n", "A B A2"],
    ["an attribute that was not read before", "import os\nA = 1\n", "import os\nA = os.nothing\n", "A"],
    ["a division", "A = 1 / 1\n", "A = 1 / 0\n", "A"],
    ["text with expressions", "A = 1\nB = f'{A}'\n", "A = 1\nB = f'{A!r}'\n", "B"],
    ["a subscript", "A = [1]\nB = A[0]\n", "A = [1]\nB = A[1]\n", "B"],
    ["a key that may have no hash", "A = [1]\nD = {}\n", "A = [1]\nD = {A: 1}\n", "D"],
    ["a name that is not there", "", "from pkg.plain import nothing\n", "nothing"],
    ["a name of the library that is not known", "", "from os import nothing\n", "nothing"],
    [
      "a module where a type was meant",
      "import datetime\n",
      "import datetime\nfrom typing import Optional\ndef f(x: Optional[datetime]): pass\n",
      "Optional f",
    ],
    [
      "a data class",
      "import dataclasses\n@dataclasses.dataclass\nclass C: pass\n",
      "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass C: pass\n",
      "C",
    ],
    ["slots", "class C:\n    __slots__ = ('a',)\n", "class C:\n    __slots__ = ('a', 'b')\n", "C"],
    [
      "a named tuple",
      "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n",
      "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int = 1\n",
      "P",
    ],
    ["a pattern", "import re\nA = re.compile('a')\n", "import re\nA = re.compile('b')\n", "A"],
    ["a comprehension", "A = [1, 2]\nB = [a for a in A if a > 1]\n", "A = [1, 2]\nB = [a for a in A if a > 0]\n", "B"],
    ["a method of a text", "A = 'a b'.split()\n", "A = 'a,b'.split(',')\n", "A"],
    [
      "a part of a path",
      "from pathlib import Path\nA = Path(__file__).parent\n",
      "from pathlib import Path\nA = Path(__file__).parent / 'a'\n",
      "A",
    ],
    ["a condition", "A = 1\nif A: B = 1\n", "A = 1\nif not A: B = 1\n", "B"],
    ["a default that is not there", "def f(x=1): pass\n", "def f(x=nothing): pass\n", "f"],
    [
      "a method less of a class with properties",
      "A = make()\nclass C:\n    def n(self, x=A): pass\n    @property\n    def p(self): pass\n    @p.setter\n    def p(self, v): pass\n    def m(self): pass\n",
      "A = make()\nclass C:\n    def n(self, x=A): pass\n    @property\n    def p(self): pass\n    @p.setter\n    def p(self, v): pass\n",
      "C",
    ],
  ] as const) {
    test(what, () => {
      assert.equal(change(before, after), `${names} or it fails`);
    });
  }

  test("what was evaluated before does not fail now", () => {
    assert.equal(change("import re\nA = re.compile('a')\n", "import re\nA = re.compile('a')\nB = 1\n"), "B");
  });
});

describe("what may do more", () => {
  for (const [what, before, after] of [
    ["a call", "", "print(1)\n"],
    ["a call in a formatted text", "A = 1\n", "A = f'{make(1)}'\n"],
    ["a call in a comprehension", "A = [a for a in 'ab']\n", "A = [make(a) for a in 'ab']\n"],
    [
      "a method of what a call returns",
      "from pathlib import Path\n",
      "from pathlib import Path\nA = Path('a').resolve()\n",
    ],
    ["a default of a lambda", "A = 1\n", "A = lambda x=make(): x\n"],
    ["a name bound within an expression", "A = 1\n", "A = [b := 1, b]\n"],
    ["a condition that calls", "A = 1\nif A: B = 1\n", "A = 1\nif make(A): B = 1\n"],
    [
      "a call that returns a value",
      "from pkg.plain import helper\nA = 1\n",
      "from pkg.plain import helper\nA = helper()\n",
    ],
    ["another argument of one", "A = make(1)\n", "A = make(2)\n"],
    ["a decorator", "def f(): pass\n", "@register\ndef f(): pass\n"],
    ["an autouse fixture", "import pytest\n", "import pytest\n@pytest.fixture(autouse=True)\ndef f(): pass\n"],
    ...["name=NAME", "name=f'{NAME}'", "name='a' + NAME", "**OPTIONS"].map(
      (options) =>
        [
          `a fixture whose name is not to be seen (${options})`,
          `import pytest\nNAME = 'a'\nOPTIONS = {}\n@pytest.fixture(${options})\ndef f(): pass\n`,
          `import pytest\nNAME = 'a'\nOPTIONS = {}\n@pytest.fixture(${options})\ndef f(x=1): pass\n`,
        ] as const,
    ),
    ["a metaclass", "class C: pass\n", "class C(metaclass=M): pass\n"],
    ["a class that makes others", "from pkg.maker import Base\n", "from pkg.maker import Base\nclass C(Base): pass\n"],
    ["another base", "class B: pass\nclass C: pass\n", "class B: pass\nclass C(B): pass\n"],
    [
      "a member of an enum twice",
      "import enum\nclass E(enum.Enum):\n    A = 1\n",
      "import enum\nclass E(enum.Enum):\n    A = 1\n    A = 2\n",
    ],
    ["a loop", "A = 1\n", "A = 1\nfor _ in []: pass\n"],
    ["an attribute set", "import os\n", "import os\nos.environ['A'] = '1'\n"],
    ["an import that prints", "", "from pkg.loud import LEVEL\n"],
    ["an import that prints, gone", "import pkg.loud\nA = 1\n", "A = 1\n"],
    ["an import from elsewhere", "", "import numpy\n"],
    ["a star", "", "from pkg.plain import *\n"],
    ["all that a star takes", "__all__ = ['A']\nA = 1\n", "__all__ = []\nA = 1\n"],
    ["a hook", "", "def pytest_configure(config): pass\n"],
    ["marks of a module", "A = 1\n", "A = 1\npytestmark = None\n"],
    ["a way to compute names", "A = 1\n", "A = 1\ndef __getattr__(name): pass\n"],
    [
      "annotations at another time",
      "def f(x: int): pass\n",
      "from __future__ import annotations\ndef f(x: int): pass\n",
    ],
    ["a new class that takes an object", "A = make()\n", "A = make()\nclass C:\n    a: int = A\n"],
    ["an attribute of an object that is read no more", "A = make()\nB = A.b\n", "A = make()\n"],
    ["a key of an object that is asked for no more", "A = make()\nB = A[1]\n", "A = make()\n"],
    ["an object that is a key no more", "A = make()\nB = {A: 1}\n", "A = make()\nB = {}\n"],
    ["a default that is made", "def f(x=1): pass\n", "def f(x=make()): pass\n"],
    ["a part of an object by default", "A = make()\ndef f(x=1): pass\n", "A = make()\ndef f(x=A.b): pass\n"],
    [
      "a part of an object once more",
      "A = make()\nclass C:\n    b = A.b\n",
      "A = make()\nclass C:\n    b = A.b\n    c = A.b\n",
    ],
    [
      "a part of an object in another class",
      "A = make()\nclass C:\n    b = A.b\nclass D: pass\n",
      "A = make()\nclass C:\n    b = A.b\nclass D:\n    b = A.b\n",
    ],
    [
      "parts of objects in another order",
      "A = make()\nclass C:\n    b = A.b\n    c = A.c\n",
      "A = make()\nclass C:\n    c = A.c\n    b = A.b\n",
    ],
    ["effects in another order", "import pkg.loud\nprint(1)\n", "print(1)\nimport pkg.loud\n"],
  ] as const) {
    test(what, () => {
      assert.equal(change(before, after), "effect");
    });
  }

  test("an import of what was loaded before has no effect more", () => {
    assert.equal(change("import pkg.loud\n", "import pkg.loud\nfrom pkg.loud import LEVEL\n"), "LEVEL");
  });
});

describe("another order", () => {
  function delta(before: string, after: string): Extract<Delta, { kind: "names" }> {
    const found = edited({ ...AROUND, "pkg/mod.py": before }, "pkg/mod.py", after);
    assert.ok(found.kind === "names");
    return found;
  }
  const f = "def f(): pass\n";
  const g = "def g(): pass\n";

  test("of definitions changes what is found by looking through the names", () => {
    const { changed, moved, words, isReordered } = delta(f + g, g + f);
    assert.deepEqual(changed, []);
    assert.deepEqual(moved, [{ path: "pkg/mod.py", name: "", fate: FATES.same }]);
    assert.deepEqual([words, isReordered], [["__subclasses__"], true]);
  });

  test("of imports moves no test", () => {
    const { moved, isReordered } = delta(`import json\nimport re\n${f}`, `import re\nimport json\n${f}`);
    assert.deepEqual([moved.length, isReordered], [1, false]);
  });

  test("moves tests, whatever binds them", () => {
    for (const test_b of [
      "test_b = f\n",
      "if f:\n    def test_b(): pass\n",
      "from pkg.plain import helper as test_b\n",
    ]) {
      assert.ok(delta(`${f}${test_b}${g}`, `${f}${g}${test_b}`).isReordered, test_b);
    }
  });

  test("is found in time where there are thousands of names", () => {
    const lines = Array.from({ length: 4000 }, (_, index) => `A${index} = ${index}\n`);
    assert.equal(delta(lines.join(""), lines.join("").replace("A7 = 7", "A7 = 8")).changed.length, 1);
  });

  test("is none where something comes between, or goes", () => {
    for (const [before, after] of [
      [f + g, `${f}def h(): pass\n${g}`],
      [`${f}def h(): pass\n${g}`, f + g],
      [f + g + f, f + g],
    ] as const) {
      const { moved, isReordered } = delta(before, after);
      assert.deepEqual([moved, isReordered], [[], false]);
    }
  });

  test("of stars, and of a star and what it may bind, may bind anything else", () => {
    const [one, other] = ["from pkg.plain import *\n", "from pkg.maker import *\n"];
    assert.equal(change(one + other, other + one), "effect");
    assert.equal(change(`${one}VALUE = 3\n`, `VALUE = 3\n${one}`), "effect");
    assert.notEqual(change(one + other, `${one}${other}A = 1\n`), "effect");
  });
});

describe("whom it concerns", () => {
  const files: Files = {
    "app.py": "RATE = 2\nNAME = 'x'\n\n\ndef fee(n):\n    return n * RATE\n\n\ndef name():\n    return NAME\n",
    "shop.py":
      "import app\nfrom app import RATE as R, fee\n\nDOUBLE = R\n\n\ndef total(n=DOUBLE):\n    return n\n\n\ndef other():\n    return app.NAME\n",
    "local.py": "RATE = 5\n\n\ndef own():\n    return RATE\n\n\ndef local():\n    RATE = 1\n    return RATE\n",
  };
  const rate = (text: string): string => (files["app.py"] as string).replace("RATE = 2", text);

  test("those who mention the name, through imports, aliases and defaults", () => {
    assert.deepEqual(concerned(files, "app.py", rate("RATE = 3")), ["app.py::fee", "shop.py::total"]);
  });

  test("those who look it up in an object, or spell it in a string", () => {
    const more = {
      ...files,
      "spelt.py":
        "def attribute(x):\n    return x.RATE\n\n\ndef text(patch):\n    patch('app.RATE')\n\n\ndef prose():\n    return 'the RATE of all'\n",
      "put.py": "def together(x, n):\n    return getattr(x, 'RA' + n)\n",
    };
    const found = concerned(more, "app.py", rate("RATE = 3"));
    assert.deepEqual(found, [
      "app.py::fee",
      "put.py::together",
      "shop.py::total",
      "spelt.py::attribute",
      "spelt.py::text",
    ]);
  });

  test("those who hand the module on, or look names up that nobody spells", () => {
    const more = {
      ...files,
      "hand.py": "import app\n\n\ndef on(f):\n    f(app)\n\n\ndef none():\n    return app.NAME\n",
      "dynamic.py": "import importlib\n\n\ndef load(n):\n    return importlib.import_module(n)\n",
    };
    const found = concerned(more, "app.py", rate("RATE = 3"));
    assert.deepEqual(found, ["app.py::fee", "dynamic.py::load", "hand.py::on", "shop.py::total"]);
  });

  test("those who import it by a name that is spelt, and nobody else who does so", () => {
    const more = {
      ...files,
      "other.py": "",
      "spelt.py":
        "from importlib import import_module\n\n\ndef load():\n    return import_module('app')\n\n\ndef other():\n    return import_module('other')\n",
    };
    const found = concerned(more, "app.py", rate("RATE = 3"));
    assert.deepEqual(found, ["app.py::fee", "shop.py::total", "spelt.py::load"]);
  });

  test("those who hand on a part of a package that is a module, and not a part of a class", () => {
    const packaged: Files = {
      "pkg/__init__.py": "",
      "pkg/env.py": "RATE = 2\n",
      "kinds.py": "class Kinds:\n    env = 1\n\n\nclass Modules:\n    from pkg import env\n",
      "alias.py": "from pkg import env\n\n\nclass Aliases:\n    env = env\n\n\nclass More(Aliases):\n    pass\n",
      "use.py":
        "import pkg\nfrom alias import Aliases, More\nfrom kinds import Kinds, Modules\n\n\ndef alias(f):\n    f(Aliases.env)\n\n\n" +
        "def more(f):\n    f(More.env)\n\n\ndef part(f):\n    f(pkg.env)\n\n\ndef kind(f):\n    f(Kinds.env)\n\n\n" +
        "def module(f):\n    f(Modules.env)\n\n\ndef own(f, pkg):\n    f(pkg.env)\n",
    };
    const found = concerned(packaged, "pkg/env.py", "RATE = 3\n");
    assert.deepEqual(found, ["alias.py", "use.py::alias", "use.py::module", "use.py::more", "use.py::part"]);
  });

  test("those who look through the names of their module, and not those who have attributes called so", () => {
    const own =
      "def names():\n    return globals()\n\n\ndef named(x):\n    return x.globals\n\n\ndef fn(b):\n    return f'{b.vars}'\n";
    assert.deepEqual(concerned({ "a.py": `RATE = 2\n\n\n${own}` }, "a.py", `RATE = 3\n\n\n${own}`), ["a.py::names"]);
  });

  test("of a class that declares something else, those who ask for that or hand the class on", () => {
    const declared: Files = {
      "base.py":
        "from __future__ import annotations\n\n\nclass Base:\n    size: int\n\n    def make(self):\n        return self\n",
      "use.py":
        "from base import Base\n\n\nclass Derived(Base):\n    pass\n\n\ndef make():\n    return Base(), Derived()\n\n\n" +
        "def give(f):\n    f(Derived)\n\n\ndef find(f):\n    f('base.Base')\n\n\ndef ask(x):\n    return x.__annotations__\n\n\n" +
        "def say(x):\n    x.__annotations__ = {}\n",
    };
    const found = (source: string): string[] => [
      ...concerned({ ...declared, "base.py": source }, "base.py", source.replace("size: int", "width: str")),
    ];
    const source = declared["base.py"] as string;
    assert.deepEqual(found(source), ["use.py::ask", "use.py::find", "use.py::give"]);
    for (const handed of ["f(cls)", "f(self.__class__)", "f(type(self))", "f(kind := type(self))"]) {
      const own = found(source.replace("return self", `return ${handed}`));
      assert.ok(own.includes("use.py::make") && own.includes("base.py::Base.make"), `${handed}: ${own.join()}`);
    }
    assert.equal(found(source.replace("return self", "return type(self).make, cls(1), self.__class__.make")).length, 3);
  });

  test("those who import it by a name of which the rest comes from elsewhere, or that is found in some directory", () => {
    const more = {
      ...files,
      "plugins/extra.py": "RATE = 2\n",
      "spelt.py":
        "from importlib import import_module\n\n\ndef rel():\n    return import_module('.app', 'x')\n\n\ndef found():\n    return import_module('extra')\n",
    };
    assert.ok(concerned(more, "app.py", rate("RATE = 3")).includes("spelt.py::rel"));
    assert.ok(concerned(more, "plugins/extra.py", "RATE = 3\n").includes("spelt.py::found"));
  });

  test("those who evaluate what is gone may fail", () => {
    assert.deepEqual(concerned(files, "app.py", rate("")), ["app.py::fee", "shop.py may fail", "shop.py::total"]);
  });

  test("those who look up in a module what is gone may fail", () => {
    const more = { ...files, "looks.py": "import app\n\nRATE_OF = app.RATE\n" };
    assert.deepEqual(concerned(more, "app.py", rate("")), [
      "app.py::fee",
      "looks.py may fail",
      "shop.py may fail",
      "shop.py::total",
    ]);
  });

  test("all importers of those who call something with it", () => {
    const more = { ...files, "calls.py": "from app import RATE\n\nregister(RATE)\n" };
    assert.deepEqual(concerned(more, "app.py", rate("RATE = 3")), ["app.py::fee", "calls.py", "shop.py::total"]);
  });

  test("those who compute with it may fail", () => {
    const more = { ...files, "sums.py": "from app import RATE\n\nTWICE = RATE * 2\n\n\ndef f():\n    return TWICE\n" };
    assert.deepEqual(concerned(more, "app.py", rate("RATE = 3")), [
      "app.py::fee",
      "shop.py::total",
      "sums.py may fail",
      "sums.py::f",
    ]);
  });

  test("a class below one with other slots may fail", () => {
    const classes: Files = {
      "c.py": "class Base:\n    __slots__ = ('a',)\n",
      "d.py": "from c import Base\nclass Derived(Base):\n    b = 1\n\n\ndef make():\n    return Derived()\n",
    };
    assert.deepEqual(concerned(classes, "c.py", (classes["c.py"] as string).replace("'a',", "'a', 'b'")), [
      "c.py may fail",
      "d.py may fail",
      "d.py::make",
    ]);
  });

  test("all importers where a branch does something else without it", () => {
    const more = {
      ...files,
      "tries.py": "try:\n    from app import RATE\nexcept ImportError:\n    register()\n",
    };
    assert.deepEqual(concerned(more, "app.py", rate("")), [
      "app.py::fee",
      "shop.py may fail",
      "shop.py::total",
      "tries.py",
    ]);
  });

  test("a data class below another, which may not fit", () => {
    const classes: Files = {
      "c.py": "from dataclasses import dataclass\n@dataclass\nclass Base:\n    a: int\n",
      "d.py":
        "from dataclasses import dataclass\nfrom c import Base\n@dataclass\nclass Derived(Base):\n    b: int\n\n\ndef make():\n    return Derived(1, 2)\n",
    };
    assert.deepEqual(concerned(classes, "c.py", (classes["c.py"] as string).replace("a: int", "a: int = 1")), [
      "c.py may fail",
      "d.py may fail",
      "d.py::make",
    ]);
  });

  test("of a class, its methods and those who mention it", () => {
    const classes: Files = {
      "c.py":
        "class Base:\n    limit = 1\n\n    def run(self):\n        return self.limit\n\n\nclass Other:\n    def run(self):\n        pass\n",
      "d.py":
        "from c import Base\n\n\nclass Derived(Base):\n    def more(self):\n        pass\n\n\ndef make():\n    return Derived()\n",
      "e.py": "def f(x):\n    return x.run()\n",
    };
    assert.deepEqual(concerned(classes, "c.py", (classes["c.py"] as string).replace("limit = 1", "limit = 2")), [
      "c.py::Base.run",
      "d.py::Derived.more",
      "d.py::make",
    ]);
  });

  test("those who mention what one of several branches binds", () => {
    const branches: Files = {
      "b.py":
        "from app import RATE\ntry:\n    from fast import value\nexcept ImportError:\n    value = RATE\n\n\ndef f():\n    return value\n",
      "app.py": "RATE = 2\n",
    };
    assert.deepEqual(concerned(branches, "app.py", "RATE = 3\n"), ["b.py::f"]);
  });

  test("a name that hides a builtin, those who used that", () => {
    const before = "def f(x):\n    return len(x)\n\n\ndef g(x):\n    return x\n";
    assert.deepEqual(concerned({ "a.py": before }, "a.py", `def len(x): return 0\n\n\n${before}`), [
      "a.py::f",
      "a.py::len",
    ]);
  });

  test("a fixture, those who ask for it under its other name as well", () => {
    const tests: Files = {
      "conftest.py":
        "import pytest\n\n\n@pytest.fixture(name='client')\ndef _client():\n    return 1\n\n\n@pytest.fixture\ndef user(client):\n    return client\n",
      "tests/test_a.py": "def test_a(client): pass\ndef test_b(user): pass\ndef test_c(): pass\n",
    };
    const text = (tests["conftest.py"] as string).replace("name='client'", "name='client', scope='session'");
    assert.deepEqual(concerned(tests, "conftest.py", text), [
      "conftest.py::_client",
      "conftest.py::user",
      "tests/test_a.py::test_a",
      "tests/test_a.py::test_b",
    ]);
  });

  test("a fixture whose other name is a word of its decorator", () => {
    const tests: Files = {
      "conftest.py": "import pytest\n\n\n@pytest.fixture(name='name')\ndef _name():\n    return 1\n",
      "test_a.py": "def test_a(name): pass\ndef test_b(): pass\n",
    };
    const text = (tests["conftest.py"] as string).replace("name='name'", "name='name', scope='session'");
    assert.deepEqual(concerned(tests, "conftest.py", text), ["conftest.py::_name", "test_a.py::test_a"]);
  });

  test("a fixture with another name, nobody by the other words of its decorator", () => {
    const tests: Files = {
      "conftest.py":
        "import pytest\n\n\n@pytest.fixture(name='client', scope='session')\ndef _client():\n    return 1\n",
      "test_a.py": "import pytest\n\n\n@pytest.fixture\ndef other(): pass\ndef test_a(other): return other.name\n",
    };
    const text = (tests["conftest.py"] as string).replace("session", "module");
    assert.deepEqual(concerned(tests, "conftest.py", text), ["conftest.py::_client"]);
  });

  test("an annotation, those who hand the function on, not those who call it", () => {
    const annotated: Files = {
      "kind.py": "class Kind:\n    size = 1\n",
      "app.py": "from kind import Kind\n\n\ndef run(x: Kind): return 1\n",
      "use.py":
        "import app\nfrom app import run\n\n\ndef call(): return run(1)\ndef part(): return run.size\n" +
        "def give(to): return to(run)\ndef given(to): return to(app.run)\n" +
        "def keep():\n    kept = run\n    (kept)\n",
    };
    assert.deepEqual(concerned(annotated, "kind.py", "class Kind:\n    size = 2\n"), [
      "use.py::give",
      "use.py::given",
      "use.py::keep",
    ]);
  });

  test("an annotation, those who import the function by themselves and hand it on", () => {
    const annotated: Files = {
      "lib.py": "T = int\n\n\ndef show(x: T): return 1\n",
      "use.py":
        "def give(to):\n    from lib import show\n    return to(show)\n\n\n" +
        "def given(to):\n    from lib import show as s\n    return to(s)\n\n\n" +
        "def call():\n    from lib import show\n    return show(1)\n",
    };
    const text = (annotated["lib.py"] as string).replace("int", "str");
    assert.deepEqual(concerned(annotated, "lib.py", text), ["use.py::give", "use.py::given"]);
  });

  test("an annotation below a decorator from elsewhere, all importers", () => {
    const annotated: Files = {
      "kind.py": "class Kind: pass\n",
      "app.py": "import cli\nfrom kind import Kind\n\n\n@cli.command\ndef run(x: 'Kind | None'): return 1\n",
    };
    assert.deepEqual(concerned(annotated, "kind.py", "class Kind:\n    size = 2\n"), ["app.py", "app.py::run"]);
  });
});
