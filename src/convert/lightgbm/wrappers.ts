import type { Json } from '../../formats/json.js';
import { type LightgbmModel, readLightgbm } from '../../formats/lightgbm/index.js';
import { KeySpace, PythonDict, PythonGlobal, PythonObject, type PythonValue } from '../../formats/pickle/index.js';
import { type Categories, readFeatures } from '../boosting/input.js';
import type { Value } from '../graph-builder.js';
import type { Call } from '../sklearn/call.js';
import type { EstimatorConverter, InputShape, Output } from '../sklearn/converter.js';
import { type Estimator, listOf, toNumber } from '../sklearn/estimator.js';
import { labelTexts, pickLabel } from '../sklearn/labels.js';
import { addMargin } from './margin.js';
import { addPrediction } from './objective.js';

const known = new WeakMap<PythonObject, LightgbmModel>();

/** A Booster as a pickle would hold it, around a model that was read from a file of its own. */
export function boosterOfModel(model: LightgbmModel): PythonObject {
  const object = new PythonObject(new PythonGlobal('lightgbm.basic', 'Booster', 'class'), []);
  object.state = new PythonDict(new KeySpace());
  known.set(object, model);
  return object;
}

/** The model of a Booster, whose text is called `handle`, since 4.0 `_handle`. @throws as `readLightgbm` */
function modelOf(booster: Estimator): LightgbmModel {
  const read = known.get(booster.object);
  if (read !== undefined) return read;
  const handle = booster.get('handle') ?? booster.get('_handle');
  if (typeof handle !== 'string') return booster.refuse('it holds no model; call fit() before saving');
  const model = readLightgbm(handle);
  known.set(booster.object, model);
  return model;
}

function boosterOf(estimator: Estimator): Estimator {
  const booster = estimator.get('_Booster');
  if (!(booster instanceof PythonObject)) estimator.refuse('it is not fitted; call fit() before saving');
  return estimator.partOf(booster);
}

/** An array has columns named Column_0, Column_1, …. LightGBM keeps `_` in place of what is blank in a name. */
function inputOf(booster: Estimator): InputShape {
  const { features, featureNames } = modelOf(booster);
  const isNamed = !featureNames.every((name, i) => name === `Column_${i}`);
  return { kind: 'table', size: features, ...(isNamed ? { names: featureNames } : {}) };
}

/** Categories of the columns of a data frame, by feature; which they are is told by what training met in them. */
function categoriesOf(booster: Estimator, model: LightgbmModel): readonly Categories[] {
  const lists = listsOf(booster.get('pandas_categorical')) ?? model.pandasCategories;
  const result: Categories[] = new Array(model.features).fill(null);
  if (lists.length === 0) return result;
  const columns = model.featureInfos.flatMap((info, i) => (info.startsWith('[') || info === 'none' ? [] : [i]));
  if (columns.length !== lists.length) {
    const why = `the file has categories of ${lists.length} columns and does not say which they are`;
    return booster.refuse(`${why}; leave columns of categories that training does not use out of the data frame`);
  }
  lists.forEach((list, i) => {
    const isText = list.every((item) => typeof item === 'string');
    if (!isText && !list.every((item) => typeof item === 'number')) {
      booster.refuse(`the categories of ${model.featureNames[columns[i]!]} are neither all texts nor all numbers`);
    }
    result[columns[i]!] = list as readonly (string | number)[];
  });
  return result;
}

/** Lists of lists; `undefined` for what is none. Integers become numbers. */
function listsOf(value: PythonValue | undefined): readonly (readonly Json[])[] | undefined {
  const lists = listOf(value)?.map((item) => listOf(item));
  if (lists === undefined || lists.includes(undefined)) return undefined;
  return lists.map((list) => list!.map((item) => (typeof item === 'string' ? item : (toNumber(item) ?? null))));
}

/** Rounds that `predict` uses: up to the best one where training stopped early. */
function roundsOf(booster: Estimator, model: LightgbmModel): number {
  const all = model.trees.length / model.treesPerRound;
  const best = booster.has('best_iteration') ? booster.integer('best_iteration') : 0;
  return best > 0 ? Math.min(best, all) : all;
}

