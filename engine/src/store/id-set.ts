/**
 * Sorted sets of ids as bytes: each id's distance to the one before, as a base-128 varint (low groups first).
 * Dense sets take about a byte per id.
 */

/** Packs ids (ascending, without duplicates, each below 2^31). */
export function packIds(ids: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * 5);
  let at = 0;
  let previous = 0;
  for (const id of ids) {
    let gap = id - previous;
    previous = id;
    while (gap > 127) {
      bytes[at++] = (gap & 127) | 128;
      gap >>>= 7;
    }
    bytes[at++] = gap;
  }
  return bytes.slice(0, at);
}

/** The inverse of {@link packIds}. */
export function unpackIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  forEachId(bytes, (id) => {
    ids.push(id);
    return true;
  });
  return ids;
}

/** Calls `visit` with each id in order until it returns false. */
export function forEachId(bytes: Uint8Array, visit: (id: number) => boolean): void {
  let value = 0;
  let shift = 0;
  let id = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    value |= (byte & 127) << shift;
    if (byte > 127) {
      shift += 7;
      continue;
    }
    id += value;
    value = 0;
    shift = 0;
    if (!visit(id)) {
      return;
    }
  }
}

/** Whether any id of the set is marked in `marks` (one byte per id; ids past its end are unmarked). */
export function hasMarked(bytes: Uint8Array, marks: Uint8Array): boolean {
  let value = 0;
  let shift = 0;
  let id = 0;
  const length = bytes.length;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number;
    value |= (byte & 127) << shift;
    if (byte > 127) {
      shift += 7;
      continue;
    }
    id += value;
    value = 0;
    shift = 0;
    if (marks[id] === 1) {
      return true;
    }
  }
  return false;
}

/** Packs ids in the given order, as plain varints: for short lists whose order says something. */
export function packList(ids: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (let id of ids) {
    while (id > 127) {
      bytes.push((id & 127) | 128);
      id >>>= 7;
    }
    bytes.push(id);
  }
  return Uint8Array.from(bytes);
}

/** The inverse of {@link packList}. */
export function unpackList(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  let value = 0;
  let shift = 0;
  for (const byte of bytes) {
    value |= (byte & 127) << shift;
    shift += 7;
    if (byte < 128) {
      ids.push(value);
      value = 0;
      shift = 0;
    }
  }
  return ids;
}
