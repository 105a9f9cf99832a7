import { PythonDict } from '../../../formats/pickle/index.js';
import { Call } from '../call.js';
import { type Estimator, toNumber } from '../estimator.js';
import { concatenate, type Features, matrix, widthOf } from '../features.js';

/** Parts that are shared can double the columns with every level of a small file. */
const mostColumns = 2 ** 25;
/** Likewise of frames, of which each column is an object. */
const mostFrameColumns = 2 ** 18;

/** What `transformer_weights` says of a part; 1 without it. */
export function readWeights(estimator: Estimator): (name: string) => number {
  const weights = estimator.get('transformer_weights') ?? null;
  if (weights === null) return () => 1;
  if (!(weights instanceof PythonDict)) return estimator.refuse('transformer_weights should be a dictionary');
  return (name) => {
    const weight = weights.get(name);
    if (weight === undefined || weight === null) return 1;
    return toNumber(weight) ?? estimator.refuse(`the weight of ${name} should be a number`);
  };
}

/** Every number times `weight`. */
export function weighted(call: Call, features: Features, weight: number): Features {
  if (weight === 1) return features;
  if (features.kind === 'sparse') {
    return { ...features, values: call.node('Mul', [features.values, call.scalar(weight)]) };
  }
  const { value, size, finite } = asMatrix(call, features);
  return matrix(call.node('Mul', [value, call.scalar(weight)]), size, finite && Number.isFinite(weight));
}

/** Results of transformers side by side. Beside sparse ones columns are numbers, as in scikit-learn. */
export function joined(call: Call, parts: readonly Features[]): Features {
  if (parts.length === 0) return call.estimator.refuse('all of its parts are dropped, so nothing is left');
  if (parts.length === 1) return parts[0]!;
  const width = parts.reduce((sum, part) => sum + widthOf(part), 0);
  const most = parts.some(({ kind }) => kind === 'frame') ? mostFrameColumns : mostColumns;
  if (width > most) call.estimator.refuse(`it puts ${width} columns side by side; at most ${most} are converted`);
  const anySparse = parts.some(({ kind }) => kind === 'sparse');
  const own = anySparse ? parts.map((part) => (part.kind === 'frame' ? asMatrix(call, part) : part)) : parts;
  return concatenate(call.graph, own);
}

function asMatrix(call: Call, features: Features) {
  return new Call(call.context, call.estimator, features).matrix(undefined, { missing: true, infinite: true });
}
