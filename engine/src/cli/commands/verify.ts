/** `winnow verify`: run everything and compare it with the plan, show the account, or forgive what was missed. */

import { statSync } from "node:fs";
import { WinnowError } from "../../model/error.ts";
import { accountOf, forgive, missesOf } from "../../pipeline/verify.ts";
import { JSON_VERSION, missDocument, reportDocument, writeJson } from "../../report/json.ts";
import { reportLines } from "../../report/verification.ts";
import { layoutOf } from "../../store/layout.ts";
import { openStore, type Store } from "../../store/store.ts";
import type { CommandLine } from "../cli.ts";
import { runAndReport } from "./run.ts";

export async function verifyCommand(line: CommandLine): Promise<number> {
  const { report, forgive: wanted } = line.options;
  if (report === true && wanted !== undefined) {
    throw new WinnowError("usage", "--report and --forgive are two commands", "Give one of them.");
  }
  if (report === true) {
    return reportCommand(line);
  }
  if (typeof wanted === "string") {
    return forgiveCommand(line, wanted);
  }
  return runAndReport(line, { mode: "observe", missesFail: true });
}

function reportCommand({ request, json }: CommandLine): number {
  const store = existingStore(request.root);
  const account = store === undefined ? {} : accountOf(store);
  const misses = store === undefined ? [] : [...missesOf(store).values()];
  if (json) {
    writeJson(reportDocument(account, misses));
  } else {
    process.stdout.write(`${reportLines(account, misses).join("\n")}\n`);
  }
  return 0;
}

function forgiveCommand({ request, json }: CommandLine, wanted: string): number {
  const store = existingStore(request.root);
  const ids = store === undefined ? [] : [...missesOf(store).values()].map(({ id }) => id);
  // As for `why`: a whole id means that test only.
  const isMeant = ids.includes(wanted) ? (id: string) => id === wanted : (id: string) => id.includes(wanted);
  if (store === undefined || wanted === "" || !ids.some(isMeant)) {
    throw new WinnowError(
      "not-missed",
      `no test called "${wanted}" was missed`,
      "`winnow verify --report` lists those that were.",
    );
  }
  const forgiven = forgive(store, ({ id }) => isMeant(id));
  if (json) {
    writeJson({ version: JSON_VERSION, forgiven: forgiven.map(missDocument) });
  } else {
    process.stdout.write(`${forgiven.map(({ id }) => `${id} is left out again once a fact proves it`).join("\n")}\n`);
  }
  return 0;
}

/** The store, if there is one: asking makes none. */
function existingStore(root: string): Store | undefined {
  const { database } = layoutOf(root);
  return statSync(database, { throwIfNoEntry: false }) === undefined ? undefined : openStore(database);
}
