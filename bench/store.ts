/**
 * What the store costs, measured in this process: `node bench/store.ts DIR --python PY [--rounds 7] [--commits 20]`, on a
 * project of `bench/stored.ts`. Prints JSON:
 *
 * - `concerned`: milliseconds of CPU until it is known which of all recorded tests an edit of one function concerns, from
 *   the changed file on (its fingerprint included, the look at the other files not), a figure a round; and how many it was.
 * - `facts`: milliseconds of CPU to write a thousand facts in one transaction, a figure a round: with a set of their own that
 *   the store knows (`known`), and with one of 300 members that nobody had before (`fresh`).
 * - `replay`: of the fingerprints that the last commits of this repository ask for (all Python files of each, the first
 *   commit left aside), how many the store has already.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { blobSha1 } from "../engine/src/files/hash.ts";
import { fingerprint, packFingerprint } from "../engine/src/fingerprint/index.ts";
import { openTree, planOf, readKnowledge } from "../engine/src/pipeline/decide.ts";
import { DeclaredValues } from "../engine/src/pipeline/declared.ts";
import { environmentOf } from "../engine/src/pipeline/environment.ts";
import { resolveInterpreter } from "../engine/src/pipeline/python.ts";
import { settled } from "../engine/src/pipeline/settled.ts";
import { surroundingsOf, variablesOf } from "../engine/src/pipeline/verdict.ts";
import { layoutOf } from "../engine/src/store/layout.ts";
import { openStore, type Store } from "../engine/src/store/store.ts";

const FACTS = 1000;
const MEMBERS = 300;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string" },
    rounds: { type: "string", default: "7" },
    commits: { type: "string", default: "20" },
  },
});
const [directory] = positionals;
if (directory === undefined || values.python === undefined) {
  process.stderr.write("usage: node bench/store.ts DIR --python PY [--rounds N] [--commits N]\n");
  process.exit(2);
}
const root = resolve(directory);
const rounds = Number(values.rounds);
const repository = resolve(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "winnow-bench-store-"));

/** Milliseconds of CPU. */
function cpu(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const used = process.cpuUsage(before);
  return Math.round((used.user + used.system) / 10) / 100;
}

async function concerned(store: Store): Promise<{ ms: number[]; tests: number; of: number }> {
  const { request } = await settled({ cwd: root, args: [], env: process.env }, { python: values.python });
  const { info } = resolveInterpreter(request, store);
  const environment = store.environment(environmentOf(request, info).digest);
  const edited = store.dependencyPaths().findLast((path) => path.startsWith("src/unit/layer_") && /m_\d+/.test(path));
  if (environment === undefined || edited === undefined) {
    throw new Error(`${root} is no project of bench/stored.ts, or was written on another Python`);
  }
  const file = join(root, edited);
  const text = readFileSync(file, "utf8");
  const found: number[] = [];
  let tests = 0;
  let of = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      writeFileSync(file, text.replace("mark = 1", `mark = ${round + 2}`));
      const tree = openTree(store, request, info, surroundingsOf(store, environment), store.watch());
      const changes = tree.scan();
      const declared = new DeclaredValues(tree, request, variablesOf(store, request), false);
      found.push(
        cpu(() => {
          const plan = store.read(() => {
            const knowledge = readKnowledge(store, environment, request, tree, changes, declared);
            return planOf(store, environment, request, tree, knowledge);
          });
          tests = plan.kind === "some" ? plan.tests.length : 0;
          of = plan.kind === "some" ? plan.known : 0;
        }),
      );
    }
  } finally {
    writeFileSync(file, text);
  }
  return { ms: found, tests, of };
}

/** Writes into a copy: the project's own store stays as it is. */
function facts(): { known: number[]; fresh: number[] } {
  const copy = join(scratch, "copy.db");
  copyFileSync(layoutOf(root).database, copy);
  const store = openStore(copy);
  const last = store.lastDependencyId();
  const found: { known: number[]; fresh: number[] } = { known: [], fresh: [] };
  for (let round = 0; round < rounds; round++) {
    // Ids that mean nothing are members like others: no two rounds or tests have one set.
    const sets = Array.from({ length: FACTS }, (_, index) =>
      Array.from({ length: MEMBERS }, (_, i) => last + (round * FACTS + index) * 3 + i * 2),
    );
    for (const kind of ["fresh", "known"] as const) {
      // A set that is known belongs to another result of the test: a fact that says the same would only be confirmed.
      const outcome = kind === "fresh" ? "passed" : "skipped";
      const add = (members: readonly number[], index: number): boolean =>
        store.addFact(1, {
          test: index + 1,
          outcome,
          green: true,
          durationUs: 1000 + index,
          at: Date.now(),
          run: `round ${round}`,
          depsets: [store.internDepset(members)],
        });
      found[kind].push(cpu(() => store.write(() => sets.forEach(add))));
    }
  }
  store.close();
  return found;
}

function git(...args: string[]): string {
  return execFileSync("git", ["-C", repository, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
}

/** The blobs are git's own, and so are their names: a content hash in the store is git's. */
function replay(): { commits: number; asked: number; known: number } {
  const commits = git("rev-list", `--max-count=${Number(values.commits) + 1}`, "HEAD", "--", "*.py")
    .trim()
    .split("\n");
  const store = openStore(join(scratch, "replay.db"));
  let asked = 0;
  let known = 0;
  commits.reverse().forEach((commit, index) => {
    const listed = git("ls-tree", "-r", "-z", commit).split("\0").filter(Boolean);
    const blobs = listed.flatMap((line) => {
      const [, type, sha, path] = /^\d+ (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      return type === "blob" && path?.endsWith(".py") ? [sha as string] : [];
    });
    store.write(() => {
      for (const sha of blobs) {
        const has = store.fingerprint(sha) !== undefined;
        asked += index === 0 ? 0 : 1;
        known += index === 0 || !has ? 0 : 1;
        if (!has) {
          const bytes = execFileSync("git", ["-C", repository, "cat-file", "blob", sha], { maxBuffer: 1 << 28 });
          if (blobSha1(bytes) !== sha) {
            throw new Error("this repository names its contents otherwise than the store does");
          }
          store.setFingerprint(sha, packFingerprint(fingerprint(bytes)), []);
        }
      }
    });
  });
  store.close();
  return { commits: commits.length - 1, asked, known };
}

try {
  const store = openStore(layoutOf(root).database);
  const found = await concerned(store);
  store.close();
  process.stdout.write(`${JSON.stringify({ concerned: found, facts: facts(), replay: replay() })}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
