/** Outputs of a prediction as the columns of a table. */
import { VitrinaError } from '../../errors.js';
import { missingTexts } from '../../signature.js';
import { float16ToNumber, sizeOf, type Tensor } from '../../tensor.js';
import { labelOf } from '../predictions/prediction-json.js';
import type { Prediction } from '../predictions/prediction-service.js';

/** One output, and what its values of one row are called. */
export interface AnswerOutput {
  readonly name: string;
  readonly tensor: Tensor;
  /** Values of one row. */
  readonly width: number;
  /**
   * One a value: `y` for a single one, `y_<class>` where the model or `model.yaml` names them, else `y_0`, `y_1`, …, and
   * `y_0_1` for values of values.
   */
  readonly names: readonly string[];
  /** Whether the likeliest class is told as `<name>_label`. */
  readonly labelled: boolean;
}

export function answerOutputs({ version, outputs }: Prediction): AnswerOutput[] {
  const { signature, labels } = version;
  return Object.entries(outputs).map(([name, tensor]) => {
    const shape = tensor.shape.slice(1);
    const width = sizeOf(shape);
    const labelled = labelOf(version, tensor, 0) !== undefined;
    const columns = signature.outputs.find((spec) => spec.name === name)?.columns ?? (labelled ? labels : undefined);
    const own = shape.length === 1 && columns?.length === width ? columns : undefined;
    const names =
      own !== undefined ? own.map((column) => `${name}_${column}`) : width === 1 ? [name] : indexNames(name, shape);
    return { name, tensor, width, names, labelled };
  });
}

function indexNames(name: string, [size, ...inner]: readonly number[]): string[] {
  if (size === undefined) return [name];
  return Array.from({ length: size }, (_, i) => indexNames(`${name}_${i}`, inner)).flat();
}

/** A value as text: exact, and the words of Python for truths; nothing for a missing text. */
export function cellText({ dtype, data }: Tensor, at: number): string {
  const value = data[at]!;
  if (dtype === 'bool') return value === 0 ? 'False' : 'True';
  if (dtype === 'float16') return String(float16ToNumber(value as number));
  if (typeof value === 'string') return isMissing(value) ? '' : value;
  return Object.is(value, -0) ? '-0' : String(value);
}

export function isMissing(text: string): boolean {
  return text === missingTexts.NaN || text === missingTexts.None;
}

/** A table has the columns of its first row. */
export function unequal(): VitrinaError {
  return new VitrinaError('model-unsupported', {
    what: 'The model answers these rows with outputs of different sizes, which are no columns of one table',
    next: 'accept application/x-ndjson',
  });
}
