/** `winnow snapshot save|list|drop NAME`: names for states of the project, which `--against NAME` asks about. */

import { statSync } from "node:fs";
import { WinnowError } from "../../model/error.ts";
import { didYouMean } from "../../model/nearest.ts";
import { look } from "../../pipeline/look.ts";
import { type SavedSummary, savedState, savedStates, saveState } from "../../pipeline/saved.ts";
import { unknownSnapshot } from "../../pipeline/since.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import { layoutOf } from "../../store/layout.ts";
import { openStore, type Store } from "../../store/store.ts";
import type { CommandLine } from "../cli.ts";
import { COMMANDS } from "../options.ts";

const ACTIONS = ["save", "list", "drop"] as const;

export async function snapshotCommand(line: CommandLine): Promise<number> {
  const [typed = "", name] = line.words;
  const action = ACTIONS.find((each) => each === typed);
  const help = `Usage: ${COMMANDS.snapshot.usage}.`;
  if (action === undefined) {
    throw new WinnowError("usage", `snapshots know no "${typed}"${didYouMean(typed, ACTIONS)}`, help);
  }
  if (action === "list") {
    if (name !== undefined) {
      throw new WinnowError("usage", `"${name}" is one word too many for \`winnow snapshot list\``, help);
    }
    return list(line);
  }
  if (name === undefined) {
    throw new WinnowError("usage", `the snapshot's name is missing for \`winnow snapshot ${action}\``, help);
  }
  return action === "save" ? await save(line, name) : drop(line, name);
}

async function save({ request: asked, json }: CommandLine, name: string): Promise<number> {
  if (!/^\w[\w.+/@-]{0,99}$/u.test(name)) {
    throw new WinnowError(
      "usage",
      `"${name}" is no name for a snapshot`,
      "A name begins with a letter or a digit, and has letters, digits and . _ + / @ - in it, 100 at most.",
    );
  }
  const { store, decision, environment } = await look(asked);
  if (store === undefined || decision === undefined) {
    throw new WinnowError("nothing-recorded", `nothing is recorded of ${asked.root}`, "`winnow run` records.");
  }
  const before = savedState(store, name);
  const request = { ...asked, config: { ...asked.config, environment } };
  const saved = saveState(store, request, decision, name);
  store.close();
  if (json) {
    writeJson({
      version: JSON_VERSION,
      saved: documentOf(saved),
      replaced: before === undefined ? null : documentOf(before),
    });
  } else {
    const instead = before === undefined ? "" : `, in the place of that of ${dateOf(before)}`;
    process.stdout.write(`saved ${name}: ${count(saved.files, "file")}, Python ${saved.python}${instead}\n`);
  }
  return 0;
}

function list({ request, json }: CommandLine): number {
  const store = existingStore(request.root);
  const states = store === undefined ? [] : savedStates(store);
  if (json) {
    writeJson({ version: JSON_VERSION, snapshots: states.map(documentOf) });
    return 0;
  }
  const width = Math.max(0, ...states.map(({ name }) => name.length));
  const lines = states.map(
    (state) => `${state.name.padEnd(width)}  ${dateOf(state)}  ${count(state.files, "file")}, Python ${state.python}`,
  );
  process.stdout.write(`${(lines.length === 0 ? ["no snapshot is saved"] : lines).join("\n")}\n`);
  return 0;
}

function drop({ request, json }: CommandLine, name: string): number {
  const store = existingStore(request.root);
  const state = store === undefined ? undefined : savedState(store, name);
  if (store === undefined || state === undefined) {
    throw unknownSnapshot(name, store);
  }
  store.write(() => store.dropState(name));
  store.close();
  if (json) {
    writeJson({ version: JSON_VERSION, dropped: documentOf(state) });
  } else {
    process.stdout.write(`dropped ${name}\n`);
  }
  return 0;
}

/** The store, if there is one: asking makes none. */
function existingStore(root: string): Store | undefined {
  const { database } = layoutOf(root);
  return statSync(database, { throwIfNoEntry: false }) === undefined ? undefined : openStore(database);
}

function documentOf({ at, ...rest }: SavedSummary): object {
  return { ...rest, at: dateOf({ at }) };
}

function dateOf({ at }: Pick<SavedSummary, "at">): string {
  return new Date(at).toISOString();
}
