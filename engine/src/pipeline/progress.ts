/** How far long work has come, told by whoever does it and shown by whoever wants to. */

/** What may take long: looking at files whose times are new, splitting changed sources, recording tests. */
export type Work = "look" | "split" | "record";

/** Called before the work begins (with 0) and now and then while it lasts. */
export type Progress = (work: Work, done: number, total: number) => void;

/** Between two calls so much is done that the call costs nothing beside it. */
export const STEP = 64;
