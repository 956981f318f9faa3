/** All that a store knows, as a snapshot. Reads one state of it, and writes nothing. */

import { DatabaseSync } from "node:sqlite";
import { decompress } from "../files/compression.ts";
import { type Dependency, keyKindOf } from "../model/key.ts";
import type { Remarks } from "../model/remarks.ts";
import { isOutside, marked, markedDeclared, type Place } from "../snapshot/place.ts";
import {
  type Snapshot,
  SnapshotBuilder,
  type SnapshotRemarks,
  withDeclared,
  withDepsets,
} from "../snapshot/snapshot.ts";
import { unpackDependencies } from "./dependencies.ts";
import { Depsets, type PackedDepsets } from "./depsets.ts";
import { Facts } from "./facts.ts";
import { unpackIds, unpackList } from "./id-set.ts";
import { openNotes, STORE_FORMAT, writingError } from "./notes.ts";
import { type Row, type Sql, statementsOf } from "./sql.ts";
import { Tests } from "./tests.ts";

/** What a snapshot of a store on this machine is to say of its place. */
export interface ExportPlace {
  readonly machine: string;
  readonly root: Place["root"];
}

/** The snapshot of the store in a file. @throws WinnowError as `openNotes` does. */
export function snapshotOfStore(file: string, place: ExportPlace): Snapshot {
  // A store of another format is that one's business.
  openNotes(file).close();
  const database = new DatabaseSync(file, { timeout: 60_000 });
  try {
    database.exec("BEGIN");
    return new Exporter(database, place).snapshot();
  } catch (error) {
    throw writingError(file, error);
  } finally {
    database.close();
  }
}

class Exporter {
  readonly #sql: Sql;
  readonly #sets: PackedDepsets;
  readonly #builder = new SnapshotBuilder(STORE_FORMAT);
  readonly #machine: string;
  readonly #place: Place;
  readonly #dependencies = new Map<number, Dependency>();
  /** Numbers in the snapshot, as far as a fact refers to them. */
  readonly #members = new Map<number, number>();
  readonly #depsets = new Map<number, number>();
  readonly #remarks = new Map<number, SnapshotRemarks>([[0, null]]);
  readonly #levels = new Set<string>();

  constructor(database: DatabaseSync, { machine, root }: ExportPlace) {
    this.#sql = statementsOf(database);
    this.#sets = new Depsets(this.#sql).all();
    this.#machine = machine;
    this.#place = { salt: this.#note("salt") ?? "", root };
  }

  #rows(sql: string): Iterable<Row> {
    return this.#sql(sql).iterate() as Iterable<Row>;
  }

  #note(name: string): string | undefined {
    const row = this.#sql("SELECT value FROM meta WHERE name = ?").get(name) as Row | undefined;
    return row === undefined ? undefined : String(row["value"]);
  }

  snapshot(): Snapshot {
    const environments = this.#addEnvironments();
    this.#readDependencies();
    const tests = new Map([...new Tests(this.#sql).all()].map((test) => [test.id, test]));
    const facts = new Facts(this.#sql);
    for (const [id, environment] of environments) {
      for (const [test, stored] of facts.ofEnvironment(id)) {
        const { node, path } = known(tests.get(test), "test", test);
        for (const { outcome, green, at, durationUs, depsets, remark } of stored) {
          const sets = depsets.map((depset) => this.#depset(depset));
          const remarks = this.#remarksOf(remark);
          this.#builder.fact({ environment, path, node, outcome, green, at, durationUs, depsets: sets, remarks });
        }
      }
    }
    for (const row of this.#rows("SELECT * FROM collection")) {
      this.#builder.collection({
        environment: environments.get(Number(row["environment"])) as number,
        path: String(row["path"]),
        outcome: String(row["outcome"]),
        green: row["green"] === 1,
        at: Number(row["at"]),
        tests: (JSON.parse(String(row["tests"])) as number[]).map((test) => known(tests.get(test), "test", test).node),
        depsets: unpackList(row["depsets"] as Uint8Array).map((depset) => this.#depset(depset)),
        remarks: this.#remarksOf(Number(row["remark"])),
      });
    }
    this.#addSources();
    for (const miss of Object.values(JSON.parse(this.#note("misses") ?? "{}") as Record<string, unknown>)) {
      const { path, id, at } = miss as { path: string; id: string; at: number };
      this.#builder.miss({ path, id, at, data: JSON.stringify(miss) });
    }
    return this.#builder.build();
  }

  #addEnvironments(): Map<number, number> {
    const numbers = new Map<number, number>();
    const used = "SELECT environment FROM fact UNION SELECT environment FROM collection";
    for (const row of this.#rows(`SELECT id, digest, description FROM environment WHERE id IN (${used})`)) {
      const id = Number(row["id"]);
      const number = this.#builder.environment({
        machine: this.#machine,
        digest: String(row["digest"]),
        description: String(row["description"]),
        searchRoots: [this.#searchRoots(id)],
      });
      numbers.set(id, number);
    }
    return numbers;
  }

  #searchRoots(environment: number): string[] {
    const text = this.#note(`surroundings:${environment}`);
    return text === undefined ? [] : (JSON.parse(text) as { searchRoots: string[] }).searchRoots;
  }

  #readDependencies(): void {
    const searchesOutside = [...this.#rows("SELECT id FROM environment")].some((row) =>
      this.#searchRoots(Number(row["id"])).some(isOutside),
    );
    for (const row of this.#rows("SELECT path, data FROM dependency")) {
      const path = String(row["path"]);
      for (const [id, number, name, value] of unpackDependencies(row["data"])) {
        const kind = known(keyKindOf(number), "kind of dependency", number);
        this.#dependencies.set(id, marked({ kind, path, name, value }, this.#place, searchesOutside));
      }
    }
  }

  #depset(id: number): number {
    let number = this.#depsets.get(id);
    if (number === undefined) {
      const members = unpackIds(known(this.#sets.packed(id), "set", id));
      number = this.#builder.depset(members.map((member) => this.#member(member)));
      this.#depsets.set(id, number);
    }
    return number;
  }

  #member(id: number): number {
    let number = this.#members.get(id);
    if (number === undefined) {
      const dependency = known(this.#dependencies.get(id), "dependency", id);
      if (dependency.kind === "toplevel") {
        this.#levels.add(dependency.value);
      }
      number = this.#builder.dependency(dependency);
      this.#members.set(id, number);
    }
    return number;
  }

  #remarksOf(id: number): SnapshotRemarks {
    let remarks = this.#remarks.get(id);
    if (remarks === undefined) {
      const row = this.#sql("SELECT data FROM remark WHERE id = ?").get(id) as Row | undefined;
      const stored = JSON.parse(String(known(row, "remark", id)["data"])) as Remarks;
      const moved = withDepsets(stored, (depset) => this.#depset(depset));
      remarks = withDeclared(moved, (each) => markedDeclared(each, this.#place));
      this.#remarks.set(id, remarks);
    }
    return remarks;
  }

  #addSources(): void {
    for (const row of this.#rows("SELECT hash, toplevel, data FROM source")) {
      const toplevel = String(row["toplevel"]);
      if (this.#levels.has(toplevel)) {
        const text = Buffer.from(decompress(row["data"] as Uint8Array)).toString("latin1");
        this.#builder.source({ hash: String(row["hash"]), toplevel, text });
      }
    }
  }
}

/** What has to be there. A fact that lost a part of what it depends on would prove too much. */
function known<T>(found: T | undefined, what: string, number: number): T {
  if (found === undefined) {
    throw new SyntaxError(`the store has no ${what} ${number}`);
  }
  return found;
}
