/** The JUnit XML report of a run in which nothing had to run: what pytest would have written of no tests. */

import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { messageOf, WinnowError } from "../model/error.ts";

/** Writes the report. @throws WinnowError `not-writable` */
export function writeEmptyReport(path: string): void {
  const counts = 'errors="0" failures="0" skipped="0" tests="0" time="0.000"';
  const suite = `<testsuite name="pytest" ${counts} timestamp="${new Date().toISOString()}" hostname="${escaped(hostname())}" />`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">${suite}</testsuites>`);
  } catch (error) {
    throw new WinnowError(
      "not-writable",
      `the report ${path} cannot be written (${messageOf(error)})`,
      "Name another file.",
    );
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
