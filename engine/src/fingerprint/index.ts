/** Fingerprints of Python sources: what changed inside of a file, and to which block a code object belongs. */

export { blockAt } from "./block-at.ts";
export { packFingerprint, unpackFingerprint } from "./compact.ts";
export { fingerprint } from "./fingerprint.ts";
export {
  type Block,
  FINGERPRINT_VERSION,
  type Fingerprint,
  type FingerprintFailure,
  type ImportRef,
} from "./model.ts";
