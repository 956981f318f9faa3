/** Reads one import statement, token by token. */

import type { ImportRef } from "./model.ts";
import { NAME } from "./tokenizer.ts";

/** What the next name is. */
const MODULE = 0;
const MEMBER = 1;
const ALIAS = 2;

/** Collects what an import statement names. Give it each token after `import` or `from`, then call {@link ImportStatement.finish}. */
export class ImportStatement {
  readonly #from: boolean;
  readonly #found: ImportRef[] = [];
  #current: ImportRef = { level: 0, module: "", names: [] };
  #expected = MODULE;

  /** @param from - whether the statement starts with `from` */
  constructor(from: boolean) {
    this.#from = from;
  }

  /** Takes the next token; white space and comments are none. */
  token(kind: number, text: string): void {
    if (kind === NAME) {
      this.#name(text);
    } else if (text === ",") {
      this.#comma();
    } else if (text === "*") {
      this.#current.names.push("*");
    } else if (text === "." || text === "...") {
      this.#dots(text);
    }
  }

  /** The modules named; none if the statement is not complete. */
  finish(): ImportRef[] {
    this.#flush();
    return this.#found;
  }

  #name(text: string): void {
    if (text === "as") {
      this.#expected = ALIAS;
    } else if (text === "import" && this.#from && this.#expected === MODULE) {
      this.#expected = MEMBER;
    } else if (this.#expected === MODULE) {
      this.#current.module += text;
    } else if (this.#expected === MEMBER) {
      this.#current.names.push(text);
    }
  }

  #comma(): void {
    if (this.#from) {
      this.#expected = MEMBER;
      return;
    }
    this.#flush();
    this.#current = { level: 0, module: "", names: [] };
    this.#expected = MODULE;
  }

  /** Dots before the module's name count levels, dots within it are part of it. */
  #dots(text: string): void {
    if (this.#from && this.#current.module === "") {
      this.#current.level += text.length;
    } else {
      this.#current.module += text;
    }
  }

  #flush(): void {
    const complete = this.#from ? this.#current.names.length > 0 : this.#current.module !== "";
    if (complete) {
      this.#found.push(this.#current);
    }
  }
}
