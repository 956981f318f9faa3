/** `winnow why TEST`: the chain from a test to what made it run, or to the fact that proves that it need not. */

import { WinnowError } from "../../model/error.ts";
import { type Dependency, describeKey } from "../../model/key.ts";
import { describeReason } from "../../model/reason.ts";
import { readKnowledge } from "../../pipeline/decide.ts";
import { Grades } from "../../pipeline/grades.ts";
import { look } from "../../pipeline/look.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import type { Knowledge, KnownFact } from "../../selection/select.ts";
import { proofOf, testReasons } from "../../selection/select.ts";
import { NO_WORD, opaqueDepsets } from "../../selection/word.ts";
import type { Store } from "../../store/store.ts";
import type { CommandLine } from "../cli.ts";

interface Answer {
  readonly id: string;
  readonly runs: boolean;
  readonly reasons: readonly object[];
  readonly fact: object | null;
}

/** What the sets of a fact are, by their place. */
const ROLES = ["session", "collection of its file", "the test itself"] as const;

export async function whyCommand({ request, words, json }: CommandLine): Promise<number> {
  const [wanted = ""] = words;
  const { store, decision, plan, remark } = await look(request);
  const environment = decision === undefined ? undefined : store?.environment(decision.environment.digest);
  if (store === undefined || decision === undefined || environment === undefined) {
    const because = plan.kind === "everything" ? plan.because : "nothing is recorded";
    if (json) {
      writeJson({
        version: JSON_VERSION,
        tests: [{ id: wanted, runs: true, reasons: [{ kind: "everything", because }], fact: null }],
      });
    } else {
      process.stdout.write(`${wanted}\n  runs because ${because}\n`);
    }
    return 0;
  }
  const knowledge =
    decision.knowledge ??
    readKnowledge(store, environment, request, decision.tree, decision.changes, decision.declared);
  const tests = matching(store, knowledge, wanted);
  if (tests.length === 0) {
    throw new WinnowError(
      "unknown-test",
      `no recorded test is called "${wanted}"`,
      "Give a node id, or a part of one, as pytest prints it; a test that was never run is not known yet.",
    );
  }
  const grades = new Grades(store, decision.tree, knowledge);
  const answers = tests.map((test) => answer(store, knowledge, grades, test));
  if (json) {
    writeJson({ version: JSON_VERSION, tests: answers.map(({ document }) => document) });
  } else {
    process.stdout.write(`${[...remark, ...answers.map(({ text }) => text)].join("\n")}\n`);
  }
  return 0;
}

const SHOWN_TESTS = 20;

function matching(store: Store, knowledge: Knowledge, wanted: string): number[] {
  const known = [...store.testNodes()].filter(([test]) => knowledge.facts.has(test));
  const exact = known.filter(([, node]) => node === wanted);
  // Where pytest was started above its root directory, what it prints begins there.
  const below = known.filter(([, node]) => wanted.endsWith(`/${node}`));
  const found =
    [exact, below, known.filter(([, node]) => node.includes(wanted))].find(({ length }) => length > 0) ?? [];
  return found.slice(0, SHOWN_TESTS).map(([test]) => test);
}

function answer(store: Store, knowledge: Knowledge, grades: Grades, test: number): { document: Answer; text: string } {
  const id = knowledge.nodes.get(test) ?? "";
  const proof = proofOf(knowledge, test);
  const newest = knowledge.facts.get(test)?.[0];
  if (proof === undefined) {
    const reasons = testReasons(knowledge, test);
    const lines = [id, ...reasons.map((reason) => `  runs because ${describeReason(reason)}`)];
    if (newest !== undefined) {
      lines.push(
        ...changedChain(knowledge, newest),
        ...gradeLines(grades, newest),
        `  last recorded ${when(newest.at)}: ${newest.outcome}`,
      );
    }
    return {
      document: {
        id,
        runs: true,
        reasons,
        fact: newest === undefined ? null : factDocument(store, knowledge, grades, newest),
      },
      text: lines.join("\n"),
    };
  }
  const lines = [
    id,
    `  need not run: it ${proof.outcome} ${when(proof.at)}, and nothing that it depends on has changed since`,
  ];
  lines.push(...gradeLines(grades, proof));
  for (const { role, depset } of setsOf(knowledge, proof)) {
    const members = dependenciesOf(store, depset);
    lines.push(`  ${role}: ${summary(members)}`);
    if (role === ROLES[2]) {
      const bodies = members.filter(({ kind }) => kind === "body");
      lines.push(...bodies.slice(0, 30).map((member) => `      ${describeKey(member)}  ${member.value.slice(0, 12)}`));
      if (bodies.length > 30) {
        lines.push(`      and ${bodies.length - 30} more (--json shows all)`);
      }
    }
  }
  for (const { kind, name } of proof.remarks?.declared ?? []) {
    lines.push(`  declared: ${DECLARED[kind]} ${name}`);
  }
  return {
    document: { id, runs: false, reasons: [], fact: factDocument(store, knowledge, grades, proof) },
    text: lines.join("\n"),
  };
}

const DECLARED = { files: "files that match", env: "the variable", command: "the output of" } as const;

/** The sets of a fact that count now, with what they are. */
function setsOf(knowledge: Knowledge, fact: KnownFact): { role: string; depset: number }[] {
  const opaque = opaqueDepsets(knowledge.word ?? NO_WORD, fact.remarks) ?? [];
  return [
    ...fact.depsets.map((depset, index) => ({ role: ROLES[index] ?? "a fixture", depset })),
    ...opaque.map((depset) => ({ role: "everything in the project", depset })),
  ];
}

function gradeLines(grades: Grades, fact: KnownFact): string[] {
  const { grade, because } = grades.of(fact);
  switch (grade) {
    case "exact":
      return [];
    case "widened":
      return [
        `  more counts than it may use, because names are looked up that are not spelt, by ${because.join(", ")}`,
      ];
    case "opaque":
      return [`  what it depends on cannot be known, because of ${because.join(" and ")}`];
  }
}

function changedChain(knowledge: Knowledge, fact: KnownFact): string[] {
  return setsOf(knowledge, fact).flatMap(({ role, depset }) => {
    if (knowledge.holds(depset)) {
      return [];
    }
    const keys = knowledge.changed(depset).slice(0, 3);
    return keys.map((key) => `  reached through ${role} → ${describeKey(key)}`);
  });
}

function dependenciesOf(store: Store, depset: number): Dependency[] {
  return store.dependencies(store.depset(depset));
}

function summary(members: readonly Dependency[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of members) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, n]) => `${n} ${kind}`).join(", ") || "nothing";
}

function factDocument(store: Store, knowledge: Knowledge, grades: Grades, fact: KnownFact): object {
  return {
    outcome: fact.outcome,
    green: fact.green,
    at: new Date(fact.at).toISOString(),
    ...grades.of(fact),
    always: fact.remarks?.always === true,
    declared: fact.remarks?.declared ?? [],
    sets: setsOf(knowledge, fact).map(({ role, depset }) => ({
      role,
      holds: knowledge.holds(depset),
      dependencies: dependenciesOf(store, depset).map(({ kind, path, name, value }) => ({ kind, path, name, value })),
    })),
  };
}

function when(at: number): string {
  const minutes = Math.round((Date.now() - at) / 60_000);
  if (minutes < 1) {
    return "just now";
  }
  if (minutes < 60) {
    return `${minutes} min ago`;
  }
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `on ${new Date(at).toISOString().slice(0, 10)}`;
}
