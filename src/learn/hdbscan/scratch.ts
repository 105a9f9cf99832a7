/**
 * Room for what is computed on the way to an answer, used again for the next one: for a few hundred points, to ask for
 * some forty lists takes as long as to fill them. What does not fit is made as usual.
 */
class Scratch {
  private readonly room = new ArrayBuffer(2 ** 20);
  private used = 0;

  /** What was handed out before is no longer anybody's. */
  begin(): void {
    this.used = 0;
  }

  /** Zeros, as from all of them. */
  float64(length: number): Float64Array {
    const at = this.take(length * 8);
    return at === -1 ? new Float64Array(length) : new Float64Array(this.room, at, length).fill(0);
  }

  uint32(length: number): Uint32Array {
    const at = this.take(length * 4);
    return at === -1 ? new Uint32Array(length) : new Uint32Array(this.room, at, length).fill(0);
  }

  int32(length: number): Int32Array {
    const at = this.take(length * 4);
    return at === -1 ? new Int32Array(length) : new Int32Array(this.room, at, length).fill(0);
  }

  private take(bytes: number): number {
    const at = this.used;
    if (at + bytes > this.room.byteLength) return -1;
    this.used = at + Math.ceil(bytes / 8) * 8;
    return at;
  }
}

/** Of this thread, where one clustering ends before the next begins. */
export const scratch = new Scratch();
