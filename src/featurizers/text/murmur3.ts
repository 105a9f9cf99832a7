/** The bytes of a piece of text in UTF-8, hashed. One instance is used again and again. */
export class TextHasher {
  private bytes = new Uint8Array(256);

  /**
   * MurmurHash3_x86_32 with seed 0 of `units[start..end)` as UTF-8, a signed 32-bit number, as scikit-learn's
   * `murmurhash3_bytes_s32`. `undefined` for half of a surrogate pair, which has no UTF-8.
   * Reference: https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
   */
  hash(units: Uint16Array, start: number, end: number): number | undefined {
    const length = this.encode(units, start, end);
    if (length < 0) return undefined;
    const { bytes } = this;
    let hash = 0;
    const blocks = length & ~3;
    for (let i = 0; i < blocks; i += 4) {
      const block = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      hash ^= mix(block);
      hash = (hash << 13) | (hash >>> 19);
      hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
    }
    let tail = 0;
    for (let i = length - 1; i >= blocks; i--) tail = (tail << 8) | bytes[i]!;
    if (length > blocks) hash ^= mix(tail);
    hash ^= length;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  /** Number of bytes, or -1. */
  private encode(units: Uint16Array, start: number, end: number): number {
    if (this.bytes.length < (end - start) * 3) this.bytes = new Uint8Array((end - start) * 6);
    const { bytes } = this;
    let length = 0;
    for (let i = start; i < end; i++) {
      const unit = units[i]!;
      if (unit < 0x80) bytes[length++] = unit;
      else if (unit < 0x800) {
        bytes[length++] = 0xc0 | (unit >>> 6);
        bytes[length++] = 0x80 | (unit & 0x3f);
      } else if (unit >= 0xd800 && unit < 0xe000) {
        const low = i + 1 < end ? units[i + 1]! : 0;
        if (unit >= 0xdc00 || (low & 0xfc00) !== 0xdc00) return -1;
        const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        i++;
        bytes[length++] = 0xf0 | (point >>> 18);
        bytes[length++] = 0x80 | ((point >>> 12) & 0x3f);
        bytes[length++] = 0x80 | ((point >>> 6) & 0x3f);
        bytes[length++] = 0x80 | (point & 0x3f);
      } else {
        bytes[length++] = 0xe0 | (unit >>> 12);
        bytes[length++] = 0x80 | ((unit >>> 6) & 0x3f);
        bytes[length++] = 0x80 | (unit & 0x3f);
      }
    }
    return length;
  }
}

function mix(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
