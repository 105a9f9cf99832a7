import type { MersenneTwister } from '../../src/learn/mersenne-twister.js';

/** Choices that a seed decides, in whole numbers alone: the same on every machine. */
export class Random {
  constructor(private readonly generator: MersenneTwister) {}

  /** 0 to `count` - 1 */
  below(count: number): number {
    return this.generator.upTo(count - 1);
  }

  /** True so often, to the thousandth. */
  chance(share: number): boolean {
    return this.below(1000) < Math.round(share * 1000);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  shuffle<T>(items: readonly T[]): T[] {
    return Array.from(this.generator.permutation(items.length), (place) => items[place]!);
  }
}
