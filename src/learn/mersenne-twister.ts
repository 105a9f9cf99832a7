/**
 * The generator behind NumPy's `RandomState`: MT19937, seeded by one number.
 *
 * Sources: Matsumoto and Nishimura, "Mersenne Twister" (1998); numpy/random/src/mt19937/mt19937.c (`mt19937_seed`,
 * `mt19937_gen`), numpy/random/src/distributions/distributions.c (`random_interval`).
 */
export class MersenneTwister {
  private readonly state = new Uint32Array(624);
  private at = 624;

  /** @param seed a whole number from 0 to 2^32 - 1 */
  constructor(seed: number) {
    const { state } = this;
    state[0] = seed;
    for (let i = 1; i < state.length; i++) {
      const before = state[i - 1]!;
      state[i] = Math.imul(1_812_433_253, before ^ (before >>> 30)) + i;
    }
  }

  /** 32 random bits, as an unsigned number. */
  next(): number {
    if (this.at === this.state.length) this.refill();
    let bits = this.state[this.at++]!;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    bits ^= bits >>> 18;
    return bits >>> 0;
  }

  /** 0 to `most` (at most 2^32 - 1), each as likely: numbers of as many bits are drawn until one is not too large. */
  upTo(most: number): number {
    const mask = most === 0 ? 0 : 0xffffffff >>> Math.clz32(most);
    for (;;) {
      const value = (this.next() & mask) >>> 0;
      if (value <= most) return value;
    }
  }

  /** 0 to `count` - 1 in an order of `RandomState.permutation`. */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.upTo(i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  private refill(): void {
    const { state } = this;
    const { length } = state;
    for (let i = 0; i < length; i++) {
      const bits = (state[i]! & 0x80000000) | (state[(i + 1) % length]! & 0x7fffffff);
      state[i] = state[(i + 397) % length]! ^ (bits >>> 1) ^ ((bits & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.at = 0;
  }
}
