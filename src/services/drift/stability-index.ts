/** What an empty bin counts where the other side has something in it: half an observation. */
const emptyBin = 0.5;

/**
 * Population stability index of counts over the same bins: Σ (qᵢ − pᵢ) · ln(qᵢ / pᵢ), p being the shares of the
 * reference and q those seen now. An empty bin whose counterpart is not empty counts half an observation, since its
 * logarithm would be infinite; bins that are empty on both sides say nothing. `undefined` where one side has no counts.
 *
 * Source: N. Siddiqi, Credit Risk Scorecards (2006); it is the symmetrised Kullback–Leibler divergence (Jeffreys).
 */
export function stabilityIndex(reference: ArrayLike<number>, seen: ArrayLike<number>): number | undefined {
  const total = sumOf(reference);
  const now = sumOf(seen);
  if (total === 0 || now === 0) return undefined;
  let index = 0;
  for (let i = 0; i < reference.length; i++) {
    if (reference[i] === 0 && seen[i] === 0) continue;
    const p = Math.max(reference[i]!, emptyBin) / total;
    const q = Math.max(seen[i]!, emptyBin) / now;
    index += (q - p) * Math.log(q / p);
  }
  return index;
}

/**
 * What the index stays below in 95 of 100 cases when nothing has drifted, for so few observations: under the same
 * distribution it is (1/n + 1/m) times a χ² with one degree of freedom fewer than bins, here by its normal
 * approximation.
 *
 * Source: B. Yurdakul, J. Naranjo, Statistical properties of the population stability index (2020).
 */
export function chanceBound(reference: ArrayLike<number>, seen: ArrayLike<number>): number {
  let bins = 0;
  for (let i = 0; i < reference.length; i++) if (reference[i]! > 0 || seen[i]! > 0) bins++;
  const freedom = Math.max(1, bins - 1);
  return (1 / sumOf(reference) + 1 / sumOf(seen)) * (freedom + 1.645 * Math.sqrt(2 * freedom));
}

export type DriftLevel = 'stable' | 'moderate' | 'drifted' | 'unknown';

/** The customary thresholds (Siddiqi 2006), 0.1 and 0.25, unless chance alone reaches as far. */
export function levelOf(index: number | undefined, chance: number): DriftLevel {
  if (index === undefined) return 'unknown';
  if (index < 0.1 || index <= chance) return 'stable';
  return index < 0.25 ? 'moderate' : 'drifted';
}

function sumOf(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i]!;
  return sum;
}
