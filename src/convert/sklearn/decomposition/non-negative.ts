import type { Call } from '../call.js';
import type { Matrix, SparseMatrix } from '../features.js';

/** The input as numbers, pairs where it is sparse; a row with a negative one is refused, as scikit-learn raises. */
export function nonNegative(call: Call, size?: number): Matrix | SparseMatrix {
  const numbers = call.numbers(size);
  const values = numbers.kind === 'sparse' ? numbers.values : numbers.value;
  const least = call.reduce('ReduceMin', values);
  const message = `a value that ${call.estimator.name} computes with is negative`;
  call.guard(call.node('GreaterOrEqual', [least, call.scalar(0)]), message);
  return numbers;
}
