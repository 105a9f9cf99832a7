import type { GraphBuilder, Value } from '../../graph-builder.js';
import { invert } from '../decomposition/inverse.js';
import type { Estimator } from '../estimator.js';
import { transposed } from '../linear/linear-regressor.js';
import type { Points } from './distances.js';

/** A distance as scikit-learn defines it: between x and y with d = x - y. */
export type Metric =
  /** √Σd² */
  | { readonly kind: 'euclidean' }
  /** Σd² */
  | { readonly kind: 'sqeuclidean' }
  /** Σ|d| */
  | { readonly kind: 'manhattan' }
  /** max|d| */
  | { readonly kind: 'chebyshev' }
  /** (Σ w|d|^p)^(1/p) */
  | { readonly kind: 'minkowski'; readonly p: number; readonly weights?: Float64Array }
  /** √Σ d²/v */
  | { readonly kind: 'seuclidean'; readonly variances: Float64Array }
  /** √(dᵀ M d), M the inverse of the covariance */
  | { readonly kind: 'mahalanobis'; readonly inverse: Float64Array }
  /** 1 - x·y / (|x| |y|) */
  | { readonly kind: 'cosine' }
  /** The share of d that is not 0. */
  | { readonly kind: 'hamming' }
  /** Σ |d| / (|x| + |y|), 0 where both are */
  | { readonly kind: 'canberra' }
  /** Σ|d| / Σ(|x| + |y|); SciPy's, which brute searches before 1.1 used, divides by Σ|x + y|. */
  | { readonly kind: 'braycurtis'; readonly isScipys?: boolean };

const names: Readonly<Record<string, Metric['kind']>> = {
  l1: 'manhattan',
  cityblock: 'manhattan',
  l2: 'euclidean',
  infinity: 'chebyshev',
  p: 'minkowski',
};
const kinds = [
  ...['euclidean', 'sqeuclidean', 'manhattan', 'chebyshev', 'minkowski', 'seuclidean', 'cosine', 'hamming'],
  ...['canberra', 'braycurtis', 'mahalanobis'],
];

/** The metric of `name`, its parameters looked up by `parameter`. @throws estimator-unsupported */
export function readMetric(
  estimator: Estimator,
  name: unknown,
  parameter: (name: string) => Float64Array | undefined = () => undefined,
): Metric {
  if (typeof name !== 'string') return estimator.refuse('its metric is a function, which only Python can run');
  const kind = Object.hasOwn(names, name) ? names[name]! : name;
  if (!kinds.includes(kind)) {
    return estimator.refuse(
      `its metric is "${name.slice(0, 40)}"; known are ${[...kinds, ...Object.keys(names)].join(', ')}`,
    );
  }
  if (kind === 'seuclidean') {
    const variances = parameter('V');
    return { kind, variances: variances ?? estimator.refuse('its metric seuclidean has no variances') };
  }
  if (kind === 'mahalanobis') {
    const covariance = parameter('V');
    const size = Math.sqrt(covariance?.length ?? 0);
    const inverse = parameter('VI') ?? (covariance === undefined ? undefined : invert(covariance, size));
    return { kind, inverse: inverse ?? estimator.refuse('its metric mahalanobis has no covariance') };
  }
  if (kind !== 'minkowski') return { kind } as Metric;
  const p = parameter('p')?.[0] ?? 2;
  const weights = parameter('w');
  if (!(p > 0)) estimator.refuse(`p is ${p}, and should be above 0`);
  if (weights === undefined) {
    if (p === 1) return { kind: 'manhattan' };
    if (p === 2) return { kind: 'euclidean' };
    if (p === Number.POSITIVE_INFINITY) return { kind: 'chebyshev' };
  }
  if (p === Number.POSITIVE_INFINITY) estimator.refuse('p is infinite and there are weights, which is not known here');
  return { kind, p, ...(weights === undefined ? {} : { weights }) };
}

