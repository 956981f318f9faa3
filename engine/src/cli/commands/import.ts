/** `winnow import`: a snapshot, or what pytest-testmon recorded. */

import { resolve } from "node:path";
import { decodeSnapshot, isSnapshot, readNamed } from "../../files/snapshot-file.ts";
import { WinnowError } from "../../model/error.ts";
import { addHistory } from "../../pipeline/history.ts";
import { resolveInterpreter } from "../../pipeline/python.ts";
import { importSnapshot } from "../../pipeline/snapshots.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import { compilerOf } from "../../runners/pytest/compiler.ts";
import { makeLayout } from "../../store/layout.ts";
import { openStore, type Store } from "../../store/store.ts";
import { isDatabase, readTestmon } from "../../store/testmon.ts";
import type { CommandLine } from "../cli.ts";

export function importCommand(line: CommandLine): number {
  const file = resolve(line.request.cwd, line.words[0] ?? "");
  const bytes = readNamed(file);
  if (isDatabase(bytes)) {
    return importTestmon(line, file);
  }
  if (isSnapshot(bytes)) {
    return importFacts(line, file, bytes);
  }
  throw new WinnowError(
    "snapshot-unreadable",
    `${file} is no snapshot, and no database of pytest-testmon's`,
    "`winnow export FILE` writes a snapshot.",
  );
}

function openHere({ request }: CommandLine): Store {
  return openStore(makeLayout(request.root).database);
}

function importFacts(line: CommandLine, file: string, bytes: Uint8Array): number {
  const snapshot = decodeSnapshot(bytes, file);
  const { info } = resolveInterpreter(line.request, undefined);
  const store = openHere(line);
  const compiler = compilerOf(info.executable);
  const { added, known, ofOtherMachines } = importSnapshot(store, line.request, info, compiler, snapshot);
  store.close();
  if (line.json) {
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

function importTestmon(line: CommandLine, file: string): number {
  const tests = readTestmon(file);
  const store = openHere(line);
  addHistory(store, tests);
  store.close();
  const failed = tests.filter((test) => test.failed).map(({ id }) => id);
  if (line.json) {
    writeJson({ version: JSON_VERSION, file, kind: "testmon", tests: tests.length, failed });
    return 0;
  }
  const lines = [
    `${count(tests.length, "test")}: how long they took, and that ${failed.length} of them failed last`,
    ...failed.map((id) => `  failed ${id}`),
    "No test is left out for it: what pytest-testmon records does not say all that a test depends on.",
    "The next `winnow run` runs every test once, and records.",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
