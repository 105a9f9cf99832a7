import { readFileSync } from 'node:fs';
import { openSession } from '../../src/runtime/index.js';
import type { Conversion } from '../../src/signature.js';
import type { DataType, Tensor } from '../../src/tensor.js';

/** A tensor as the fixtures store it: NaN and infinities are strings. */
export interface FixtureTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: unknown;
  readonly tolerance?: { readonly abs: number; readonly rel: number };
}

export function readFixture(path: string): { inputs: FixtureTensor[]; outputs: FixtureTensor[] } {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function flatten(data: unknown): number[] {
  const values: number[] = [];
  const walk = (item: unknown): void => {
    if (Array.isArray(item)) for (const inner of item) walk(inner);
    else values.push(typeof item === 'string' ? Number(item) : Number(item));
  };
  walk(data);
  return values;
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

function tensorOf(dtype: DataType, shape: readonly number[], values: number[]): Tensor {
  if (dtype === 'int64') return { dtype, shape, data: BigInt64Array.from(values, BigInt) };
  const array = arrays[dtype as keyof typeof arrays];
  return { dtype, shape, data: array.from(values) };
}

/**
 * Runs a converted model on the inputs of a case, in the order of the model, and returns a sentence for every output
 * that differs from the expected one by more than its tolerance.
 */
export async function differences(conversion: Conversion, folder: string): Promise<string[]> {
  const { inputs } = readFixture(`${folder}/inputs.json`);
  const { outputs } = readFixture(`${folder}/expected.json`);
  const session = await openSession(conversion.graph, 'inline');
  const feeds: Record<string, Tensor> = {};
  conversion.signature.inputs.forEach((spec, i) => {
    const given = inputs.find(({ name }) => name === spec.name) ?? inputs[i];
    if (given === undefined) throw new Error(`the case has no input ${spec.name}`);
    feeds[spec.name] =
      spec.dtype === 'string'
        ? { dtype: 'string', shape: given.shape, data: [given.data].flat(20) as string[] }
        : tensorOf(spec.dtype, given.shape, flatten(given.data));
  });
  const results = await session.run(feeds);
  await session.close();
  const faults: string[] = [];
  for (const [i, expected] of outputs.entries()) {
    const spec = conversion.signature.outputs[i];
    const got = spec === undefined ? undefined : results[spec.name];
    if (spec === undefined || got === undefined) {
      faults.push(`no output ${i} (${expected.name})`);
      continue;
    }
    if (spec.name !== expected.name) faults.push(`output ${i} is called ${spec.name}, not ${expected.name}`);
    if (got.shape.join() !== expected.shape.join()) {
      faults.push(`${expected.name} has shape [${got.shape.join()}], not [${expected.shape.join()}]`);
      continue;
    }
    const { abs, rel } = expected.tolerance ?? { abs: 1e-5, rel: 1e-5 };
    const reference = flatten(expected.data);
    const values = Array.from(got.data as Float32Array, Number);
    let worst = 0;
    reference.forEach((value, j) => {
      const distance = Object.is(values[j], value) || values[j] === value ? 0 : Math.abs(values[j]! - value);
      if (!(distance <= abs + rel * Math.abs(value)))
        worst = Math.max(worst, Number.isNaN(distance) ? Infinity : distance);
    });
    if (worst > 0) faults.push(`${expected.name} differs by up to ${worst}`);
  }
  if (conversion.signature.outputs.length !== outputs.length) {
    faults.push(`${conversion.signature.outputs.length} outputs, not ${outputs.length}`);
  }
  return faults;
}