interface Parts {
  readonly model: LightgbmModel;
  /** float64 [batch, treesPerRound]. */
  readonly prediction: () => Value;
}

function partsOf(call: Call, booster: Estimator): Parts {
  const model = modelOf(booster);
  let prediction: Value | undefined;
  return {
    model,
    prediction: () => {
      if (prediction === undefined) {
        const categories = categoriesOf(booster, model);
        const X = readFeatures(call, model.features, categories, 'missing', { infinite: true });
        prediction = addPrediction(call.graph, model, addMargin(call.graph, model, X, roundsOf(booster, model)));
      }
      return prediction;
    },
  };
}

/** Settings that would have `predict` give something else. */
const settings = [
  ...['pred_early_stop', 'raw_score', 'predict_raw_score', 'pred_leaf', 'predict_leaf_index', 'pred_contrib'],
  ...['predict_contrib', 'start_iteration_predict', 'num_iteration_predict'],
];

function wrapperParts(call: Call): Parts {
  const { estimator } = call;
  for (const name of settings) {
    const value = estimator.get(name) ?? false;
    if (value !== false && value !== 0n && value !== -1n)
      estimator.refuse(`its parameter ${name} changes what it predicts`);
  }
  return partsOf(call, boosterOf(estimator));
}

/** [batch, width] → [batch] when the width is 1. */
function narrow({ graph }: Call, value: Value, width: number): Output {
  if (width > 1) return { value, dtype: 'float64', shape: [null, width] };
  return { value: graph.node('Reshape', [value, graph.int64s([-1])]), dtype: 'float64', shape: [null] };
}

const predict = (call: Call, { model, prediction }: Parts) => ({
  predict: () => narrow(call, prediction(), model.treesPerRound),
});

/** A Booster alone: `predict` gives what the objective makes of the trees. */
const booster: EstimatorConverter = {
  className: 'lightgbm.basic.Booster',
  parameters: 'any',
  input: inputOf,
  convert: (call) => predict(call, partsOf(call, call.estimator)),
};

const wrapperInput = (estimator: Estimator) => inputOf(boosterOf(estimator));

const regressor = (name: string): EstimatorConverter => ({
  className: `lightgbm.sklearn.${name}`,
  parameters: 'any',
  input: wrapperInput,
  convert: (call) => predict(call, wrapperParts(call)),
});

/** `predict` is the label with the highest probability, the first among equals. */
const classifier: EstimatorConverter = {
  className: 'lightgbm.sklearn.LGBMClassifier',
  parameters: 'any',
  input: wrapperInput,
  convert(call) {
    const { estimator, graph } = call;
    const { model, prediction } = wrapperParts(call);
    const classes = estimator.partOf(estimator.get('_le')).labels('classes_');
    const count = Math.max(2, model.treesPerRound);
    if (classes.shape[0]! > count) estimator.refuse(`it has ${classes.shape[0]} classes for ${count} outputs`);
    let value: Value | undefined;
    const probabilities = () => {
      if (value !== undefined) return value;
      value = prediction();
      if (model.treesPerRound === 1) {
        const first = graph.node('Sub', [graph.scalar(1, 'float64'), value]);
        value = graph.node('Concat', [first, value], { axis: 1 });
      }
      return value;
    };
    return {
      classes,
      predict: () => pickLabel(graph, classes, graph.node('ArgMax', [probabilities()], { axis: 1, keepdims: 0 })),
      predict_proba: () => {
        const columns = classes.shape[0] === count ? { columns: labelTexts(classes) } : {};
        return { ...narrow(call, probabilities(), count), ...columns };
      },
    };
  },
};

export const lightgbmConverters: readonly EstimatorConverter[] = [
  booster,
  regressor('LGBMModel'),
  regressor('LGBMRegressor'),
  regressor('LGBMRanker'),
  classifier,
];
