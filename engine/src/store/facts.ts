/**
 * Facts, packed: those of 64 tests of an environment make one row, because a row for each would cost more to write and to
 * read than what is in it. What a transaction changes is kept until its end, and written then.
 */

import { ByteReader, ByteWriter } from "./bytes.ts";
import { Counter, type Row, type Sql } from "./sql.ts";

/** A fact as it is stored. */
export interface StoredFact {
  readonly id: number;
  readonly test: number;
  readonly outcome: string;
  readonly green: boolean;
  durationUs: number;
  /** Milliseconds since 1970, of the last time that it was recorded. */
  at: number;
  run: string;
  readonly depsets: readonly number[];
  /** The number of its remarks; 0 if there are none. */
  readonly remark: number;
}

/** Facts by test, the newest of each first. */
type Page = Map<number, StoredFact[]>;

const TESTS_PER_PAGE = 64;

/** The facts of a page as bytes. */
export function packFacts(page: ReadonlyMap<number, readonly StoredFact[]>): Uint8Array {
  const outcomes = new Map<string, number>();
  const runs = new Map<string, number>();
  for (const facts of page.values()) {
    for (const { outcome, run } of facts) {
      numberOf(outcomes, outcome);
      numberOf(runs, run);
    }
  }
  for (const texts of [outcomes, runs]) {
    WRITER.number(texts.size);
    for (const text of texts.keys()) {
      WRITER.text(text);
    }
  }
  // Each number as the difference to that of the fact before: of tests of one file, and of one run, they are alike.
  let before = NO_FACT;
  for (const facts of page.values()) {
    for (const fact of facts) {
      WRITER.signed(fact.test - before.test);
      WRITER.signed(fact.id - before.id);
      WRITER.number(numberOf(outcomes, fact.outcome) * 2 + (fact.green ? 1 : 0));
      WRITER.number(numberOf(runs, fact.run));
      WRITER.signed(fact.at - before.at);
      WRITER.number(fact.durationUs);
      WRITER.number(fact.remark);
      const { depsets } = fact;
      WRITER.number(depsets.length);
      for (let index = 0; index < depsets.length; index++) {
        WRITER.signed((depsets[index] as number) - (before.depsets[index] ?? 0));
      }
      before = fact;
    }
  }
  return WRITER.finish();
}

/** One for all pages: what it has made ready is used again. */
const WRITER = new ByteWriter();

function numberOf(texts: Map<string, number>, text: string): number {
  let number = texts.get(text);
  if (number === undefined) {
    number = texts.size;
    texts.set(text, number);
  }
  return number;
}

/** The inverse of {@link packFacts}. @throws SyntaxError */
export function unpackFacts(bytes: unknown): Page {
  const reader = new ByteReader(bytes);
  const texts = (): string[] => Array.from({ length: reader.number() }, () => reader.text());
  const outcomes = texts();
  const runs = texts();
  const page: Page = new Map();
  let before = NO_FACT;
  while (!reader.isAtEnd) {
    const test = before.test + reader.signed();
    const id = before.id + reader.signed();
    const kind = reader.number();
    const run = runs[reader.number()];
    const at = before.at + reader.signed();
    const durationUs = reader.number();
    const remark = reader.number();
    const depsets = new Array<number>(reader.number());
    for (let index = 0; index < depsets.length; index++) {
      depsets[index] = (before.depsets[index] ?? 0) + reader.signed();
    }
    const outcome = outcomes[kind >>> 1];
    if (outcome === undefined || run === undefined) {
      throw new SyntaxError("the store holds a fact without an outcome or a run");
    }
    const fact = { id, test, outcome, green: kind % 2 === 1, durationUs, at, run, depsets, remark };
    const same = page.get(test);
    if (same === undefined) {
      page.set(test, [fact]);
    } else {
      same.push(fact);
    }
    before = fact;
  }
  return page;
}

const NO_FACT: StoredFact = {
  id: 0,
  test: 0,
  outcome: "",
  green: false,
  durationUs: 0,
  at: 0,
  run: "",
  depsets: [],
  remark: 0,
};

/** Whether two facts differ in their time only. */
function saysTheSame(one: Omit<StoredFact, "id">, other: Omit<StoredFact, "id">): boolean {
  return (
    one.outcome === other.outcome &&
    one.green === other.green &&
    one.remark === other.remark &&
    one.depsets.length === other.depsets.length &&
    one.depsets.every((depset, index) => depset === other.depsets[index])
  );
}

interface DraftPage {
  readonly facts: Page;
  changed: boolean;
}

