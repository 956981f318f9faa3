/** Sources as the store keeps them. `node:zlib` is loaded at its first use: an unchanged project needs none of it. */

type Zlib = typeof import("node:zlib");

let zlib: Zlib | undefined;

function lazyZlib(): Zlib {
  zlib ??= process.getBuiltinModule("node:zlib");
  return zlib;
}

/** Compresses quickly rather than well (raw deflate). Most sources are small: what is made ready for each is, too. */
export function compress(bytes: Uint8Array): Uint8Array {
  return lazyZlib().deflateRawSync(bytes, {
    level: 1,
    windowBits: 12,
    memLevel: 5,
    chunkSize: Math.max(1024, bytes.length),
  });
}

/** The inverse of {@link compress}; throws if the bytes are none of its. */
export function decompress(bytes: Uint8Array): Uint8Array {
  return lazyZlib().inflateRawSync(bytes);
}
