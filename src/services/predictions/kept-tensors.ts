import { copyTensors, type Tensor } from '../../tensor.js';
import type { ReadyVersion } from '../repository/ready-version.js';

type Tensors = Readonly<Record<string, Tensor>>;

/** The inputs of a request as they can be read after it was computed: a worker thread takes the buffers themselves away. */
export function keepInputs({ placement }: ReadyVersion, inputs: Tensors): Tensors {
  return placement === 'worker' ? copyTensors(inputs) : inputs;
}

/** Bytes that tensors hold; texts by their length. */
export function bytesOf(tensors: Tensors): number {
  let bytes = 0;
  for (const name in tensors) {
    const { data } = tensors[name]!;
    if (!Array.isArray(data)) bytes += data.byteLength;
    else for (const text of data) bytes += 2 * text.length + 16;
  }
  return bytes;
}
