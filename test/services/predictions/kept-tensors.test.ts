import { describe, expect, it } from 'vitest';
import { bytesOf, keepInputs } from '../../../src/services/predictions/kept-tensors.js';
import type { ReadyVersion } from '../../../src/services/repository/ready-version.js';
import { copyTensors, type Tensor } from '../../../src/tensor.js';

const inputs: Record<string, Tensor> = {
  x: { dtype: 'int64', shape: [2], data: BigInt64Array.of(1n, 2n) },
  text: { dtype: 'string', shape: [1], data: ['ab'] },
};

describe('kept tensors', () => {
  it('are copies where a thread takes the buffers away, and the same elsewhere', () => {
    expect(keepInputs({ placement: 'inline' } as ReadyVersion, inputs)).toBe(inputs);
    const kept = keepInputs({ placement: 'worker' } as ReadyVersion, inputs);
    expect(kept).toEqual(inputs);
    expect(kept.x!.data).not.toBe(inputs.x!.data);
    expect(copyTensors(inputs).text!.data).not.toBe(inputs.text!.data);
  });

  it('are weighed by their bytes, texts by their length', () => {
    expect(bytesOf(inputs)).toBe(16 + 20);
  });
});
