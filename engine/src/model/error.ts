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

/** What a parser has against a TOML document, and in which line. */
export function tomlFault(error: unknown): string {
  const message = messageOf(error).replace(/^Invalid TOML document: /, "");
  return error instanceof Error && "line" in error ? `line ${error.line}: ${message}` : message;
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? "";
}
