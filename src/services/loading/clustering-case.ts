/** Golden cases of clustering: parameters and points, and what Python's `hdbscan` makes of them. */
import { type HdbscanOptions, hdbscan } from '../../learn/hdbscan/index.js';
import type { CaseResult } from './manifest.js';

export interface ClusteringInputs {
  /** As the reference spells them. */
  readonly params: Readonly<Record<string, unknown>>;
  /** One, [points, 1] */
  readonly inputs: readonly { readonly data: readonly (readonly number[])[] }[];
}

export interface ExpectedClustering {
  readonly outputs: readonly { readonly name: string; readonly data: readonly number[] }[];
  /** Where the reference depends on its algorithm or on the order of the points: some of its other answers. */
  readonly alternatives?: readonly { readonly labels: readonly number[] | null }[];
}

/** The arithmetic is the reference's, operation by operation; a case may allow more. */
const tolerance = 1e-9;

const options: Readonly<Record<string, keyof HdbscanOptions>> = {
  min_cluster_size: 'minClusterSize',
  min_samples: 'minSamples',
  cluster_selection_method: 'clusterSelectionMethod',
  cluster_selection_epsilon: 'clusterSelectionEpsilon',
  allow_single_cluster: 'allowSingleCluster',
  max_cluster_size: 'maxClusterSize',
};

/**
 * The same partition, whatever its numbers, and the same probabilities. Where the reference has several answers
 * (`ambiguous`), any that is listed will do, for which no probabilities are listed; one that is not is `ambiguous`.
 */
export function judgeClustering(
  id: string,
  { params, inputs }: ClusteringInputs,
  { outputs, alternatives = [] }: ExpectedClustering,
  ambiguous: boolean,
): CaseResult {
  const got = hdbscan(inputs[0]!.data.flat(), optionsOf(params));
  const labels = renumbered(got.labels);
  const dataOf = (wanted: string) => outputs.find(({ name }) => name === wanted)!.data;
  const off = difference(labels, renumbered(dataOf('labels')));
  const result = (verdict: CaseResult['verdict'], maxAbs: number | null, message = ''): CaseResult => {
    return { id, verdict, maxAbs, maxRel: maxAbs, maxOff: maxAbs, message };
  };

  if (off === 0) {
    const wanted = dataOf('probabilities');
    const maxAbs = got.probabilities.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    if (maxAbs <= tolerance || ambiguous) return result('equal', maxAbs);
    return result('differs', maxAbs, `a probability is off by ${maxAbs}`);
  }
  if (!ambiguous) return result('differs', null, `${off} of ${labels.length} points are in another cluster`);
  const listed = alternatives.flatMap((other) => (other.labels === null ? [] : [renumbered(other.labels)]));
  const nearest = Math.min(off, ...listed.map((other) => difference(labels, other)));
  if (nearest === 0) return result('equal', null, 'one of the other answers of the reference');
  const answers = `the ${1 + alternatives.length} answers of the reference`;
  const unlisted = alternatives.length - listed.length;
  const known = unlisted === 0 ? answers : `those of ${answers} that are written out (${1 + listed.length})`;
  return result(
    'ambiguous',
    null,
    `${nearest} of ${labels.length} points are in another cluster than in the nearest of ${known}`,
  );
}

/** Python’s parameters as ours; `null` is the default. */
export function optionsOf(params: Readonly<Record<string, unknown>>): HdbscanOptions {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      const option = options[name];
      if (option === undefined) throw new Error(`the case has the parameter ${name}, which is not replayed`);
      return [option, value ?? undefined];
    }),
  );
}

/** Clusters numbered by their first point, so that equal partitions have equal labels. */
export function renumbered(labels: ArrayLike<number>): Int32Array {
  const numbers = new Map([[-1, -1]]);
  return Int32Array.from(labels, (label) => {
    const number = numbers.get(label) ?? numbers.size - 1;
    numbers.set(label, number);
    return number;
  });
}

const difference = (a: Int32Array, b: Int32Array): number => a.reduce((sum, label, i) => sum + +(label !== b[i]), 0);
