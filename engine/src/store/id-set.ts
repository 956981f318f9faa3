/**
 * Sorted sets of ids as bytes. What is recorded together is numbered together, so a set is written as its runs: the
 * distance from the end of the run before, twice, and one more if the run has several ids, in which case their number
 * less two follows. Numbers are base-128 varints (low groups first). A lone id takes a byte or two, and so does a run.
 */

/** Where a set is put together: its length is not known before. */
let scratch = new Uint8Array(4096);

/** Packs ids (ascending, without duplicates, each below 2^31). */
export function packIds(ids: readonly number[]): Uint8Array {
  const count = ids.length;
  if (scratch.length < count * 5) {
    scratch = new Uint8Array(count * 10);
  }
  const bytes = scratch;
  let at = 0;
  let end = 0;
  for (let index = 0; index < count; ) {
    const first = ids[index] as number;
    let next = first + 1;
    index += 1;
    while (index < count && ids[index] === next) {
      next += 1;
      index += 1;
    }
    const more = next - first - 2;
    let number = (first - end) * 2 + (more < 0 ? 0 : 1);
    end = next;
    while (number > 127) {
      bytes[at++] = (number & 127) | 128;
      number >>>= 7;
    }
    bytes[at++] = number;
    if (more >= 0) {
      number = more;
      while (number > 127) {
        bytes[at++] = (number & 127) | 128;
        number >>>= 7;
      }
      bytes[at++] = number;
    }
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
  let isLength = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    value |= (byte & 127) << shift;
    if (byte > 127) {
      shift += 7;
      continue;
    }
    let count = 1;
    if (isLength) {
      count = value + 2;
      isLength = false;
    } else {
      id += value >>> 1;
      isLength = (value & 1) === 1;
      count = isLength ? 0 : 1;
    }
    value = 0;
    shift = 0;
    for (const end = id + count; id < end; id++) {
      if (!visit(id)) {
        return;
      }
    }
  }
}

/** Whether any id of a set is marked in `marks` (one byte per id; ids past its end are unmarked). `from`, `to`: where the set lies. */
export function hasMarked(bytes: Uint8Array, marks: Uint8Array, from = 0, to = bytes.length): boolean {
  let id = 0;
  for (let at = from; at < to; ) {
    let value = bytes[at++] as number;
    if (value > 127) {
      // All but a few numbers take one byte.
      value &= 127;
      for (let shift = 7, byte = 128; byte > 127 && at < to; shift += 7) {
        byte = bytes[at++] as number;
        value |= (byte & 127) << shift;
      }
    }
    id += value >>> 1;
    let end = id + 1;
    if ((value & 1) === 1) {
      let more = bytes[at++] as number;
      if (more > 127) {
        more &= 127;
        for (let shift = 7, byte = 128; byte > 127 && at < to; shift += 7) {
          byte = bytes[at++] as number;
          more |= (byte & 127) << shift;
        }
      }
      end = id + more + 2;
    }
    for (; id < end; id++) {
      if (marks[id] === 1) {
        return true;
      }
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
