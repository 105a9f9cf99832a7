import { datatypeOf, decodeRaw, invalid } from '../services/open-inference/datatypes.js';
import type { ElementSource } from '../services/open-inference/read-request.js';
import { allocateBriefly, type DataType, sizeOf, type TensorData } from '../tensor.js';
import type { Contents, ContentsField, InferMessage, InputMessage } from './infer-request.js';

/** Where the elements of each type lie when they are not raw; FP16 has no field of its own. */
export const contentsFields: Readonly<Record<DataType, ContentsField | undefined>> = {
  bool: 'bool_contents',
  int8: 'int_contents',
  int16: 'int_contents',
  int32: 'int_contents',
  int64: 'int64_contents',
  uint8: 'uint_contents',
  uint16: 'uint_contents',
  uint32: 'uint_contents',
  uint64: 'uint64_contents',
  float16: undefined,
  float32: 'fp32_contents',
  float64: 'fp64_contents',
  string: 'bytes_contents',
};

/** Types whose field is wider than they are. */
const ranges: Partial<Record<DataType, readonly [number, number]>> = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  uint8: [0, 255],
  uint16: [0, 65_535],
};

/** Elements of a message: its `raw_input_contents`, one for each input, or the typed `contents` of each input. */
export function messageElements({ inputs, raw_input_contents: raw }: InferMessage): ElementSource {
  let next = 0;
  return {
    read(entry, _spec, dtype, shape, path) {
      const { contents } = entry as unknown as InputMessage;
      const elements = sizeOf(shape);
      if (raw.length === 0) return readContents(dtype, contents ?? {}, elements, `${path}.contents`);
      if (contents !== undefined) throw invalid(path, 'has contents beside raw_input_contents; send one of them');
      const bytes = raw[next];
      if (bytes === undefined) {
        throw invalid('raw_input_contents', `has ${raw.length} entries; the ${inputs.length} inputs need one each`);
      }
      return decodeRaw(dtype, bytes, elements, `raw_input_contents[${next++}]`);
    },
    finish() {
      if (next < raw.length) {
        throw invalid('raw_input_contents', `has ${raw.length} entries; the ${inputs.length} inputs need one each`);
      }
    },
  };
}

function readContents(dtype: DataType, contents: Contents, elements: number, path: string): TensorData {
  const field = contentsFields[dtype];
  for (const [other, values] of Object.entries(contents)) {
    if (other === field || values.length === 0) continue;
    const place = field === undefined ? 'raw_input_contents' : field;
    throw invalid(path, `has ${other}; the elements of ${datatypeOf(dtype)} come in ${place}`);
  }
  const values = field === undefined ? [] : (contents[field] ?? []);
  if (values.length !== elements) {
    const place = field ?? 'raw_input_contents';
    throw invalid(path, `has ${values.length} elements in ${place}; the shape has ${elements}`);
  }
  if (dtype === 'string') return values as string[];
  const data = allocateBriefly(dtype, elements);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < elements; i++) data[i] = BigInt(values[i]!);
    return data;
  }
  const range = ranges[dtype];
  for (let i = 0; i < elements; i++) {
    const value = values[i] as number;
    if (range !== undefined && (value < range[0] || value > range[1])) {
      throw invalid(`${path}.${field}[${i}]`, `${value} is outside ${range[0]} to ${range[1]}`);
    }
    (data as Float64Array)[i] = value;
  }
  return data;
}
