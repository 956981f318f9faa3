import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseJournal, readJournal } from "../../src/journal/reader.ts";
import { encodeFrame, JournalBuilder, MAGIC } from "../support/journal.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-journal-"));
after(() => rmSync(top, { recursive: true, force: true }));

function sample(): JournalBuilder {
  return new JournalBuilder()
    .start()
    .test("t.py::é[ü]", "t.py", {
      codes: [
        ["a.py", 3, "f"],
        ["a.py", 9, "<lambda>"],
      ],
    })
    .test("t.py::b", "t.py", { codes: [["a.py", 9, "<lambda>"]] })
    .end();
}

test("frames and code numbers come back as they were written", () => {
  const builder = sample();
  const file = builder.write(join(top, "r-1-0.journal"));
  const { frames, torn } = readJournal(file);
  assert.equal(torn, 0);
  assert.deepEqual(
    frames.map(({ frame, codes }) => [frame, [...codes]]),
    builder.frames.map(({ frame, codes }) => [frame, [...codes]]),
  );
});

test("a journal that ends at any byte yields the whole frames before it, and says how much is torn", () => {
  const builder = sample();
  const bytes = builder.bytes();
  const ends = [MAGIC.length];
  for (const { frame, codes } of builder.frames) {
    ends.push((ends.at(-1) ?? 0) + encodeFrame(frame, [...codes]).length);
  }
  assert.equal(ends.at(-1), bytes.length);
  for (let length = 0; length <= bytes.length; length++) {
    const { frames, torn } = parseJournal(bytes.subarray(0, length));
    const whole = ends.filter((end) => end <= length).length;
    assert.equal(frames.length, Math.max(0, whole - 1), `at ${length}`);
    assert.equal(torn, length - (whole === 0 ? 0 : (ends[whole - 1] ?? 0)), `at ${length}`);
    assert.deepEqual(
      frames.map(({ frame }) => frame),
      builder.frames.slice(0, frames.length).map(({ frame }) => frame),
    );
  }
});

test("nothing after a frame with a wrong checksum is believed, whichever byte of it is wrong", () => {
  const builder = sample();
  const bytes = builder.bytes();
  const second = MAGIC.length + encodeFrame(builder.frames[0]?.frame ?? {}).length;
  const secondEnd = second + encodeFrame(builder.frames[1]?.frame ?? {}).length;
  for (let at = second; at < secondEnd; at++) {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 0x41;
    assert.equal(parseJournal(copy).frames.length, 1, `byte ${at}`);
  }
});

test("an empty file is an empty journal", () => {
  assert.deepEqual(parseJournal(Buffer.alloc(0)), { frames: [], torn: 0 });
  assert.deepEqual(parseJournal(MAGIC), { frames: [], torn: 0 });
  assert.deepEqual(parseJournal(Buffer.concat([MAGIC, Buffer.alloc(7)])), { frames: [], torn: 7 });
  // What a file system leaves of a file whose blocks never reached the disk.
  assert.deepEqual(parseJournal(Buffer.concat([MAGIC, Buffer.alloc(100)])).frames, []);
});

test("what is no journal, or one of another format, is an error", () => {
  assert.throws(() => parseJournal(Buffer.from("SQLite format 3\0")), /does not begin like a journal/);
  assert.throws(() => parseJournal(Buffer.from("WNJ2\0\0\0\0")), /does not begin like a journal/);
  const file = join(top, "no.journal");
  assert.throws(() => readJournal(file), /ENOENT/);
  writeFileSync(file, "some text that is long enough");
  assert.throws(() => readJournal(file), /does not begin like a journal/);
});

test("code numbers that are no whole numbers of four bytes are an error, not fewer codes", () => {
  const whole = encodeFrame({ k: "end", exit: 0 }, [7]);
  const json = whole.readUInt32LE(8);
  // The same payload, whose text claims to end two bytes later.
  const payload = Buffer.from(whole.subarray(8));
  payload.writeUInt32LE(json + 2, 0);
  assert.throws(() => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt32LE(crcOf(payload), 4);
    parseJournal(Buffer.concat([MAGIC, head, payload]));
  });
});

function crcOf(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
    }
  }
  return ~crc >>> 0;
}
