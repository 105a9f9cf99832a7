import {
  KeySpace,
  PythonByteArray,
  PythonDict,
  PythonGlobal,
  PythonObject,
  type PythonValue,
} from '../../formats/pickle/index.js';
import { readXgboost, type XgboostModel } from '../../formats/xgboost/index.js';
import { readFeatures } from '../boosting/input.js';
import type { Value } from '../graph-builder.js';
import type { Call } from '../sklearn/call.js';
import type { EstimatorConverter, InputShape, Methods, Output } from '../sklearn/converter.js';
import type { Estimator } from '../sklearn/estimator.js';
import { type Labels, labelTexts, pickLabel } from '../sklearn/labels.js';
import { addMargin, treesOfRounds } from './margin.js';
import { addPrediction, addSoftmax, isSoftmax } from './objective.js';

const known = new WeakMap<PythonObject, XgboostModel>();

/** A Booster as a pickle would hold it, around a model that was read from a file of its own. */
export function boosterOfModel(model: XgboostModel): PythonObject {
  const object = new PythonObject(new PythonGlobal('xgboost.core', 'Booster', 'class'), []);
  object.state = new PythonDict(new KeySpace());
  known.set(object, model);
  return object;
}

/** The model of a Booster. @throws estimator-unsupported, and as `readXgboost` */
function modelOf(booster: Estimator): XgboostModel {
  const read = known.get(booster.object);
  if (read !== undefined) return read;
  const handle = booster.get('handle');
  const bytes = handle instanceof PythonByteArray ? handle.bytes : handle;
  if (!(bytes instanceof Uint8Array)) return booster.refuse('it holds no model; call fit() before saving');
  const model = readXgboost(bytes);
  known.set(booster.object, model);
  return model;
}

/** The Booster of a wrapper. */
function boosterOf(estimator: Estimator): Estimator {
  const booster = estimator.get('_Booster');
  if (!(booster instanceof PythonObject)) estimator.refuse('it is not fitted; call fit() before saving');
  return estimator.partOf(booster);
}

/** Columns of a table. A file that says more has no row that is worth sending. */
const maxFeatures = 2 ** 20;

function inputOf(booster: Estimator): InputShape {
  const model = modelOf(booster);
  if (model.features === 0 || model.features > maxFeatures) {
    booster.refuse(`it takes ${model.features} features, and 1 to ${maxFeatures} are read`);
  }
  const names = model.featureNames.length > 0 ? model.featureNames : textsOf(booster.get('feature_names'));
  // Before 1.4 an array had columns named f0, f1, ….
  const isNamed = names.length === model.features && !names.every((name, i) => name === `f${i}`);
  return { kind: 'table', size: model.features, ...(isNamed ? { names } : {}) };
}

const textsOf = (value: PythonValue | undefined): readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : [];

/** float32 [batch, features], NaN where a value is missing. */
function addFeatures(call: Call, model: XgboostModel, missing: number): Value {
  const { graph } = call;
  // Infinite values are refused, as XGBoost raises, unless they are what stands for a missing value.
  const options = Math.abs(missing) === Number.POSITIVE_INFINITY ? { infinite: true } : { float32: true };
  const values = readFeatures(call, model.features, model.categories, 'refuse', options);
  const isSparse = call.context.isSparse(call.input);
  if (isSparse === undefined) {
    return call.estimator.refuse(
      'whether its input is a sparse matrix is not known, and what is not in one is missing',
    );
  }
  const present = isSparse
    ? graph.node('Where', [graph.node('Equal', [values, call.scalar(0)]), call.scalar(Number.NaN), values])
    : values;
  const X = graph.node('Cast', [present], { to: 1 }, { name: 'features' });
  if (Number.isNaN(missing)) return X;
  const isMissing = graph.node('Equal', [X, graph.scalar(Math.fround(missing))]);
  return graph.node('Where', [isMissing, graph.scalar(Number.NaN), X]);
}

/** What `predict` limits itself to, in trees: the best round where training stopped early; `undefined` for all. */
function usedTrees(estimator: Estimator, booster: Estimator, model: XgboostModel): number | undefined {
  if (model.booster.kind === 'linear') return undefined;
  // Until 1.3 the wrapper kept a number of trees a group, and only where it stopped early.
  if (estimator.has('best_ntree_limit')) {
    // XGBRanker did not look at it.
    if (estimator.name === 'XGBRanker') return undefined;
    const limit = estimator.integer('best_ntree_limit');
    return limit === 0 ? undefined : Math.min(limit * model.groups, model.booster.trees.length);
  }
  const { version } = model;
  if (version === null || version[0] < 1 || (version[0] === 1 && version[1] < 4)) return undefined;
  const best = booster.has('best_iteration')
    ? booster.integer('best_iteration')
    : Number(model.attributes.get('best_iteration') ?? Number.NaN);
  return Number.isInteger(best) && best >= 0 ? treesOfRounds(model, best + 1) : undefined;
}

interface Parts {
  readonly model: XgboostModel;
  /** float32 [batch, groups]. */
  readonly margin: () => Value;
  /** float32 [batch, groups], or [batch, 1] of `multi:softmax`. */
  readonly prediction: () => Value;
}

