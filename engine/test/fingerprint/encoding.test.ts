/** Which declared encodings are accepted, and where a declaration counts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodingOf, identifier } from "../../src/fingerprint/encoding.ts";

function of(source: string): unknown {
  return encodingOf(new TextEncoder().encode(source));
}

const UTF_8 = { start: 0, latin1: false };
const LATIN_1 = { start: 0, latin1: true };

test("UTF-8 under its names, and none declared", () => {
  const sources = [
    "",
    "x = 1\n",
    "# coding: utf-8\n",
    "# -*- coding: UTF-8 -*-\n",
    "#coding=utf8\n",
    "# vim: set fileencoding=utf_8 :\n",
    "# -*- coding: utf-8-unix -*-\n",
    "# coding: us-ascii\n",
    "# coding: ascii\n",
  ];
  for (const source of sources) {
    assert.deepEqual(of(source), UTF_8, source);
  }
});

test("Latin-1 under its names", () => {
  for (const name of ["latin-1", "latin1", "Latin_1", "iso-8859-1", "ISO8859-1", "iso_8859_1", "l1", "latin-1-unix"]) {
    assert.deepEqual(of(`# coding: ${name}\n`), LATIN_1, name);
  }
});

test("others are named in the error", () => {
  for (const name of ["koi8-r", "cp1252", "utf-16", "iso-8859-15", "latin-9", "utf-7", "rot13", "shift_jis"]) {
    assert.equal(of(`# coding: ${name}\n`), `the declared encoding ${name} is neither UTF-8 nor Latin-1`);
  }
});

test("the second line counts only below a line without code", () => {
  assert.deepEqual(of("#!/bin/python\n# coding: latin-1\n"), LATIN_1);
  assert.deepEqual(of("#!/bin/python\r\n# coding: latin-1\r\n"), LATIN_1);
  assert.deepEqual(of("#!/bin/python\r# coding: latin-1\r"), LATIN_1);
  assert.deepEqual(of("\n \t\f# coding: latin-1\n"), LATIN_1);
  assert.deepEqual(of("x = 1\n# coding: latin-1\n"), UTF_8);
  assert.deepEqual(of('"""\n# coding: latin-1\n"""\n'), UTF_8);
  assert.deepEqual(of("\n\n# coding: latin-1\n"), UTF_8);
  assert.deepEqual(of("x = 1  # coding: latin-1\n"), UTF_8);
});

test("only a comment declares, and only with a colon or equals sign", () => {
  assert.deepEqual(of('x = "coding: latin-1"\n'), UTF_8);
  assert.deepEqual(of("# coding latin-1\n"), UTF_8);
  assert.deepEqual(of("# coding : latin-1\n"), UTF_8);
});

test("a byte order mark", () => {
  assert.deepEqual(of("\ufeffx = 1\n"), { start: 3, latin1: false });
  assert.deepEqual(of("\ufeff# coding: utf-8\n"), { start: 3, latin1: false });
  assert.equal(
    of("\ufeff# coding: latin-1\n"),
    "the declared encoding latin-1 contradicts the byte order mark of UTF-8",
  );
});

test("identifiers are decoded and put into the form NFKC", () => {
  const text = (source: string): string => {
    const bytes = new TextEncoder().encode(source);
    return identifier(bytes, 0, bytes.length, false);
  };
  assert.equal(text("name_1"), "name_1");
  assert.equal(text("größe"), "größe");
  assert.equal(text("ﬁle"), "file");
  assert.equal(text("e\u0301"), "é");
  assert.equal(text("変数"), "変数");
  assert.equal(text("𝔘"), "U");
  assert.equal(identifier(Uint8Array.of(0xe4), 0, 1, true), "ä");
  // Not valid, but must not throw.
  for (const bytes of [[0xff], [0xc3], [0xf7, 0xbf, 0xbf, 0xbf], [0x80, 0x80], [0xed, 0xa0, 0x80]]) {
    assert.equal(typeof identifier(Uint8Array.from(bytes), 0, bytes.length, false), "string");
  }
});
