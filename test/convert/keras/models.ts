import { type KerasModelSource, readKerasArchive, readKerasHdf5 } from '../../../src/convert/keras/index.js';
import type { Hdf5Dataset, Hdf5Group } from '../../../src/formats/hdf5/index.js';
import { openHdf5 } from '../../../src/formats/hdf5/index.js';
import type { JsonObject } from '../../../src/formats/json.js';
import { openKerasArchive } from '../../../src/formats/keras-archive/index.js';

const noAttributes = { names: () => [], has: () => false, get: () => undefined };

/** A tree of HDF5 groups from nested objects; a list of numbers is a float32 vector, `{shape, data}` a tensor. */
export function group(
  members: Record<string, unknown>,
  attributes: Record<string, string | string[]> = {},
  path = '/',
): Hdf5Group {
  return {
    kind: 'group',
    path,
    attributes: {
      names: () => Object.keys(attributes),
      has: (name) => name in attributes,
      get: (name) => attributes[name],
    },
    names: () => Object.keys(members),
    has: (name) => name in members,
    child: (name) => {
      const member = members[name];
      if (member === undefined) return undefined;
      if (typeof member === 'object' && member !== null && 'kind' in member) return member as Hdf5Group;
      if (isTensor(member)) return dataset(member.shape, member.data, `${path}${name}`);
      return group(member as Record<string, unknown>, {}, `${path}${name}/`);
    },
  };
}

function isTensor(value: unknown): value is { shape: number[]; data: number[] } {
  return typeof value === 'object' && value !== null && 'shape' in value && 'data' in value;
}

function dataset(shape: readonly number[], data: readonly number[], path: string): Hdf5Dataset {
  return {
    kind: 'dataset',
    path,
    attributes: noAttributes,
    shape,
    dtype: 'float32',
    read: () => ({ dtype: 'float32', shape, data: Float32Array.from(data) }),
  };
}

/** A Functional model of Keras 3 on one input [batch, …shape]: `layers` in order, the last one is the output. */
export function functional(shape: readonly (number | null)[], ...layers: JsonObject[]): KerasModelSource {
  const input = {
    module: 'keras.layers',
    class_name: 'InputLayer',
    name: 'x',
    config: { name: 'x', batch_shape: [null, ...shape], dtype: 'float32' },
    inbound_nodes: [],
  };
  const architecture = {
    class_name: 'Functional',
    config: {
      name: 'model',
      layers: [input, ...layers],
      input_layers: [['x', 0, 0]],
      output_layers: [[layers.at(-1)!.name!, 0, 0]],
    },
  };
  return { architecture, weights: group({}), texts: new Map(), format: 'keras', version: '3.15.1' };
}

/** An operator of keras.ops, called with `args`, of which `@name` is a tensor of that layer. */
export function operator(className: string, args: readonly unknown[], options: JsonObject = {}): JsonObject {
  const reference = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reference);
    if (typeof value !== 'string' || !value.startsWith('@')) return value;
    return { class_name: '__keras_tensor__', config: { keras_history: [value.slice(1), 0, 0] } };
  };
  return {
    module: 'keras.src.ops.numpy',
    class_name: className,
    name: 'op',
    config: { name: 'op', ...options },
    inbound_nodes: [{ args: args.map(reference), kwargs: {} }],
  } as JsonObject;
}

/** The model in the bytes of a file, of either format. */
export async function openModel(bytes: Uint8Array): Promise<KerasModelSource> {
  const zipped = bytes[0] === 0x50 && bytes[1] === 0x4b;
  return zipped ? readKerasArchive(await openKerasArchive(bytes)) : readKerasHdf5(openHdf5(bytes));
}