export class Facts {
  readonly #sql: Sql;
  /** Pages of the transaction under way, by environment and number. */
  readonly #draft = new Map<number, Map<number, DraftPage>>();
  readonly #numbers: Counter;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#numbers = new Counter(sql, "lastFact");
  }

  /** All facts of an environment, the tests in the order of their numbers. */
  *ofEnvironment(environment: number): Generator<readonly [test: number, facts: readonly StoredFact[]]> {
    const drafted = this.#draft.get(environment);
    const pages = new Map<number, Page>();
    const rows = this.#sql("SELECT page, data FROM fact WHERE environment = ? ORDER BY page").iterate(environment);
    for (const row of rows as Iterable<Row>) {
      const number = Number(row["page"]);
      pages.set(number, drafted?.get(number)?.facts ?? unpackFacts(row["data"]));
    }
    for (const [number, { facts }] of drafted ?? []) {
      pages.set(number, facts);
    }
    for (const [, page] of [...pages].sort(([one], [other]) => one - other)) {
      yield* [...page].sort(([one], [other]) => one - other);
    }
  }

  /** The facts of all tests that share a page with those which the transaction under way has added to. */
  *drafted(environment: number): Generator<readonly [test: number, facts: readonly StoredFact[]]> {
    for (const { facts } of this.#draft.get(environment)?.values() ?? []) {
      yield* facts;
    }
  }

  /** The facts of a test in an environment, the newest first. */
  ofTest(environment: number, test: number): readonly StoredFact[] {
    return this.#page(environment, test).facts.get(test) ?? [];
  }

  /**
   * Adds a fact; one that says the same as a stored one confirms that. Of each test the newest `limit` stay. Returns
   * whether it is new. Only within a transaction that writes.
   */
  add(environment: number, fact: Omit<StoredFact, "id">, limit: number): boolean {
    const page = this.#page(environment, fact.test, true);
    const facts = page.facts.get(fact.test) ?? [];
    const same = facts.find((each) => saysTheSame(each, fact));
    if (same !== undefined) {
      // The newer one tells how long it takes; what was recorded elsewhere may be older than what is known.
      if (fact.at > same.at || (fact.at === same.at && fact.durationUs > same.durationUs)) {
        same.at = fact.at;
        same.durationUs = fact.durationUs;
        same.run = fact.run;
        page.changed = true;
      }
    } else {
      facts.push({ ...fact, id: this.#numbers.next() });
      page.changed = true;
    }
    facts.sort((one, other) => other.at - one.at || other.id - one.id);
    page.facts.set(fact.test, same === undefined ? facts.slice(0, limit) : facts);
    return same === undefined;
  }

  /** Keeps of each test's facts, the newest first, as many as `kept` says. */
  prune(environment: number, kept: (test: number, facts: readonly StoredFact[]) => number): void {
    for (const [test, facts] of [...this.ofEnvironment(environment)]) {
      const count = kept(test, facts);
      if (count < facts.length) {
        const page = this.#page(environment, test, true);
        page.changed = true;
        if (count === 0) {
          page.facts.delete(test);
        } else {
          page.facts.set(test, facts.slice(0, count));
        }
      }
    }
  }

  /** The environments that have facts. */
  environments(): number[] {
    const rows = this.#sql("SELECT DISTINCT environment FROM fact").all() as Row[];
    return [...new Set([...rows.map((row) => Number(row["environment"])), ...this.#draft.keys()])];
  }

  count(): number {
    let count = 0;
    for (const environment of this.environments()) {
      for (const [, facts] of this.ofEnvironment(environment)) {
        count += facts.length;
      }
    }
    return count;
  }

  /** Writes what the transaction under way changed. */
  save(): void {
    for (const [environment, pages] of this.#draft) {
      for (const [number, { facts, changed }] of pages) {
        if (changed && facts.size === 0) {
          this.#sql("DELETE FROM fact WHERE environment = ? AND page = ?").run(environment, number);
        } else if (changed) {
          this.#sql("INSERT OR REPLACE INTO fact VALUES (?, ?, ?)").run(environment, number, packFacts(facts));
        }
      }
    }
    this.#numbers.save();
    this.forget();
  }

  /** Forgets what the transaction under way read and changed. */
  forget(): void {
    this.#draft.clear();
    this.#numbers.forget();
  }

  /** The page of a test; `isDrafted`: it is going to be changed. */
  #page(environment: number, test: number, isDrafted = false): DraftPage {
    const number = Math.floor(test / TESTS_PER_PAGE);
    let pages = this.#draft.get(environment);
    let page = pages?.get(number);
    if (page === undefined) {
      const row = this.#sql("SELECT data FROM fact WHERE environment = ? AND page = ?").get(environment, number);
      const facts: Page = row === undefined ? new Map() : unpackFacts((row as Row)["data"]);
      page = { facts, changed: false };
      if (isDrafted) {
        if (pages === undefined) {
          pages = new Map();
          this.#draft.set(environment, pages);
        }
        pages.set(number, page);
      }
    }
    return page;
  }
}
