/** Fingerprints as short JSON, for the store: lists by position instead of objects by name. */

import { FINGERPRINT_VERSION, type Fingerprint, type FingerprintFailure, type ImportRef } from "./model.ts";

type CompactImport = [level: number, module: string, names: string[]];

/** Packs a fingerprint, or the failure that stands for one. */
export function packFingerprint(fingerprint: Fingerprint | FingerprintFailure): string {
  if ("error" in fingerprint) {
    return JSON.stringify([fingerprint.version, fingerprint.error]);
  }
  const { version, toplevel, blocks } = fingerprint;
  return JSON.stringify([
    version,
    toplevel.checksum,
    toplevel.imports.map(packImport),
    blocks.map(({ qualname, firstLine, bodyLine, lastLine, parent, checksum, imports }) => [
      qualname,
      firstLine,
      bodyLine,
      lastLine,
      parent,
      checksum,
      ...imports.map(packImport),
    ]),
  ]);
}

/** The inverse of {@link packFingerprint}; undefined for a fingerprint made by other rules. */
export function unpackFingerprint(text: string): Fingerprint | FingerprintFailure | undefined {
  const [version, first, imports, blocks] = JSON.parse(text) as [
    number,
    string,
    CompactImport[] | undefined,
    [string, number, number, number, number, string, ...CompactImport[]][] | undefined,
  ];
  if (version !== FINGERPRINT_VERSION) {
    return undefined;
  }
  if (imports === undefined || blocks === undefined) {
    return { version, error: first };
  }
  return {
    version,
    toplevel: { checksum: first, imports: imports.map(unpackImport) },
    blocks: blocks.map(([qualname, firstLine, bodyLine, lastLine, parent, checksum, ...own]) => ({
      qualname,
      firstLine,
      bodyLine,
      lastLine,
      parent,
      checksum,
      imports: own.map(unpackImport),
    })),
  };
}

function packImport({ level, module, names }: ImportRef): CompactImport {
  return [level, module, names];
}

function unpackImport([level, module, names]: CompactImport): ImportRef {
  return { level, module, names };
}
