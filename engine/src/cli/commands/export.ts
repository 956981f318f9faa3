/** `winnow export` and `winnow merge`: a snapshot to a file. */

import { resolve } from "node:path";
import { encodeSnapshot, writeNamed } from "../../files/snapshot-file.ts";
import { findRoot } from "../../pipeline/request.ts";
import { exportStore, merged } from "../../pipeline/snapshots.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import type { PlaceLine } from "../cli.ts";

export function exportCommand({ cwd, words, json }: PlaceLine): number {
  const [name = ""] = words;
  return write(exportStore(findRoot(cwd)), resolve(cwd, name), json);
}

export function mergeCommand({ cwd, words, json }: PlaceLine): number {
  const [out = "", ...named] = words.map((word) => resolve(cwd, word));
  return write(merged(named), out, json);
}

function write(snapshot: Snapshot, file: string, json: boolean): number {
  const bytes = encodeSnapshot(snapshot);
  writeNamed(file, bytes);
  const tests = new Set(snapshot.facts.map(({ path, node }) => `${path}\n${node}`)).size;
  const { facts, environments } = snapshot;
  if (json) {
    writeJson({
      version: JSON_VERSION,
      file,
      bytes: bytes.length,
      tests,
      facts: facts.length,
      environments: environments.length,
    });
  } else {
    const said = `${count(facts.length, "fact")} of ${count(tests, "test")} in ${count(environments.length, "environment")}`;
    process.stdout.write(`${said}, ${count(bytes.length, "byte")}: ${file}\n`);
  }
  return 0;
}
