import { type GraphBuilder, onnxTypes, type Value } from '../graph-builder.js';
import { argument, type CallValue, isTensor, type KerasTensor, type LayerCall } from './layer.js';

/** How scores that do not count are kept out of a softmax. Versions of Keras differ where nothing at all counts. */
export type Masking =
  /** 1e9 is taken off, so that scores that all do not count share the weight. */
  | 'subtract'
  /** The same, and what does not count is 0 at last. */
  | 'subtract-then-zero'
  /** They become one large negative number, and share the weight evenly when nothing counts. */
  | 'replace'
  /** The same, and what does not count is 0 at last. */
  | 'replace-then-zero';

const LARGE_NEGATIVE = -1e9;

/** Softmax over the last axis; `mask` is a bool tensor that broadcasts to the scores, true where one counts. */
export function maskedSoftmax(graph: GraphBuilder, scores: Value, mask: Value | undefined, masking: Masking): Value {
  if (mask === undefined) return graph.node('Softmax', [scores], { axis: -1 });
  let masked: Value;
  if (masking === 'replace' || masking === 'replace-then-zero') {
    masked = graph.node('Where', [mask, scores, graph.scalar(LARGE_NEGATIVE)]);
  } else {
    masked = graph.node('Add', [scores, graph.node('Where', [mask, graph.scalar(0), graph.scalar(LARGE_NEGATIVE)])]);
  }
  const weights = graph.node('Softmax', [masked], { axis: -1 });
  if (masking === 'subtract' || masking === 'replace') return weights;
  return graph.node('Where', [mask, weights, graph.scalar(0)]);
}

/** [1, rows, columns] of bool for axis 1 of both tensors: column ≤ row, or |row − column| < `window`, or both. */
export function bandMask(
  call: LayerCall,
  rows: KerasTensor,
  columns: KerasTensor,
  band: { readonly causal: boolean; readonly window: number | null },
): Value | undefined {
  const { graph } = call;
  if (!band.causal && band.window === null) return undefined;
  const row = graph.node('Unsqueeze', [positions(graph, rows), graph.int64s([0, 2], 'axes')]);
  const column = graph.node('Unsqueeze', [positions(graph, columns), graph.int64s([0, 1], 'axes')]);
  let mask = band.causal ? graph.node('GreaterOrEqual', [row, column]) : undefined;
  if (band.window !== null) {
    const distance = graph.node('Abs', [graph.node('Sub', [row, column])]);
    const near = graph.node('Less', [distance, int64(graph, band.window)]);
    mask = mask === undefined ? near : graph.node('And', [mask, near]);
  }
  return mask;
}

/** Longer sequences are counted at run time, whatever their length. */
const MAX_STORED_POSITIONS = 4096;

/** 0, 1, … along axis 1. */
function positions(graph: GraphBuilder, tensor: KerasTensor): Value {
  const size = tensor.shape[1]!;
  if (size !== null && size <= MAX_STORED_POSITIONS) {
    return graph.int64s(
      Array.from({ length: size }, (_, i) => i),
      'positions',
    );
  }
  const length = graph.node('Squeeze', [graph.node('Shape', [tensor.value], { start: 1, end: 2 })]);
  return graph.node('Range', [int64(graph, 0), length, int64(graph, 1)]);
}

function int64(graph: GraphBuilder, value: number): Value {
  return graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) });
}

/** Joins masks with `And`; those left out count throughout. */
export function allOf(graph: GraphBuilder, masks: readonly (Value | undefined)[]): Value | undefined {
  return masks.reduce((left, right) =>
    left === undefined ? right : right === undefined ? left : graph.node('And', [left, right]),
  );
}

/** A mask [batch, steps] as [batch, steps, 1] (`axis` −1) or [batch, 1, steps] (`axis` 1). */
export function spreadMask(call: LayerCall, tensor: KerasTensor, axis: 1 | -1): Value | undefined {
  if (tensor.mask === undefined) return undefined;
  if (tensor.mask.shape.length !== 2) call.layer.config.refuse('a mask of its inputs is not [batch, steps]');
  return call.graph.node('Unsqueeze', [tensor.mask.value, call.graph.int64s([axis], 'axes')]);
}

/** An argument that says true or false; left out is false. */
export function flag(call: LayerCall, position: number, name: string): boolean {
  const value: CallValue | undefined = argument(call, position, name);
  if (value === undefined || value === null || value === false) return false;
  if (value === true) return true;
  return call.layer.config.refuse(`its argument ${name} is neither true nor false`);
}

/** An argument that may be a tensor. */
export function tensorArgument(call: LayerCall, position: number, name: string): KerasTensor | undefined {
  const value = argument(call, position, name);
  if (value === undefined || value === null) return undefined;
  return isTensor(value) ? value : call.layer.config.refuse(`its argument ${name} is not a tensor`);
}

/** A tensor of any type as bool: what is not 0 is true. */
export function toBoolean(graph: GraphBuilder, tensor: KerasTensor): Value {
  return tensor.dtype === 'bool' ? tensor.value : graph.node('Cast', [tensor.value], { to: onnxTypes.bool });
}
