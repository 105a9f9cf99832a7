/** From texts and their labels to a model that tells new texts apart, and to how well it does. */
import { convertSklearn } from '../convert/sklearn/index.js';
import { VitrinaError } from '../errors.js';
import {
  NumpyArray,
  PythonDict,
  PythonGlobal,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from '../formats/pickle/index.js';
import type { Conversion } from '../signature.js';
import type { Tensor } from '../tensor.js';
import { version } from '../version.js';
import { type Assessment, assess } from './classification-report.js';
import type { Labels } from './labels.js';
import { fitMultinomialNB, type MultinomialNB, predictMultinomialNB } from './multinomial-nb.js';
import { type Split, stratifiedFolds, trainTestSplit } from './split.js';
import { fitTextVectorizer, type TextVectorizer, textParameters, type Weighting } from './text-vectorizer.js';

export interface TextClassifierSettings {
  readonly vectorizer: Weighting;
  /** Share of the rows that are held out. */
  readonly testSize: number;
  /** 0 to 2^32 - 1 */
  readonly seed: number;
}

export interface TrainedTextClassifier {
  /** `text` [batch] → `predict` [batch], of the labels' type, and `predict_proba` [batch, classes]. */
  readonly model: Conversion;
  readonly vocabulary: readonly string[];
  readonly split: Split;
  /** Of the rows that were held out. */
  readonly assessment: Assessment;
}

/**
 * Learns as `train_test_split(vectorizer.fit_transform(texts), labels)` and `MultinomialNB().fit` on the training rows
 * do: the vocabulary is that of all texts, the probabilities are those of the training rows.
 *
 * @param target name of the labels, for those who look at the model
 * @throws VitrinaError `training-data-invalid`
 */
export function trainTextClassifier(
  texts: readonly string[],
  labels: Labels,
  target: string,
  { vectorizer, testSize, seed }: TextClassifierSettings,
): TrainedTextClassifier {
  const split = trainTestSplit(texts.length, testSize, seed);
  const fitted = fitVectorizer(texts, vectorizer);
  const x = fitted.transform(texts);
  const bayes = fitMultinomialNB(x, labels.codes, split.train);
  const predicted = predictMultinomialNB(bayes, x, split.test);
  const truth = split.test.map((row) => labels.codes[row]!);
  return {
    model: modelOf(fitted, bayes, labels, target),
    vocabulary: fitted.vocabulary,
    split,
    assessment: assess(truth, predicted, labels.names),
  };
}

/**
 * The share of each fold that is told right by what was learned from the others, the vocabulary included:
 * `cross_val_score(make_pipeline(vectorizer, MultinomialNB()), texts, labels, cv=folds)`.
 *
 * @throws VitrinaError `training-data-invalid`
 */
export function crossValidate(
  texts: readonly string[],
  { codes }: Labels,
  vectorizer: Weighting,
  folds: number,
): number[] {
  return stratifiedFolds(codes, folds).map(({ train, test }) => {
    const fitted = fitVectorizer(
      Array.from(train, (row) => texts[row]!),
      vectorizer,
    );
    const x = fitted.transform(texts);
    const predicted = predictMultinomialNB(fitMultinomialNB(x, codes, train), x, test);
    return test.filter((row, i) => codes[row] === predicted[i]).length / test.length;
  });
}

function fitVectorizer(texts: readonly string[], weighting: Weighting): TextVectorizer {
  const fitted = fitTextVectorizer(texts, weighting);
  if (fitted.vocabulary.length > 0) return fitted;
  const problem = 'no text has a word of two letters or more, so that there is nothing to tell them apart by';
  throw new VitrinaError('training-data-invalid', { problem });
}

/** The release whose estimators are written down; its defaults are those that `fit` learned with. */
const release = '1.7.2';

/** The model by the converter of what scikit-learn would have pickled: it answers what a model from Python answers. */
function modelOf(vectorizer: TextVectorizer, bayes: MultinomialNB, labels: Labels, target: string): Conversion {
  const steps = [
    new PythonTuple(['vectorizer', writeVectorizer(vectorizer)]),
    new PythonTuple(['nb', writeBayes(bayes, labels)]),
  ];
  const conversion = convertSklearn(object('sklearn.pipeline', 'Pipeline', { steps }), { format: 'pickle' });
  const { components } = conversion.provenance;
  return {
    ...conversion,
    provenance: { format: 'onnx', library: 'vitrina', libraryVersion: version, target, components, notes: [] },
  };
}

function writeVectorizer({ vocabulary, factors }: TextVectorizer): PythonObject {
  const { analyzer, lowercase, tokenPattern, ngrams, binary } = textParameters;
  const words = {
    input: 'content',
    analyzer,
    lowercase,
    token_pattern: tokenPattern,
    ngram_range: new PythonTuple(ngrams.map(BigInt)),
    binary,
    dtype: 'float64',
    vocabulary_: [...vocabulary],
  };
  const module = 'sklearn.feature_extraction.text';
  if (factors === undefined) return object(module, 'CountVectorizer', words);
  const weighing = { norm: 'l2', use_idf: true, smooth_idf: true, sublinear_tf: false, idf_: vector(factors) };
  return object(module, 'TfidfVectorizer', { ...words, _tfidf: object(module, 'TfidfTransformer', weighing) });
}

function writeBayes({ classes, logPriors, logProbabilities }: MultinomialNB, labels: Labels): PythonObject {
  const shape = [classes.length, logProbabilities.length / classes.length];
  return object('sklearn.naive_bayes', 'MultinomialNB', {
    alpha: 1,
    fit_prior: true,
    class_prior: null,
    force_alpha: true,
    classes_: array(pick(labels.classes, classes)),
    class_log_prior_: vector(logPriors),
    feature_log_prob_: array({ dtype: 'float64', shape, data: logProbabilities }),
  });
}

function object(module: string, name: string, attributes: Readonly<Record<string, PythonValue>>): PythonObject {
  const made = new PythonObject(new PythonGlobal(module, name, 'class'), []);
  const state = new PythonDict();
  for (const [key, value] of Object.entries({ ...attributes, _sklearn_version: release })) state.set(key, value);
  made.state = state;
  return made;
}

const array = (tensor: Tensor) => new NumpyArray({ kind: 'tensor', tensor });
const vector = (data: Float64Array) => array({ dtype: 'float64', shape: [data.length], data });

/** The elements of a vector at `places`. */
function pick({ dtype, data }: Tensor, places: Int32Array): Tensor {
  const values = Array.from(places, (place) => data[place]!);
  const shape = [values.length];
  if (dtype === 'string') return { dtype, shape, data: values as string[] };
  const picked = (data as Float64Array).slice(0, values.length);
  for (const [i, value] of values.entries()) picked[i] = value as number;
  return { dtype, shape, data: picked } as Tensor;
}
