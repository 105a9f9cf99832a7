import { VitrinaError } from '../../errors.js';
import { type GraphBuilder, onnxTypes } from '../graph-builder.js';
import { isObject, type Json, show } from './config.js';
import type { KerasTensor } from './layer.js';

/** What a layer computes in. float16 is computed in float32 and rounded wherever Keras holds a float16. */
export type ComputeType = 'float32' | 'float16';

/** Reads the `dtype` option of a layer: a name, or a policy object of either generation. */
export function readPolicy(layer: string, className: string, dtype: Json): ComputeType {
  let name = dtype;
  if (isObject(name) && isObject(name.config)) name = name.config.name ?? null;
  switch (name) {
    case null:
    case 'float32':
    // Integer layers (inputs, category encodings) say so here and compute nothing in floating point.
    case 'int32':
    case 'int64':
      return 'float32';
    case 'float16':
    case 'mixed_float16':
      return 'float16';
    default:
      throw new VitrinaError('layer-unsupported', {
        layer,
        className,
        why: `its dtype policy ${show(name)} is not float32, float16 or mixed_float16; save the model with one of these`,
      });
  }
}

/** Rounds a float32 tensor to the values that float16 has. */
export function roundToHalf(graph: GraphBuilder, tensor: KerasTensor): KerasTensor {
  if (tensor.dtype !== 'float32') return tensor;
  const half = graph.node('Cast', [tensor.value], { to: onnxTypes.float16 });
  return { ...tensor, value: graph.node('Cast', [half], { to: onnxTypes.float32 }) };
}
