import { NumpyArray, PythonDict, PythonObject } from '../../../formats/pickle/index.js';
import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { Output } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix } from '../features.js';
import { column } from '../tree/target-methods.js';

/** How far probabilities are kept from 0 and 1: the distance from 1 to the next float32, since 1.8 to the next double. */
const floorOf = (estimator: Estimator) => (estimator.since([1, 8]) ? Number.EPSILON : 2 ** -23);

/** Estimators of the module itself, which releases before 0.21 began with: the attribute that holds the scores. */
const ownEstimators: Readonly<Record<string, string>> = {
  MeanEstimator: 'mean',
  QuantileEstimator: 'quantile',
  LogOddsEstimator: 'prior',
  ScaledLogOddsEstimator: 'prior',
  PriorProbabilityEstimator: 'priors',
};

/** The scores that boosting begins with where they are the same for all rows, [width]; `undefined` where they are not. */
export function initialConstants(estimator: Estimator, width: number): number[] | undefined {
  const init = estimator.get('init_');
  if (init === 'zero') return new Array(width).fill(0);
  if (!(init instanceof PythonObject)) return estimator.refuse('init_ should be an estimator or "zero"');
  const { id, name } = init.global;
  const part = estimator.partOf(init);
  if (id.startsWith('sklearn.ensemble._gb.')) {
    const attribute = ownEstimators[name];
    if (attribute === undefined) return new Array(width).fill(0);
    return sized(part, [...part.scalarOrNumbers(attribute).data], width);
  }
  if (id === 'sklearn.dummy.DummyRegressor') return sized(part, [...part.scalarOrNumbers('constant_').data], width);
  if (id === 'sklearn.dummy.DummyClassifier' && part.text('strategy') === 'prior') {
    return sized(part, link(estimator, [...part.vector('class_prior_')]), width);
  }
  return undefined;
}

function sized(part: Estimator, values: number[], width: number): number[] {
  return values.length === width ? values : part.refuse(`it gives ${values.length} values, and ${width} are asked for`);
}

/** Probabilities of the classes as scores: log odds of two classes (half of them for exponential loss), else logs. */
function link(estimator: Estimator, probabilities: readonly number[]): number[] {
  const epsilon = floorOf(estimator);
  const clipped = probabilities.map((p) => Math.min(Math.max(p, epsilon), 1 - epsilon));
  if (clipped.length === 2) return [oddsFactor(estimator) * Math.log(clipped[1]! / (1 - clipped[1]!))];
  if (!isCentred(estimator)) return clipped.map(Math.log);
  const mean = clipped.reduce((sum, p) => sum + Math.log(p), 0) / clipped.length;
  return clipped.map((p) => Math.log(p / Math.exp(mean)));
}

const oddsFactor = (estimator: Estimator) => (estimator.text('loss') === 'exponential' ? 0.5 : 1);

/** Since 1.4 scores of several classes are centred about their mean. */
const isCentred = (estimator: Estimator) => estimator.since([1, 4]);

/** [batch, n] → [batch, width]: scores of an initial estimator of the user's choice, which sees what trees see. */
export function initialScores(call: Call, X: Value, features: number, width: number): Value {
  const { estimator } = call;
  if (!estimator.since([0, 21])) estimator.refuse('releases before 0.21 did not work with an init of your own');
  const init = estimator.part('init_');
  if (computesFloat32(init)) {
    if (estimator.name.endsWith('Classifier')) {
      estimator.refuse('its init computes with float32, whose rounding the scores magnify');
    }
    call.context.notes.add('The init of boosting computed with float32; here it computes with float64.');
  }
  const methods = call.convert(init, matrix(X, features, true));
  if (!estimator.name.endsWith('Classifier')) {
    const { value, shape } = methods.predict?.() ?? estimator.refuse('its init has no predict');
    return shape.length === 1 ? call.node('Unsqueeze', [value, call.graph.int64s([1])]) : value;
  }
  const probabilities = methods.predict_proba?.();
  if (probabilities === undefined || Array.isArray(probabilities)) {
    return estimator.refuse('its init gives no probabilities');
  }
  const { value } = probabilities as Output;
  const epsilon = floorOf(estimator);
  const clipped = call.node('Clip', [value, call.scalar(epsilon), call.scalar(1 - epsilon)]);
  if (width > 1) {
    const logs = call.node('Log', [clipped]);
    return isCentred(estimator) ? call.node('Sub', [logs, call.reduce('ReduceMean', logs, 1, true)]) : logs;
  }
  const p = column(call, clipped, 1);
  const odds = call.node('Log', [call.node('Div', [p, call.node('Sub', [call.scalar(1), p])])]);
  const scaled = call.node('Mul', [call.scalar(oddsFactor(estimator)), odds]);
  return call.node('Unsqueeze', [scaled, call.graph.int64s([1])]);
}

/** Boosting fits its init on float32, and some estimators learn float32 coefficients then. */
function computesFloat32({ state }: PythonObject): boolean {
  const coefficients = state instanceof PythonDict ? state.get('coef_') : undefined;
  return (
    coefficients instanceof NumpyArray &&
    coefficients.content?.kind === 'tensor' &&
    coefficients.content.tensor.dtype === 'float32'
  );
}
