/**
 * Numbers and texts as bytes, one after the other: how the store packs many rows into one. Numbers are base-128 varints
 * (low groups first). A text has its length in bytes before it, and how it is written.
 */

/** How a text is written. */
const UTF8 = 0;
/** What is no well-formed Unicode comes back as it was. */
const UTF16 = 1;
/** Digests are most of all texts. */
const HEX = 2;

const IS_HEX = /^(?:[0-9a-f]{2}){4,}$/;

export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #at = 0;

  /** A whole number that is not negative. @throws RangeError for any other, which would make all that follows another thing. */
  number(value: number): void {
    if (!(value >= 0 && Number.isSafeInteger(value))) {
      throw new RangeError(`${value} cannot be packed`);
    }
    this.#reserve(8);
    let left = value;
    while (left > 127) {
      // Times take more than the 32 bits of `&` and `>>>`.
      this.#bytes[this.#at++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    this.#bytes[this.#at++] = left;
  }

  /** A whole number. */
  signed(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(value: string): void {
    const how = IS_HEX.test(value) ? HEX : value.isWellFormed() ? UTF8 : UTF16;
    const encoding = how === HEX ? "hex" : how === UTF8 ? "utf8" : "utf16le";
    const length = Buffer.byteLength(value, encoding);
    this.number(length * 4 + how);
    this.#reserve(length);
    this.#at += this.#bytes.write(value, this.#at, length, encoding);
  }

  /** What was written; the writer begins anew. */
  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return bytes;
  }

  #reserve(length: number): void {
    if (this.#at + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe((this.#at + length) * 2);
      larger.set(this.#bytes.subarray(0, this.#at));
      this.#bytes = larger;
    }
  }
}

/** The inverse of {@link ByteWriter}. @throws SyntaxError where the bytes are none of its. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: unknown) {
    if (!(bytes instanceof Uint8Array)) {
      throw new SyntaxError("the store holds a text where bytes should be");
    }
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    let byte = this.#bytes[this.#at++] as number;
    if (byte < 128) {
      return byte;
    }
    let value = byte & 127;
    let factor = 128;
    do {
      byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte > 127);
    // Past the end there is nothing, which is no number either.
    if (byte === undefined || value > Number.MAX_SAFE_INTEGER) {
      throw new SyntaxError("the store holds a number that has no end");
    }
    return value;
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  text(): string {
    const head = this.number();
    const from = this.#at;
    this.#at += Math.floor(head / 4);
    if (!(this.#at <= this.#bytes.length)) {
      throw new SyntaxError("the store holds a text that has no end");
    }
    switch (head % 4) {
      case UTF8:
        return this.#bytes.toString("utf8", from, this.#at);
      case HEX:
        return this.#bytes.toString("hex", from, this.#at);
      case UTF16:
        return this.#bytes.toString("utf16le", from, this.#at);
      default:
        throw new SyntaxError("the store holds a text of an unknown kind");
    }
  }
}
