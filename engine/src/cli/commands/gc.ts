/** `winnow gc`. */

import { WinnowError } from "../../model/error.ts";
import { gc } from "../../pipeline/gc.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import type { Garbage } from "../../store/garbage.ts";
import { FACTS_PER_TEST } from "../../store/store.ts";
import type { CommandLine } from "../cli.ts";

const DAYS = 30;

export async function gcCommand({ request, json, options }: CommandLine): Promise<number> {
  const olderThanDays = wholeNumber("older-than", options["older-than"], DAYS, 0, 36_500);
  const keep = wholeNumber("keep", options["keep"], FACTS_PER_TEST, 1, FACTS_PER_TEST);
  const garbage = await gc(request, { olderThanDays, keep });
  if (json) {
    writeJson({ version: JSON_VERSION, olderThanDays, keep, garbage: garbage ?? null });
  } else {
    process.stdout.write(`${(garbage === undefined ? ["nothing is recorded yet"] : lines(garbage)).join("\n")}\n`);
  }
  return 0;
}

function wholeNumber(option: string, typed: unknown, otherwise: number, least: number, most: number): number {
  if (typed === undefined) {
    return otherwise;
  }
  const value = /^\d+$/.test(String(typed)) ? Number(typed) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new WinnowError(
      "usage",
      `--${option} ${String(typed)} is no whole number from ${least} to ${most}`,
      `Without it, --${option} is ${otherwise}.`,
    );
  }
  return value;
}

function lines({ dropped, bytesBefore, bytesAfter, compacted }: Garbage): string[] {
  const { facts } = dropped;
  const reasons: readonly (readonly [number, string])[] = [
    [facts.ofEnvironments, `of ${count(dropped.environments, "environment")} that nothing was recorded in for long`],
    [facts.ofGoneTests, "of tests that are gone"],
    [facts.surplus, "that newer ones of the same test stand for"],
  ];
  const said = reasons.flatMap(([n, what]) => (n === 0 ? [] : [`dropped ${count(n, "fact")} ${what}`]));
  const rest: readonly (readonly [number, string])[] = [
    [dropped.collections, "collection"],
    [dropped.tests, "test"],
    [dropped.depsets, "dependency set"],
    [dropped.contents, "content"],
    [dropped.runs, "run"],
  ];
  const parts = rest.flatMap(([n, noun]) => (n === 0 ? [] : [count(n, noun)]));
  if (parts.length > 0) {
    said.push(`dropped with them: ${parts.join(", ")}`);
  }
  if (said.length === 0) {
    said.push("nothing to drop");
  }
  const sizes = `${megabytes(bytesBefore)} before, ${megabytes(bytesAfter)} now`;
  return [...said, `store: ${sizes}${compacted ? "" : ", to be compacted the next time: it is in use"}`];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
