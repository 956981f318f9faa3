/**
 * `winnow attend`: what pytest's plugin starts beside a pytest that is running already, and talks to. One line of JSON for each
 * message (docs/formats.md): the plugin says what was typed, gets the plan, says when pytest has ended, gets the summary.
 */

import { createInterface } from "node:readline";
import { messageOf, WinnowError } from "../../model/error.ts";
import { type Attendance, type Attended, attend } from "../../pipeline/attend.ts";
import { settled } from "../../pipeline/settled.ts";
import { terminalReporter } from "../../report/terminal.ts";

/** What the plugin says first. */
interface Asked {
  readonly version: 1;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly python: string;
  /** Whether what is proven is left out, and whether anything is written. */
  readonly select: boolean;
  readonly record: boolean;
  readonly searchesCwd: boolean;
  readonly interpreterOptions: readonly string[];
  /** Plugins whose options are Winnow's. */
  readonly standsIn: readonly string[];
  /** The name of an environment. */
  readonly environment: string | null;
  /** The earlier state that is asked about; a plugin of an older version says nothing of either. */
  readonly since?: string | null;
  readonly against?: string | null;
}

export async function attendCommand(): Promise<number> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const say = (message: object): void => {
    process.stdout.write(`${JSON.stringify(message)}\n`);
  };
  // Ctrl-C goes to pytest as well, which ends in its own way: what it recorded until then is kept.
  process.on("SIGINT", () => {});
  const told: string[] = [];
  const report = terminalReporter((text) => told.push(text.replace(/\n$/, "")));
  const taken = (): string[] => told.splice(0);
  try {
    const first = await lines.next();
    if (first.done === true) {
      return 0;
    }
    const asked = JSON.parse(first.value) as Asked;
    const { cwd, args, searchesCwd, interpreterOptions, standsIn } = asked;
    const { request, settings } = await settled(
      { cwd, args, env: process.env, searchesCwd, interpreterOptions, standsIn },
      {
        python: asked.python,
        ...(asked.environment === null ? {} : { env: asked.environment }),
        since: asked.since ?? undefined,
        against: asked.against ?? undefined,
      },
      asked.record,
    );
    for (const { code, message, help } of settings.warnings) {
      told.push(`winnow: ${message}\n        ${help}  [${code}]`);
    }
    const attendance: Attendance = {
      emit: report,
      start: (attended: Attended) => say({ kind: "plan", ...attended, lines: taken() }),
      end: async () => {
        const last = await lines.next();
        // Where pytest was killed nothing is said: its journals tell how far it came.
        return last.done === true ? 1 : (JSON.parse(last.value) as { exit: number }).exit;
      },
    };
    await attend(request, attendance, { select: asked.select, record: asked.record });
    say({ kind: "done", lines: taken() });
    return 0;
  } catch (error) {
    const known = error instanceof WinnowError ? error : undefined;
    say({
      kind: "failed",
      message: known?.message ?? messageOf(error),
      help: known?.help ?? "Please report it; the tests' own results are not affected.",
      lines: taken(),
    });
    return 1;
  } finally {
    process.stdin.destroy();
  }
}
