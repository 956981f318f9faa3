/**
 * Content hashes of files.
 *
 * The value of a `file` key is git's own blob id, so that the blobs of a commit can be compared with facts without
 * being read again. It must stay equal to what the collector computes for the source that Python really loaded.
 *
 * `node:crypto` takes about 4 ms to load, which is more than all else that an unchanged project needs: it is loaded at
 * the first hash and never on the way to "nothing changed".
 */

type Crypto = typeof import("node:crypto");

let crypto: Crypto | undefined;

/** `node:crypto`, loaded at its first use. */
export function lazyCrypto(): Crypto {
  crypto ??= process.getBuiltinModule("node:crypto");
  return crypto;
}

/** The id that git gives to these bytes as a blob (SHA-1, 40 hex digits), without any line-ending conversion. */
export function blobSha1(bytes: Uint8Array): string {
  const hash = lazyCrypto().createHash("sha1");
  hash.update(`blob ${bytes.byteLength}\0`);
  hash.update(bytes);
  return hash.digest("hex");
}

/** A 128 bit digest (32 hex digits) of a canonical text, for values that are compared within Winnow only. */
export function textDigest(text: string): string {
  return lazyCrypto().createHash("sha256").update(text, "utf8").digest("hex").slice(0, 32);
}
