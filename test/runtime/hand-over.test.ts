import { describe, expect, it } from 'vitest';
import { handOver } from '../../src/runtime/worker-session.js';
import { allocateBriefly, type Tensor } from '../../src/tensor.js';

describe('tensors that change hands', () => {
  it('take no memory along that belongs to others', () => {
    const part = allocateBriefly('float32', 3);
    const neighbour = allocateBriefly('float32', 3);
    part.set([1, 2, 3]);
    neighbour.set([4, 5, 6]);
    const whole = new Float64Array([7, 8]);
    const given: Record<string, Tensor> = {
      part: { dtype: 'float32', shape: [3], data: part },
      whole: { dtype: 'float64', shape: [2], data: whole },
      again: { dtype: 'float64', shape: [2], data: whole },
      texts: { dtype: 'string', shape: [1], data: ['a'] },
    };
    const { tensors, buffers } = handOver(given);
    const taken = structuredClone(tensors, { transfer: buffers });
    expect(taken).toEqual({
      part: { dtype: 'float32', shape: [3], data: new Float32Array([1, 2, 3]) },
      whole: { dtype: 'float64', shape: [2], data: new Float64Array([7, 8]) },
      again: { dtype: 'float64', shape: [2], data: new Float64Array([7, 8]) },
      texts: { dtype: 'string', shape: [1], data: ['a'] },
    });
    expect([...part, ...neighbour]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(whole).toHaveLength(0);
  });
});