function partsOf(
  call: Call,
  booster: Estimator,
  limit: (model: XgboostModel) => number | undefined,
  missing: number,
): Parts {
  const model = modelOf(booster);
  const { version } = model;
  call.context.libraryVersion ??= version?.join('.');
  if (version !== null && version[0] > newest[0]) {
    return booster.refuse(
      `XGBoost ${version.join('.')} wrote it, and the releases read are 0.8 to ${newest.join('.')}`,
    );
  }
  if (version !== null && version[0] === newest[0] && version[1] > newest[1]) {
    call.context.notes.add(`XGBoost ${version.join('.')} is newer than ${newest.join('.')}, the newest compared with.`);
  }
  const isDart = model.booster.kind === 'trees' && model.booster.weights !== undefined;
  if (version === null && isDart && limit(model) === undefined) {
    return booster.refuse(
      'XGBoost before 1.0 drops trees of dart at random when it predicts; load it in XGBoost 1.0 to 2.0 and save it again',
    );
  }
  if (model.featureTypes.includes('c') && model.categories.length === 0) {
    call.context.notes.add('The file does not keep the categories: categorical columns take their codes, 0, 1, 2, ….');
  }
  let margin: Value | undefined;
  const marginOnce = () => {
    const options = { trees: limit(model), inPlace: booster !== call.estimator };
    margin ??= addMargin(call.graph, model, addFeatures(call, model, missing), options);
    return margin;
  };
  return { model, margin: marginOnce, prediction: () => addPrediction(call.graph, model, marginOnce()) };
}

/** The newest release whose predictions were compared. */
const newest = [3, 4] as const;

/** `missing` of a wrapper: a number, NaN unless told. */
function missingOf(estimator: Estimator): number {
  return estimator.has('missing') ? estimator.number('missing') : Number.NaN;
}

/** float32 [batch, width] → float64, [batch] when the width is 1. */
function widen({ graph }: Call, value: Value, width: number): Output {
  const wide = graph.node('Cast', [value], { to: 11 });
  if (width > 1) return { value: wide, dtype: 'float64', shape: [null, width] };
  return { value: graph.node('Reshape', [wide, graph.int64s([-1])]), dtype: 'float64', shape: [null] };
}

const widthOf = (model: XgboostModel) => (isSoftmax(model) ? 1 : model.groups);

/** A Booster alone: `predict` gives what the objective makes of all trees. */
const booster: EstimatorConverter = {
  className: 'xgboost.core.Booster',
  parameters: 'any',
  input: inputOf,
  convert(call) {
    const { model, prediction } = partsOf(call, call.estimator, () => undefined, Number.NaN);
    return { predict: () => widen(call, prediction(), widthOf(model)) };
  },
};

const wrapperInput = (estimator: Estimator) => inputOf(boosterOf(estimator));

function wrapperParts(call: Call): Parts {
  const { estimator } = call;
  const inner = boosterOf(estimator);
  return partsOf(call, inner, (model) => usedTrees(estimator, inner, model), missingOf(estimator));
}

const regressor = (name: string): EstimatorConverter => ({
  className: `xgboost.sklearn.${name}`,
  parameters: 'any',
  input: wrapperInput,
  convert(call) {
    const { model, prediction } = wrapperParts(call);
    return { predict: () => widen(call, prediction(), widthOf(model)) };
  },
});

/** `predict` compares probabilities as the release that wrote it does; labels come back as they were trained on. */
const classifier = (name: string): EstimatorConverter => ({
  className: `xgboost.sklearn.${name}`,
  parameters: 'any',
  input: wrapperInput,
  convert(call) {
    const { estimator, graph } = call;
    const parts = wrapperParts(call);
    const { model } = parts;
    const count = estimator.has('n_classes_') ? estimator.integer('n_classes_') : Math.max(2, model.groups);
    if (count < 1 || count > 2 ** 20) return estimator.refuse(`n_classes_ is ${count}`);
    const half = graph.scalar(0.5);
    const above = () => graph.node('Cast', [graph.node('Greater', [parts.prediction(), half])], { to: 7 });
    if (model.groups > 1 && count === 2 && !isSoftmax(model)) return multilabel(call, parts, above);
    const classes = classesOf(estimator, count);
    const index = (): Value => {
      if (isSoftmax(model))
        return graph.node('Reshape', [graph.node('Cast', [parts.prediction()], { to: 7 }), graph.int64s([-1])]);
      if (model.groups > 1) return graph.node('ArgMax', [parts.prediction()], { axis: 1, keepdims: 0 });
      return graph.node('Reshape', [above(), graph.int64s([-1])]);
    };
    if (Math.max(2, model.groups) > classes.shape[0]!) {
      return estimator.refuse(`it has ${classes.shape[0]} classes for ${model.groups} outputs`);
    }
    const probabilities = () => {
      if (isSoftmax(model)) return addSoftmax(graph, parts.margin());
      if (model.groups > 1) return parts.prediction();
      const second = parts.prediction();
      return graph.node('Concat', [graph.node('Sub', [graph.scalar(1), second]), second], { axis: 1 });
    };
    return {
      classes,
      predict: () => pickLabel(graph, classes, index()),
      predict_proba: () => {
        const width = Math.max(2, model.groups);
        const columns = classes.shape[0] === width ? { columns: labelTexts(classes) } : {};
        return { ...widen(call, probabilities(), width), ...columns };
      },
    };
  },
});

/** Several labels a row, each yes or no. */
function multilabel(call: Call, { model, prediction }: Parts, above: () => Value): Methods {
  return {
    predict: () => ({ value: above(), dtype: 'int64', shape: [null, model.groups] }),
    predict_proba: () => widen(call, prediction(), model.groups),
  };
}

/** Until 1.6 an encoder keeps the labels; since then they are 0 to n - 1. */
function classesOf(estimator: Estimator, count: number): Labels {
  if (estimator.has('_le')) return estimator.partOf(estimator.get('_le')).labels('classes_');
  return { dtype: 'int64', shape: [count], data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)) };
}

export const xgboostConverters: readonly EstimatorConverter[] = [
  booster,
  regressor('XGBModel'),
  regressor('XGBRegressor'),
  regressor('XGBRFRegressor'),
  regressor('XGBRanker'),
  classifier('XGBClassifier'),
  classifier('XGBRFClassifier'),
];
