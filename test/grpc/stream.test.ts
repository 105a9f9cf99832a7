/** `ModelStreamInfer`: order, errors inside the stream, backpressure, and the end of it. */
import { connect } from 'node:http2';
import { type ClientDuplexStream, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupGraph, scaleGraph } from '../graphs.js';
import { folderOf } from '../start-app.js';
import { keyed, type Message, type StartedGrpc, startGrpc } from './start-grpc.js';

let grpc: StartedGrpc;
beforeAll(async () => {
  grpc = await startGrpc([folderOf({ scale: scaleGraph(3), lookup: lookupGraph() })]);
});
afterAll(() => grpc.close());

const request = (id: number, model = 'scale') => ({
  model_name: model,
  id: `${id}`,
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3] }],
  raw_input_contents: [Buffer.from(Float32Array.of(id, 0, 0).buffer)],
});

type Stream = ClientDuplexStream<Message, Message>;
const open = (metadata = grpc.admin): Stream => grpc.client().ModelStreamInfer(metadata);

/** What a stream gave, and how it ended. */
function collect(stream: Stream): Promise<{ answers: Message[]; error: ServiceError | undefined }> {
  const answers: Message[] = [];
  return new Promise((resolve) => {
    stream.on('data', (answer) => answers.push(answer));
    stream.on('end', () => resolve({ answers, error: undefined }));
    stream.on('error', (error: ServiceError) => resolve({ answers, error }));
  });
}

const first = (answer: Message): number => answer.infer_response.raw_output_contents[0].readFloatLE(0);

describe('a stream', () => {
  it('answers in the order of its requests, thousands of them, some of which computed together', async () => {
    const stream = open();
    const collected = collect(stream);
    for (let id = 0; id < 3_000; id++) stream.write(request(id));
    stream.end();
    const { answers, error } = await collected;
    expect(error).toBeUndefined();
    expect(answers.map(({ infer_response }) => infer_response.id)).toEqual(
      Array.from({ length: 3_000 }, (_, i) => `${i}`),
    );
    expect(answers.map(first)).toEqual(Array.from({ length: 3_000 }, (_, i) => 2 * i));
    const [statistics] = (await grpc.ask('ModelStatistics', { name: 'scale' })).model_stats;
    expect(Number(statistics.execution_count)).toBeLessThan(Number(statistics.inference_count));
  });

  it('tells of a request that fails, and goes on', async () => {
    const stream = open();
    const collected = collect(stream);
    stream.write(request(1));
    stream.write(request(2, 'absent'));
    stream.write({ ...request(3), raw_input_contents: [] });
    stream.write(request(4));
    stream.end();
    const { answers, error } = await collected;
    expect(error).toBeUndefined();
    expect(answers.map(({ error_message }) => error_message)).toEqual([
      '',
      expect.stringContaining('no model "absent"'),
      expect.stringContaining('0 elements'),
      '',
    ]);
    expect(answers.map(({ infer_response }) => infer_response.id)).toEqual(['1', '2', '3', '4']);
  });

  it('ends with the status of the first that fails, when it asked for that', async () => {
    const metadata = keyed(grpc.started.key);
    metadata.set('triton_grpc_error', 'true');
    const stream = open(metadata);
    const collected = collect(stream);
    stream.write(request(1));
    stream.write(request(2, 'absent'));
    const { answers, error } = await collected;
    expect(answers.map(first)).toEqual([2]);
    expect(error?.code).toBe(status.NOT_FOUND);
    expect(error?.metadata.get('vitrina-code')).toEqual(['model-not-found']);
  });

  it('marks the last answer to a request, when it asked for that', async () => {
    const stream = open();
    const collected = collect(stream);
    stream.write({ ...request(1), parameters: { triton_enable_empty_final_response: { bool_param: true } } });
    stream.end();
    const [answer] = (await collected).answers;
    expect(answer.infer_response.parameters.triton_final_response.bool_param).toBe(true);
  });

  it('needs a key that may predict, and ends with it', async () => {
    expect((await collect(open(new Metadata()))).error?.code).toBe(status.UNAUTHENTICATED);
    const { accounts } = grpc.started;
    const [admin] = await accounts.users.list('operator');
    const reader = await accounts.keys.create({ userId: admin!.id, scopes: ['models:read'] }, 'operator');
    expect((await collect(open(keyed(reader.key)))).error?.code).toBe(status.PERMISSION_DENIED);
    const key = await accounts.keys.create({ userId: admin!.id, scopes: ['predict'] }, 'operator');
    const stream = open(keyed(key.key));
    const collected = collect(stream);
    stream.write(request(1));
    await new Promise((answered) => stream.once('data', answered));
    await accounts.keys.revoke(key.id, 'operator');
    stream.write(request(2));
    const { answers, error } = await collected;
    expect(answers).toHaveLength(1);
    expect(error?.code).toBe(status.UNAUTHENTICATED);
  });

  it('reads no further from a caller that never reads', { timeout: 60_000 }, async () => {
    const session = connect(`http://${grpc.address}`);
    session.on('error', () => undefined);
    const call = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelStreamInfer',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...grpc.admin.getMap(),
    });
    call.on('error', () => undefined);
    call.pause();
    const large = { ...request(1), inputs: [{ ...request(1).inputs[0], shape: [9_000, 3] }] };
    large.raw_input_contents = [Buffer.alloc(9_000 * 12)];
    const message = (grpc.client() as Message).constructor.service.ModelStreamInfer.requestSerialize(large) as Buffer;
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    const frame = Buffer.concat([head, message]);
    let written = 0;
    const accepted = () => new Promise((resolve) => call.write(frame, () => resolve(true)));
    const patience = () => new Promise((resolve) => setTimeout(resolve, 3_000, false));
    while (written < 2_000 && (await Promise.race([accepted(), patience()]))) written++;
    // What may be under way in the server, and what the windows and sockets between hold.
    expect(written * frame.length).toBeLessThan(64 * 2 ** 20);
    call.destroy();
    session.destroy();
  });
});
