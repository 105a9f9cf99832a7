import { VitrinaError } from '../../errors.js';
import { allocate, sizeOf, type Tensor, type TensorData } from '../../tensor.js';

type Tensors = Readonly<Record<string, Tensor>>;

/** The inputs of several requests behind one another, `rows` rows in all. */
export function joinInputs(requests: readonly { readonly inputs: Tensors }[], rows: number): Record<string, Tensor> {
  const joined: Record<string, Tensor> = {};
  const first = requests[0]!.inputs;
  for (const name in first) {
    const { dtype, shape } = first[name]!;
    const data = allocate(dtype, rows * rowSize(shape));
    let at = 0;
    for (const request of requests) {
      const own = request.inputs[name]!.data;
      if (Array.isArray(data)) for (let i = 0; i < own.length; i++) data[at + i] = own[i] as string;
      else (data as Float32Array).set(own as Float32Array, at);
      at += own.length;
    }
    joined[name] = { dtype, shape: withRows(shape, rows), data };
  }
  return joined;
}

/**
 * The outputs of `count` rows from row `from` on, of a batch of `rows`: views for numbers, copies for texts.
 * Errors: `runtime-rejected` where an output has not a row for each.
 */
export function sliceOutputs(outputs: Tensors, from: number, count: number, rows: number): Record<string, Tensor> {
  const own: Record<string, Tensor> = {};
  for (const name in outputs) {
    const { dtype, shape, data } = outputs[name]!;
    if (shape[0] !== rows) {
      throw new VitrinaError('runtime-rejected', {
        reason: `output "${name}" has ${shape[0]} rows for a batch of ${rows}`,
      });
    }
    const size = rowSize(shape);
    own[name] = { dtype, shape: withRows(shape, count), data: slice(data, from * size, (from + count) * size) };
  }
  return own;
}

/** A view for numbers, a copy for strings: the rows of one caller, who may keep them. */
function slice(data: TensorData, from: number, to: number): TensorData {
  return Array.isArray(data) ? data.slice(from, to) : (data.subarray(from, to) as TensorData);
}

function rowSize(shape: readonly number[]): number {
  return shape.length === 2 ? shape[1]! : sizeOf(shape.slice(1));
}

function withRows(shape: readonly number[], rows: number): number[] {
  const own = shape.slice();
  own[0] = rows;
  return own;
}
