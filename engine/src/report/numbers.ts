/** Numbers in sentences. */

/** `4,812`. (`toLocaleString` would load all of the internationalisation for it.) */
export function digits(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 test`, `2 tests`, `4,812 tests`. */
export function count(n: number, noun: string): string {
  return `${digits(n)} ${noun}${n === 1 ? "" : "s"}`;
}
