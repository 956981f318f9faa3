/** What a trace looks like: lines for people, a document for programs. Loaded only where one was asked for. */

import { PARTS, type Part, type Spent, STAGES, type Stage, type Trace } from "../pipeline/trace.ts";

interface Row {
  readonly stage: Stage | Part;
  readonly ms: number;
  readonly count: number;
  readonly within: Stage | null;
}

function rows(trace: Trace): { rows: Row[]; totalMs: number } {
  const { stages, totalMs } = trace.spent();
  const told = (Object.keys(STAGES) as Stage[]).flatMap((name): Row[] => {
    const spent: Spent | undefined = stages.get(name);
    if (spent === undefined) {
      return [];
    }
    const own: Row = { stage: name, ms: rounded(spent.ms), count: spent.count, within: null };
    return name === "pytest"
      ? [own, ...[...trace.parts].map(([part, ms]): Row => ({ stage: part, ms: rounded(ms), count: 1, within: name }))]
      : [own];
  });
  return { rows: told, totalMs: rounded(totalMs) };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The field `trace` of a document. */
export function traceDocument(trace: Trace): object {
  const { rows: stages, totalMs } = rows(trace);
  return { totalMs, stages };
}

/** One line per stage. */
export function traceLines(trace: Trace): string[] {
  const { rows: stages, totalMs } = rows(trace);
  const lines = stages.map(({ stage, ms, within }) => {
    const text = within === null ? STAGES[stage as Stage] : `  ${PARTS[stage as Part]}`;
    return `${ms.toFixed(1).padStart(10)} ms  ${text}`;
  });
  return [`where ${totalMs.toFixed(1)} ms went:`, ...lines];
}
