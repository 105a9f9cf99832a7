import { missingTexts } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import type { Value } from '../graph-builder.js';
import { Call, type MatrixOptions } from '../sklearn/call.js';
import type { Column } from '../sklearn/features.js';

/** Categories of a column, the code of each its position; `null` for a column of numbers. */
export type Categories = readonly (string | number)[] | null;

/** What becomes of a category that training never saw: the library raises, or takes it as missing. */
export type Unseen = 'refuse' | 'missing';

/**
 * The features as numbers, float64 [batch, size], NaN where a value is missing. Columns of a data frame with categories
 * take the categories themselves, and become their codes.
 *
 * @throws estimator-unsupported when such columns do not come from the caller's table
 */
export function readFeatures(
  call: Call,
  size: number,
  categories: readonly Categories[],
  unseen: Unseen,
  options: MatrixOptions,
): Value {
  const coded = categories.slice(0, size).map((list, index) => ({ list, index }));
  if (!coded.some(({ list }) => list !== null)) return call.matrix(size, { ...options, missing: true }).value;
  const { context, estimator, input, graph } = call;
  if (input.kind !== 'frame') return estimator.refuse('it has columns of categories, and its input is an array');
  if (input.columns.length !== size) {
    return estimator.refuse(`it was fitted on ${size} features, and its input has ${input.columns.length}`);
  }
  const blocks: Value[] = [];
  for (let from = 0; from < size; ) {
    const list = categories[from] ?? null;
    if (list !== null) {
      blocks.push(addCodes(call, input.columns[from]!, list, unseen));
      from++;
      continue;
    }
    let to = from + 1;
    while (to < size && (categories[to] ?? null) === null) to++;
    const numbers = new Call(context, estimator, { kind: 'frame', columns: input.columns.slice(from, to) });
    blocks.push(numbers.matrix(to - from, { ...options, missing: true }).value);
    from = to;
  }
  return blocks.length === 1 ? blocks[0]! : graph.node('Concat', blocks, { axis: 1 });
}

/** What no code is. */
const none = -1;

/** Codes of one column, float64 [batch, 1]. */
function addCodes(call: Call, column: Column, list: readonly (string | number)[], unseen: Unseen): Value {
  const { graph } = call;
  const codes = Float64Array.from(list, (_, code) => code);
  const texts = list.every((item) => typeof item === 'string');
  const value = readColumn(call, column, texts ? 'text' : 'number');
  const found = texts
    ? encode(call, value, {
        texts: [...(list as string[]), missingTexts.NaN],
        values: Float64Array.of(...codes, Number.NaN),
      })
    : encode(call, value, { keys: Float64Array.from(list as number[]), values: codes });
  if (unseen === 'missing') {
    return graph.node('Where', [graph.node('Equal', [found, call.scalar(none)]), call.scalar(Number.NaN), found]);
  }
  const isKnown = graph.node('Not', [graph.node('Equal', [found, call.scalar(none)])]);
  const ok = graph.node('Reshape', [isKnown, graph.int64s([-1])]);
  const shown = list.slice(0, 20).join(', ');
  call.guard(ok, `a category that the model was not trained on; those of ${column.name} are ${shown}`, column.name);
  return found;
}

interface Encoding {
  readonly keys?: Float64Array;
  readonly texts?: readonly string[];
  readonly values: Float64Array;
}

function encode({ graph }: Call, value: Value, { keys, texts = [], values }: Encoding): Value {
  const keysTensor: Tensor =
    keys === undefined
      ? { dtype: 'string', shape: [texts.length], data: [...texts] }
      : { dtype: 'float64', shape: [keys.length], data: keys };
  const valuesTensor: Tensor = { dtype: 'float64', shape: [values.length], data: values };
  const defaultTensor: Tensor = { dtype: 'float64', shape: [1], data: Float64Array.of(none) };
  const attributes = { keys_tensor: keysTensor, values_tensor: valuesTensor, default_tensor: defaultTensor };
  const found = graph.node('LabelEncoder', [value], attributes, { domain: 'ai.onnx.ml', name: 'codes' });
  if (keys === undefined) return found;
  return graph.node('Where', [graph.node('IsNaN', [value]), graph.scalar(Number.NaN, 'float64'), found]);
}

function readColumn(call: Call, column: Column, type: 'text' | 'number'): Value {
  if (!('table' in column)) {
    if (column.type === type) return column.value;
    return call.estimator.refuse(`the column ${column.name} should hold ${type}s, and holds ${column.type}s`);
  }
  const value = column.table.read([column.index], type, { missing: type === 'text' ? 'NaN' : undefined });
  return value ?? call.estimator.refuse(`another part of the model reads ${column.name} as something else`);
}
