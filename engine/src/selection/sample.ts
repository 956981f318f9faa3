/**
 * Which of the tests that could be left out run all the same, to put their proofs to the test. Pure.
 *
 * The choice is a hash of the test and of what changed: the same decision always samples the same tests, so `plan`
 * tells what `run` will do, and running again until the sample suits is no use. Another change is another draw, so that
 * over many edits every test gets its turn.
 */

/** Says of a test, by its id, whether it is in the sample of a share (0 to 1) of all tests. */
export function sampler(change: string, share: number): (id: string) => boolean {
  if (!(share > 0)) {
    return () => false;
  }
  const start = hash(change, 0x811c9dc5);
  return (id) => mix(hash(id, start)) < share * 0x1_0000_0000;
}

/** FNV-1a over code units, from a state of one's own. */
function hash(text: string, state: number): number {
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  }
  return state;
}

/** The finalizer of MurmurHash3: without it, ids that differ in their last letter only would be drawn together. */
function mix(state: number): number {
  let mixed = state ^ (state >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
