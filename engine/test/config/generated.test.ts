/** What is made from the table of settings is up to date. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { madeFromSettings } from "../../../scripts/settings.ts";
import { readConfig } from "../../src/config/load.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");

for (const [path, text] of madeFromSettings()) {
  test(`${path} says what the table says; npm run settings writes it anew`, () => {
    assert.equal(readFileSync(join(REPOSITORY, path), "utf8"), text);
  });
}

test("the JSON schema takes the globs that the reader takes", async () => {
  const schema = JSON.parse(readFileSync(join(REPOSITORY, "docs/winnow.schema.json"), "utf8"));
  const pattern = new RegExp(schema.properties.ignore.items.pattern, "u");
  for (const glob of ["a", "docs/**", ".a", "ab:c", "../a", "/a", "\\a", "C:/a", "!a", ""]) {
    const isTaken = await readConfig("", `ignore = [${JSON.stringify(glob)}]`).then(
      () => true,
      () => false,
    );
    assert.equal(pattern.test(glob), isTaken, glob);
  }
});
