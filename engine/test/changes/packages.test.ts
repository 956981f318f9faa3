import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  allPackages,
  commonPackages,
  type Distribution,
  normalizedName,
  packageOf,
  type Site,
} from "../../src/changes/packages.ts";

function distribution(name: string, more: Partial<Distribution> = {}): Distribution {
  return { name, version: "1", record: "r", modules: [name], requires: [], isPlugin: false, ...more };
}

function site(distributions: readonly Distribution[], more: Partial<Site> = {}): Site {
  return { distributions, loose: [], startup: [], ...more };
}

const WEB = [
  distribution("web", { requires: ["core", "gone"] }),
  distribution("core", { requires: ["web", "low"], modules: ["core", "shared"] }),
  distribution("low"),
  distribution("alone", { modules: ["alone", "shared"] }),
];

/** The distributions that take part in a value. */
function names(value: string): string[] {
  return (JSON.parse(value) as [[string, string, string][], unknown])[0].map(([name]) => name);
}

test("names are compared as installers do", () => {
  assert.equal(normalizedName("Foo_Bar.-baz"), "foo-bar-baz");
});

describe("the value of a package", () => {
  test("has all that it requires, in circles too", () => {
    assert.deepEqual(names(packageOf([site(WEB)], "web")), ["web", "core", "low"]);
    assert.deepEqual(names(packageOf([site(WEB)], "low")), ["low"]);
    assert.deepEqual(names(packageOf([site(WEB.slice(0, 2)), site(WEB.slice(2))], "web")), ["web", "core", "low"]);
  });

  test("has every distribution that brings the name", () => {
    assert.deepEqual(names(packageOf([site(WEB)], "shared")), ["web", "core", "low", "alone"]);
  });

  test("is that of absence where nothing answers, and changes with what appears", () => {
    assert.equal(packageOf([site(WEB)], "gone"), "-");
    assert.equal(packageOf([site(WEB)], "dist gone"), "-");
    assert.notEqual(packageOf([site([...WEB, distribution("gone")])], "web"), packageOf([site(WEB)], "web"));
    assert.notEqual(packageOf([site(WEB, { loose: ["gone.py"] })], "gone"), "-");
    assert.equal(packageOf([site(WEB, { loose: ["gone.py"] })], "gon"), "-");
  });

  test("may be asked for by the name of the distribution", () => {
    const installed = [site([...WEB, distribution("py-yaml", { modules: ["yaml"] })])];
    assert.deepEqual(names(packageOf(installed, "dist Py_YAML")), ["py-yaml"]);
    assert.deepEqual(names(packageOf(installed, "yaml")), ["py-yaml"]);
    assert.equal(packageOf(installed, "py-yaml"), "-");
  });
});

describe("what concerns all tests", () => {
  const before = [
    site([...WEB, distribution("pytest", { requires: ["low"] }), distribution("plug", { isPlugin: true })], {
      startup: ["a.pth 1"],
    }),
  ];

  test("is the runner, plugins, all that these require, and what is not known", () => {
    assert.deepEqual(names(commonPackages(before)), ["low", "pytest", "plug"]);
    assert.deepEqual(names(commonPackages([site([distribution("odd", { modules: null })])])), ["odd"]);
  });

  test("does not change with what nobody may use, but all that is installed does", () => {
    const more = [site([...(before[0]?.distributions ?? []), distribution("new")], { startup: ["a.pth 1"] })];
    assert.equal(commonPackages(more), commonPackages(before));
    assert.notEqual(allPackages(more), allPackages(before));
    const other = [site(before[0]?.distributions ?? [], { startup: ["a.pth 2"] })];
    assert.notEqual(commonPackages(other), commonPackages(before));
    assert.notEqual(allPackages(other), allPackages(before));
  });
});
