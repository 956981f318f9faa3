/**
 * A process that writes to a store until it has written enough, or is killed: one fact, one dependency, one depset and
 * one note in each transaction, all with the same number. Says each number once the transaction is over.
 *
 *     node writer.ts STORE ENVIRONMENT COUNT
 */

import { writeSync } from "node:fs";
import { openStore } from "../../src/store/store.ts";

const [file = "", environment = "1", count = "1"] = process.argv.slice(2);
const store = openStore(file);
const own = Number(environment);
const first = Number(store.note(`written:${own}`) ?? 0);
for (let n = first + 1; n <= first + Number(count); n++) {
  store.write(() => {
    const id = store.internDependency({ kind: "file", path: `p${own}`, name: "", value: String(n) }, true);
    const depset = store.internDepset([id]);
    store.addFact(own, {
      test: n,
      outcome: "passed",
      green: true,
      durationUs: n,
      at: n,
      run: "r".repeat(200),
      depsets: [depset],
    });
    const total = Number(store.note("total") ?? 0);
    store.setNote("total", String(total + 1));
    store.setNote(`written:${own}`, String(n));
  });
  writeSync(1, `${n}\n`);
}
