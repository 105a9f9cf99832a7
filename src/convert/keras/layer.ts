/**
 * What the converter of a layer sees and gives.
 *
 * - **generation**: 2 for files of Keras 2 (`tf.keras` up to 2.15), 3 for Keras 3. Some layers compute differently.
 * - **mask**: a bool tensor that says which time steps (or tokens) count, as Keras passes along with a tensor.
 * - **call**: one use of a layer. A shared layer is called several times, with the same weights.
 */
import type { DataType, Tensor } from '../../tensor.js';
import { type GraphBuilder, onnxTypes, type Value } from '../graph-builder.js';
import type { Json, JsonObject, LayerConfig } from './config.js';
import type { LayerWeights } from './weights.js';

/** Sizes, batch first; `null` is free. */
export type Shape = readonly (number | null)[];

export interface KerasMask {
  /** A bool tensor. */
  readonly value: Value;
  /** `[batch, time]` as a rule; an Embedding's mask has the shape of its input. */
  readonly shape: Shape;
}

export interface KerasTensor {
  readonly value: Value;
  readonly dtype: DataType;
  readonly shape: Shape;
  readonly mask?: KerasMask;
}

/** An argument of a call: tensors where Keras passes tensors, else plain JSON. */
export type CallValue = KerasTensor | Json | readonly CallValue[] | { readonly [key: string]: CallValue };

export interface Layer {
  readonly className: string;
  readonly name: string;
  readonly config: LayerConfig;
  readonly generation: 2 | 3;
  /** Version of Keras that wrote the file, `2.15.0`. */
  readonly version: string;
}

export interface LayerCall {
  readonly graph: GraphBuilder;
  readonly layer: Layer;
  readonly weights: LayerWeights;
  /** The tensors of the first argument, flattened. Floating ones are float32; integers stay what they are. */
  readonly inputs: readonly KerasTensor[];
  /** The first argument as it was given, with its nesting and constants: operators need it. */
  readonly first: CallValue | undefined;
  /** Positional arguments after the first. */
  readonly args: readonly CallValue[];
  readonly kwargs: { readonly [name: string]: CallValue };
  /**
   * An initializer made from the layer's weights. `make` runs once for a layer that is called several times; `key`
   * tells the initializers of one layer apart.
   */
  constant(key: string, make: () => Tensor): Value;
  /**
   * Calls an inner layer (wrappers): `json` is its `{class_name, config}`, `weights` what `call.weights.child()` gave.
   */
  callInner(json: JsonObject, weights: LayerWeights, inputs: readonly KerasTensor[]): KerasTensor[];
}

export interface LayerConverter {
  /** Keras class names, without package: `Dense`. Most converters have one, tight families several. */
  readonly classNames: readonly string[];
  /**
   * What becomes of the mask of the input. `pass`: the outputs carry the first input's mask (Keras'
   * `supports_masking`); `stop`: they carry none; `own`: the converter sets the masks of its outputs itself.
   */
  readonly masks: 'pass' | 'stop' | 'own';
  /**
   * Options of `config` that the converter honours, or that change no number. Any other is refused. `own`: operators
   * have no options but arguments, and check them themselves.
   */
  readonly options: readonly string[] | 'own';
  /**
   * Names of the arguments of a call after the first that the converter reads, in Keras' order; none unless told. A
   * call with any other is refused; `mask` and `training` are dealt with for every layer alike.
   */
  readonly arguments?: readonly string[];
  /** Whether it takes texts; any other layer that is given some is refused. */
  readonly takesTexts?: boolean;
  /** Whether a call takes the masks off its tensors for good, so that calls after it see none. */
  takesMasks?(layer: Layer): boolean;
  /** Adds the layer's nodes; returns its outputs in Keras' order. */
  convert(call: LayerCall): KerasTensor[];
}

/** The only input of a layer that takes one, cast to float32 as Keras does when it meets float weights. */
export function floatInput(call: LayerCall): KerasTensor {
  const input = singleInput(call);
  return input.dtype === 'float32' ? input : castTensor(call.graph, input, 'float32');
}

export function castTensor(graph: GraphBuilder, tensor: KerasTensor, dtype: DataType): KerasTensor {
  if (tensor.dtype === dtype) return tensor;
  return { ...tensor, value: graph.node('Cast', [tensor.value], { to: onnxTypes[dtype] }), dtype };
}

/** The only input of a layer that takes one. */
export function singleInput(call: LayerCall): KerasTensor {
  const input = call.inputs[0];
  if (input === undefined || call.inputs.length > 1) {
    call.layer.config.refuse(`it takes one tensor and is given ${call.inputs.length}`);
  }
  return input;
}

/** The fixed size of an axis (negative counts from the end); refused when the file leaves it free. */
export function fixedSize(call: LayerCall, tensor: KerasTensor, axis: number): number {
  const size = tensor.shape.at(axis);
  if (size === undefined || size === null) {
    call.layer.config.refuse(`size ${axis} of its input shape (${tensor.shape.join(', ')}) must be fixed`);
  }
  return size;
}

export function isTensor(value: CallValue | undefined): value is KerasTensor {
  return typeof value === 'object' && value !== null && 'value' in value && 'dtype' in value && 'shape' in value;
}

/** The argument at `position` (0 is the first after the inputs), or called `name`. */
export function argument(call: LayerCall, position: number, name: string): CallValue | undefined {
  return call.args[position] ?? call.kwargs[name];
}
