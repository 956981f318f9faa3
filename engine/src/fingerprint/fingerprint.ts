/** The fingerprint of one Python source. */

import { encodingOf } from "./encoding.ts";
import { FINGERPRINT_VERSION, type Fingerprint, type FingerprintFailure } from "./model.ts";
import { Splitter } from "./splitter.ts";

/**
 * The blocks, checksums and imports of a Python source, or why it cannot be split.
 *
 * Never throws, and depends on nothing but the bytes. A source that Python would not compile may well get a fingerprint.
 */
export function fingerprint(source: Uint8Array): Fingerprint | FingerprintFailure {
  const encoding = encodingOf(source);
  if (typeof encoding === "string") {
    return { version: FINGERPRINT_VERSION, error: encoding };
  }
  if (source.includes(0)) {
    return { version: FINGERPRINT_VERSION, error: "the source contains a NUL byte" };
  }
  return new Splitter(source, encoding).split();
}
