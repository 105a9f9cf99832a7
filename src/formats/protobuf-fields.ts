/** One field of a protobuf message, undecoded. */
export interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: 0 | 1 | 2 | 5;
  /** Where the value lies; of a length-delimited field, its content. */
  readonly start: number;
  readonly end: number;
}

/**
 * The fields of the message at `start`‥`end`, or `undefined` once the bytes cannot be one. Nothing is decoded, and
 * nothing is allocated but the fields themselves. Specification: https://protobuf.dev/programming-guides/encoding/
 */
export function* protobufFields(bytes: Uint8Array, start: number, end: number): Generator<Field | undefined> {
  let position = start;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= end) return -1;
      const byte = bytes[position++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (position < end) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag < 0 ? -1 : tag % 8;
    let from = position;
    if (wire === 0) {
      if (varint() < 0) break;
    } else if (wire === 2) {
      const length = varint();
      if (length < 0) break;
      from = position;
      position += length;
    } else if (wire === 1 || wire === 5) position += wire === 1 ? 8 : 4;
    else break;
    if (number === 0 || position > end) break;
    yield { number, wire, start: from, end: position };
    if (position === end) return;
  }
  if (start < end) yield undefined;
}
