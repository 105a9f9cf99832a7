import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupGraph, scaleGraph, sumGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { keyed, type StartedGrpc, startGrpc } from './start-grpc.js';

let grpc: StartedGrpc;
beforeAll(async () => {
  grpc = await startGrpc([folderOf({ scale: scaleGraph(3), sum: sumGraph(), lookup: lookupGraph() })]);
});
afterAll(() => grpc.close());

const typed = (values: readonly number[]) => ({ fp32_contents: values });
const scale = { name: 'x', datatype: 'FP32', shape: [1, 3], contents: typed([1, 2, 3]) };

describe('unary calls', () => {
  it('infer', async () => {
    const answer = await grpc.ask('ModelInfer', { model_name: 'scale', id: 'mine', inputs: [scale] });
    expect(answer).toMatchObject({ model_name: 'scale', model_version: '1', id: 'mine', raw_output_contents: [] });
    expect(answer.outputs[0]).toMatchObject({ name: 'y', datatype: 'FP32', shape: ['1', '3'] });
    expect(answer.outputs[0].contents.fp32_contents).toEqual([2, 4, 6]);
  });
  it('refuse', async () => {
    const error = await grpc.fail('ModelInfer', { model_name: 'scale', inputs: [{ ...scale, name: 'z' }] });
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toContain('the inputs are x');
    expect(error.metadata.get('vitrina-code')).toEqual(['request-invalid']);
    expect((await grpc.fail('ModelMetadata', { name: 'scale' }, keyed('x'))).code).toBe(status.UNAUTHENTICATED);
  });
});
