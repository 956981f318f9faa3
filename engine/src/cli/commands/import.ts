/** `winnow import`: a snapshot. */

import { resolve } from "node:path";
import { resolveInterpreter } from "../../pipeline/python.ts";
import { importSnapshot, readSnapshot } from "../../pipeline/snapshots.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import { compilerOf } from "../../runners/pytest/compiler.ts";
import { makeLayout } from "../../store/layout.ts";
import { openStore } from "../../store/store.ts";
import type { CommandLine } from "../cli.ts";

export function importCommand({ request, words, json }: CommandLine): number {
  const file = resolve(request.cwd, words[0] ?? "");
  const snapshot = readSnapshot(file);
  const { info } = resolveInterpreter(request, undefined);
  const store = openStore(makeLayout(request.root).database);
  const { added, known, ofOtherMachines } = importSnapshot(store, request, info, compilerOf(info.executable), snapshot);
  store.close();
  if (json) {
    writeJson({ version: JSON_VERSION, file, kind: "snapshot", added, known, ofOtherMachines });
    return 0;
  }
  const lines = [`${count(added, "fact")} added, ${known} known already`];
  if (ofOtherMachines > 0) {
    lines.push(`${count(ofOtherMachines, "fact")} left out: another kind of machine says nothing of this one`);
  }
  lines.push("The next `winnow run` collects all tests once, and leaves out those that are proven.");
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
