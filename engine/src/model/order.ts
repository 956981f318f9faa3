/** In which order tests run: as they are written, or by what is recorded of them. */

export const ORDERS = ["written", "failures-first"] as const;

export type Order = (typeof ORDERS)[number];
