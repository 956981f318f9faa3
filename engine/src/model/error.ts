/** An error that a user can cause or mend: one sentence on what is wrong and where, one on what to do next. */
export class WinnowError extends Error {
  /** A stable word for the kind of error; each has a heading in docs/messages.md. */
  readonly code: string;
  readonly help: string;

  constructor(code: string, message: string, help: string) {
    super(message);
    this.name = "WinnowError";
    this.code = code;
    this.help = help;
  }
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? "";
}