/** x [n, columns] → [n, points]: distances to every point, from differences, so that equal ones give 0 exactly. */
export function distances(graph: GraphBuilder, x: Value, points: Points, metric: Metric): Value {
  const { data, rows, columns } = points;
  const constant = (shape: readonly number[], values: Float64Array) =>
    graph.constant({ dtype: 'float64', shape, data: values }, 'points');
  if (metric.kind === 'cosine') return cosineDistances(graph, x, points);
  const wide = graph.node('Unsqueeze', [x, graph.int64s([1])]);
  const all = constant([1, rows, columns], data);
  const reduce = (operator: string, value: Value) => graph.node(operator, [value, graph.int64s([2])], { keepdims: 0 });
  const difference = () => graph.node('Sub', [wide, all]);
  const absolute = () => graph.node('Abs', [difference()]);
  switch (metric.kind) {
    case 'euclidean':
      return graph.node('Sqrt', [reduce('ReduceSumSquare', difference())]);
    case 'sqeuclidean':
      return reduce('ReduceSumSquare', difference());
    case 'manhattan':
      return reduce('ReduceSum', absolute());
    case 'chebyshev':
      return reduce('ReduceMax', absolute());
    case 'seuclidean': {
      const squares = graph.node('Mul', [difference(), difference()]);
      return graph.node('Sqrt', [
        reduce('ReduceSum', graph.node('Div', [squares, constant([columns], metric.variances)])),
      ]);
    }
    case 'mahalanobis': {
      const turned = graph.node('MatMul', [difference(), constant([columns, columns], metric.inverse)]);
      return graph.node('Sqrt', [reduce('ReduceSum', graph.node('Mul', [turned, difference()]))]);
    }
    case 'minkowski': {
      const powers = graph.node('Pow', [absolute(), graph.scalar(metric.p, 'float64')]);
      const weighed =
        metric.weights === undefined ? powers : graph.node('Mul', [powers, constant([columns], metric.weights)]);
      return graph.node('Pow', [reduce('ReduceSum', weighed), graph.scalar(1 / metric.p, 'float64')]);
    }
    case 'hamming': {
      const differs = graph.node('Not', [graph.node('Equal', [wide, all])]);
      return reduce('ReduceMean', graph.node('Cast', [differs], { to: 11 }));
    }
    case 'canberra': {
      const sums = graph.node('Add', [graph.node('Abs', [wide]), graph.node('Abs', [all])]);
      return reduce('ReduceSum', quotient(graph, absolute(), sums));
    }
    case 'braycurtis': {
      const both = metric.isScipys
        ? graph.node('Abs', [graph.node('Add', [wide, all])])
        : graph.node('Add', [graph.node('Abs', [wide]), graph.node('Abs', [all])]);
      const sums = reduce('ReduceSum', both);
      if (metric.isScipys) return orInfinite(graph, reduce('ReduceSum', absolute()), sums);
      return quotient(graph, reduce('ReduceSum', absolute()), sums);
    }
  }
}

/** 0 where the divisor is. */
function quotient(graph: GraphBuilder, dividend: Value, divisor: Value): Value {
  const zero = graph.scalar(0, 'float64');
  const isZero = graph.node('Equal', [divisor, zero]);
  const safe = graph.node('Where', [isZero, graph.scalar(1, 'float64'), divisor]);
  return graph.node('Where', [isZero, zero, graph.node('Div', [dividend, safe])]);
}

/** SciPy divides by zero: what is infinitely far, or NaN, comes last either way. */
function orInfinite(graph: GraphBuilder, dividend: Value, divisor: Value): Value {
  const isZero = graph.node('Equal', [divisor, graph.scalar(0, 'float64')]);
  const far = graph.scalar(Number.POSITIVE_INFINITY, 'float64');
  return graph.node('Where', [isZero, far, graph.node('Div', [dividend, divisor])]);
}

function cosineDistances(graph: GraphBuilder, x: Value, { data, rows, columns }: Points): Value {
  const one = graph.scalar(1, 'float64');
  const length = graph.node('Sqrt', [graph.node('ReduceSumSquare', [x, graph.int64s([1])], { keepdims: 1 })]);
  const isZero = graph.node('Equal', [length, graph.scalar(0, 'float64')]);
  const unit = graph.node('Div', [x, graph.node('Where', [isZero, one, length])]);
  const normalised = transposed(unitRows(data, rows, columns), rows, columns);
  const points = graph.constant({ dtype: 'float64', shape: [columns, rows], data: normalised }, 'points');
  const distance = graph.node('Sub', [one, graph.node('MatMul', [unit, points])]);
  return graph.node('Clip', [distance, graph.scalar(0, 'float64'), graph.scalar(2, 'float64')]);
}

/** Rows of length 1; a row of zeros stays one. */
function unitRows(data: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += data[i * columns + j]! ** 2;
    const length = sum === 0 ? 1 : Math.sqrt(sum);
    for (let j = 0; j < columns; j++) result[i * columns + j] = data[i * columns + j]! / length;
  }
  return result;
}
