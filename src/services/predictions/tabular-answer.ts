/** Outputs of a prediction as one answer a row: the number or the class, and the probabilities by class name. */
import { VitrinaError } from '../../errors.js';
import type { Signature, TensorSpec } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import { writeRow } from './json-tensors.js';
import type { Prediction } from './prediction-service.js';

/** Which outputs answer. */
export interface AnswerPlan {
  /** Holds the prediction itself; nothing where it is the likeliest of `classes`. */
  readonly predict: TensorSpec | undefined;
  /** [batch, classes.length] */
  readonly probabilities: TensorSpec | undefined;
  readonly classes: readonly string[];
}

export interface TabularAnswer {
  /** One a row: a number, a text, a boolean; a list where the model predicts several values. */
  readonly predict: readonly unknown[];
  readonly classes: readonly string[];
  /** Row i, class by class; nothing when the model has no probabilities. */
  readonly probabilities: ((row: number) => readonly unknown[]) | undefined;
}

/**
 * Finds out which outputs are the prediction and its probabilities: those called as in scikit-learn, else the only one
 * there is, else a column followed by probabilities, as sklearn-onnx writes them. `labels` name the classes of a model
 * that gives only probabilities.
 *
 * @throws VitrinaError `model-unsupported` when no output is a prediction
 */
export function planAnswer({ outputs }: Signature, labels: readonly string[] | undefined): AnswerPlan {
  const named = outputs.find(({ name }) => name === 'predict');
  const classesOf = (spec: TensorSpec): readonly string[] | undefined => {
    const names = spec.columns ?? labels;
    return spec.shape.length === 2 && spec.dtype.startsWith('float') && spec.shape[1] === names?.length
      ? names
      : undefined;
  };
  const probabilities =
    outputs.find(({ name }) => name === 'predict_proba') ??
    (named === undefined ? outputs.findLast((spec) => classesOf(spec) !== undefined) : undefined);
  const classes = (probabilities === undefined ? undefined : classesOf(probabilities)) ?? [];
  const rest = outputs.filter((spec) => spec !== probabilities);
  const predict = named ?? (rest.length === 1 && rest[0]!.name !== 'transform' ? rest[0] : undefined);
  if (predict === undefined && (classes.length === 0 || rest.length > 0)) {
    const found = outputs.map(({ name }) => name).join(', ');
    throw new VitrinaError('model-unsupported', {
      what: `None of the model's outputs (${found}) is its prediction`,
      next: 'give the estimator that predicts, or a pipeline that ends with it',
    });
  }
  return { predict, probabilities: classes.length === 0 ? undefined : probabilities, classes };
}

export function tabulate(plan: AnswerPlan, { outputs }: Prediction): TabularAnswer {
  const { probabilities, classes } = plan;
  const given = probabilities === undefined ? undefined : outputs[probabilities.name]!;
  const tensor = plan.predict === undefined ? undefined : outputs[plan.predict.name]!;
  const rows = (tensor ?? given!).shape[0]!;
  const predict: unknown[] = [];
  for (let row = 0; row < rows; row++)
    predict.push(tensor === undefined ? classes[likeliest(given!, row)]! : unwrap(writeRow(tensor, row)));
  return {
    predict,
    classes,
    probabilities: given === undefined ? undefined : (row) => writeRow(given, row) as unknown[],
  };
}

/** @throws VitrinaError `request-invalid` for a model without probabilities */
export function demandProbabilities({ probabilities }: AnswerPlan): void {
  if (probabilities !== undefined) return;
  const message = 'the model has no probabilities; leave proba out';
  throw new VitrinaError('request-invalid', { problems: [{ path: 'proba', message }] });
}

/** A list of one value is that value: [batch, 1] says no more than [batch]. */
const unwrap = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? unwrap(value[0]) : value);

/** The first of the highest. */
function likeliest({ data, shape }: Tensor, row: number): number {
  const width = shape[1]!;
  let best = 0;
  for (let i = 1; i < width; i++) if (data[row * width + i]! > data[row * width + best]!) best = i;
  return best;
}

/**
 * The answer as objects, one a row: `{"predict": …}`, and the probabilities by class name as `proba` when they are asked
 * for.
 */
export function answerObjects(
  { predict, classes, probabilities }: TabularAnswer,
  withProbabilities: boolean,
): object[] {
  return predict.map((value, row) => {
    if (!withProbabilities || probabilities === undefined) return { predict: value };
    const given = probabilities(row);
    return { predict: value, proba: Object.fromEntries(classes.map((name, i) => [name, given[i]])) };
  });
}

/** The answer as the records of a CSV file, the first of them names. */
export function* answerRecords(answer: TabularAnswer, withProbabilities: boolean): Generator<string[]> {
  const { predict, classes, probabilities } = answer;
  const shown = withProbabilities && probabilities !== undefined ? probabilities : undefined;
  const [first] = predict;
  const names = Array.isArray(first) ? first.map((_, i) => `predict_${i + 1}`) : ['predict'];
  yield shown === undefined ? names : [...names, ...classes.map((name) => `proba_${name}`)];
  for (const [row, value] of predict.entries()) {
    const cells = [value].flat(Number.POSITIVE_INFINITY).map(writeCell);
    yield shown === undefined ? cells : [...cells, ...shown(row).map(writeCell)];
  }
}

/** `null` is an empty cell; booleans are Python's, as in the names of classes. */
function writeCell(value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
