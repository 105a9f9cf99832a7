import { allocate, allocateBriefly, sizeOf } from '../../tensor.js';
import { readTensor } from '../predictions/json-tensors.js';
import { NumberArray, storeNumbers } from '../predictions/number-array.js';
import { decodeRaw, invalid } from './datatypes.js';
import { type ElementSource, isMapping } from './read-request.js';

/** Elements of a request in JSON: its lists, and `raw`, the bytes behind it, in the order of the inputs that claim some. */
export function jsonElements(raw: Uint8Array): ElementSource {
  let at = 0;
  return {
    read(entry, spec, dtype, shape, path) {
      const elements = sizeOf(shape);
      const size = binarySize(entry.parameters, path);
      if (size === undefined) {
        if (entry.data instanceof NumberArray && entry.data.data.length === elements) {
          const data = allocateBriefly(dtype, elements);
          if (storeNumbers({ ...spec, dtype }, entry.data.data, data, 0)) return data;
        }
        const lists = entry.data instanceof NumberArray ? entry.data.toLists() : entry.data;
        if (!Array.isArray(lists)) throw invalid(`${path}.data`, 'expected a list');
        const flat = (lists as unknown[]).flat(Number.POSITIVE_INFINITY);
        if (flat.length !== elements) {
          const message = `has ${flat.length} elements; the shape [${shape.join(', ')}] has ${elements}`;
          throw invalid(`${path}.data`, message);
        }
        if (elements === 0) return allocate(dtype, 0);
        return readTensor({ ...spec, dtype, shape: [null] }, flat, `${path}.data`).data;
      }
      if (entry.data !== undefined) throw invalid(path, 'has both "data" and "binary_data_size"');
      if (at + size > raw.length) {
        const message = `is ${size}; ${raw.length - at} bytes are left behind the JSON`;
        throw invalid(`${path}.parameters.binary_data_size`, message);
      }
      at += size;
      return decodeRaw(dtype, raw.subarray(at - size, at), elements, path);
    },
    finish() {
      if (at !== raw.length) throw invalid('body', `has ${raw.length - at} bytes behind the JSON that no input claims`);
    },
  };
}

function binarySize(parameters: unknown, path: string): number | undefined {
  const size = isMapping(parameters) ? parameters.binary_data_size : undefined;
  if (size === undefined) return undefined;
  if (Number.isSafeInteger(size) && (size as number) >= 0) return size as number;
  throw invalid(`${path}.parameters.binary_data_size`, 'expected a number of bytes');
}
