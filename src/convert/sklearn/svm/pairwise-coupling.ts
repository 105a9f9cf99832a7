import type { GraphBuilder, Value } from '../../graph-builder.js';
import type { Call } from '../call.js';

/**
 * Probabilities of classes from decisions between pairs of them, iterated as libsvm does, its stopping rule included:
 * [batch, pairs] → [batch, classes].
 * Source: `multiclass_probability` in https://github.com/cjlin1/libsvm/blob/master/svm.cpp, the second method of
 * Wu, Lin and Weng, "Probability estimates for multi-class classification by pairwise coupling" (2004).
 */
export function coupledProbabilities(call: Call, decisions: Value, count: number): Value {
  const { graph } = call;
  const { q, rows } = pairMatrix(call, pairProbabilities(call, decisions, count), count);
  const start = call.node('Expand', [
    call.scalar(1 / count),
    call.node('Concat', [call.node('Shape', [decisions], { end: 1 }), graph.int64s([count])], { axis: 0 }),
  ]);
  const undecided = call.node('Less', [call.reduce('ReduceSum', start, 1, true), call.scalar(0)]);
  const most = graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(Math.max(100, count))) });
  const yes = graph.constant({ dtype: 'bool', shape: [], data: Uint8Array.of(1) });
  const body = graph.subgraph('coupling', (step) => {
    // Of these two ONNX Runtime wants to know that they are scalars.
    step.input({ name: 'iteration', dtype: 'int64', shape: [] });
    step.input({ name: 'go_on', dtype: 'bool', shape: [] });
    const p = step.input({ name: 'p', dtype: 'float64', shape: [null, count] });
    const done = step.input({ name: 'done', dtype: 'bool', shape: [null, 1] });
    const qp = step.node('Squeeze', [
      step.node('MatMul', [q, step.node('Unsqueeze', [p, step.int64s([2])])]),
      step.int64s([2]),
    ]);
    const pqp = step.node('ReduceSum', [step.node('Mul', [p, qp]), step.int64s([1])], { keepdims: 1 });
    const error = step.node('ReduceMax', [step.node('Abs', [step.node('Sub', [qp, pqp])]), step.int64s([1])]);
    const close = step.node('Less', [error, step.scalar(0.005 / count, 'float64')]);
    const still = step.node('Or', [done, close]);
    const next = step.node('Where', [still, p, sweep(step, { p, qp, pqp, rows, count })]);
    const left = step.node('ReduceSum', [step.node('Cast', [step.node('Not', [still])], { to: 7 })], { keepdims: 0 });
    step.result(
      step.node('Greater', [left, step.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(0n) })]),
      'bool',
    );
    step.result(next, 'float64');
    step.result(still, 'bool');
  });
  return graph.multi('Loop', [most, yes, start, undecided], { body }, { outputs: 2 })[0]!;
}

/** Probability of the first class of each pair, within 1e-7 of 0 and 1: [batch, pairs]. */
function pairProbabilities(call: Call, decisions: Value, count: number): Value {
  const { estimator } = call;
  const pairs = (count * (count - 1)) / 2;
  // Renamed in 0.23.
  const read = (name: string) =>
    call.floats(estimator.vector(estimator.has(`_${name}`) ? `_${name}` : `${name}_`, pairs));
  const f = call.node('Add', [call.node('Mul', [decisions, read('probA')]), read('probB')]);
  const one = call.scalar(1);
  const small = call.node('Exp', [call.node('Neg', [f])]);
  const p = call.node('Where', [
    call.node('GreaterOrEqual', [f, call.scalar(0)]),
    call.node('Div', [small, call.node('Add', [one, small])]),
    call.node('Div', [one, call.node('Add', [one, call.node('Exp', [f])])]),
  ]);
  return call.node('Clip', [p, call.scalar(1e-7), call.scalar(1 - 1e-7)]);
}

/** libsvm's Q, [batch, classes, classes], and its rows as a sequence, [classes, batch, classes]. */
function pairMatrix(call: Call, p: Value, count: number): { q: Value; rows: Value } {
  const { graph } = call;
  const pairs = (count * (count - 1)) / 2;
  const indices = new BigInt64Array(count * count).fill(BigInt(2 * pairs));
  for (let i = 0, k = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++, k++) {
      indices[i * count + j] = BigInt(k);
      indices[j * count + i] = BigInt(pairs + k);
    }
  }
  const batch = call.node('Shape', [p], { end: 1 });
  const zeros = call.node('Expand', [call.scalar(0), call.node('Concat', [batch, graph.int64s([1])], { axis: 0 })]);
  const all = call.node('Concat', [p, call.node('Sub', [call.scalar(1), p]), zeros], { axis: 1 });
  const r = call.node('Gather', [all, graph.constant({ dtype: 'int64', shape: [count, count], data: indices })], {
    axis: 1,
  });
  const identity = call.floats(identityOf(count), [count, count], 'identity');
  const squares = call.reduce('ReduceSum', call.node('Mul', [r, r]), 1, true);
  const cross = call.node('Mul', [r, call.node('Transpose', [r], { perm: [0, 2, 1] })]);
  const q = call.node('Sub', [call.node('Mul', [identity, squares]), cross]);
  return { q, rows: call.node('Transpose', [q], { perm: [1, 0, 2] }) };
}

function identityOf(count: number): Float64Array {
  return Float64Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? 1 : 0));
}

interface State {
  readonly p: Value;
  readonly qp: Value;
  readonly pqp: Value;
  readonly rows: Value;
  readonly count: number;
}

/** One pass over the classes, each of which moves the others: p after it, [batch, classes]. */
function sweep(graph: GraphBuilder, { p, qp, pqp, rows, count }: State): Value {
  const identity = graph.constant({ dtype: 'float64', shape: [count, count], data: identityOf(count) }, 'identity');
  const body = graph.subgraph('sweep', (step) => {
    // ONNX Runtime asks for the shapes of what a Scan gives, and cannot infer them within a Loop.
    const declare = (name: string, columns: number) => step.input({ name, dtype: 'float64', shape: [null, columns] });
    const give = (name: string, columns: number, value: Value) =>
      step.output({ name: step.unique(name), dtype: 'float64', shape: [null, columns] }, value);
    const [p0, qp0, pqp0, row] = [declare('p', count), declare('qp', count), declare('pqp', 1), declare('row', count)];
    const pick = step.input({ name: 'pick', dtype: 'float64', shape: [count] });
    const picked = (value: Value) =>
      step.node('ReduceSum', [step.node('Mul', [value, pick]), step.int64s([1])], { keepdims: 1 });
    const [own, product] = [picked(row), picked(qp0)];
    const difference = step.node('Div', [step.node('Sub', [pqp0, product]), own]);
    const divisor = step.node('Add', [step.scalar(1, 'float64'), difference]);
    const divided = (value: Value) => step.node('Div', [value, divisor]);
    const twice = step.node('Mul', [step.scalar(2, 'float64'), product]);
    const slope = step.node('Add', [step.node('Mul', [difference, own]), twice]);
    const moved = step.node('Add', [p0, step.node('Mul', [difference, pick])]);
    give('p_next', count, divided(moved));
    give('qp_next', count, divided(step.node('Add', [qp0, step.node('Mul', [difference, row])])));
    give('pqp_next', 1, divided(divided(step.node('Add', [pqp0, step.node('Mul', [difference, slope])]))));
  });
  return graph.multi('Scan', [p, qp, pqp, rows, identity], { body, num_scan_inputs: 2 }, { outputs: 3 })[0]!;
}
