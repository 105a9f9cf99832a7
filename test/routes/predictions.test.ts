import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupGraph, scaleGraph, sumGraph, wideGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

let started: StartedApp;
beforeAll(async () => {
  const folder = folderOf({ scale: scaleGraph(), sum: sumGraph(), lookup: lookupGraph() });
  started = await startApp([folder], { 'max-rows': 1000 });
});
afterAll(() => started.close());

const predict = (body: unknown, model = 'scale') => started.post(`/models/${model}/predict`, body);

describe('POST /models/{name}/predict', () => {
  it('answers in the form of the question', async () => {
    expect((await predict({ inputs: { x: [[1, 2, 3]] } })).json()).toEqual({
      model: 'scale',
      version: '1',
      outputs: { y: [[2, 4, 6]] },
    });
    expect((await predict({ x: [1, 2, 3] })).json()).toEqual({ y: [2, 4, 6] });
    expect((await predict([{ x: [1, 2, 3] }, { x: [4, 5, 6] }])).json()).toEqual([
      { y: [2, 4, 6] },
      { y: [8, 10, 12] },
    ]);
    const versioned = await started.post('/models/scale/versions/1/predict', { x: [1, 2, 3] });
    expect(versioned.json()).toEqual({ y: [2, 4, 6] });
    expect((await started.post('/models/scale/predict/', { x: [1, 2, 3] })).statusCode).toBe(200);
  });

  it('writes no more values as text than a body holds, and raw ones all the same', async () => {
    const wide = await startApp([folderOf({ wide: { graph: wideGraph(5000) } })], { 'body-limit': 20_000 });
    const ask = (url: string, body: unknown, accept = 'application/json') =>
      wide.app.inject({ method: 'POST', url, headers: { 'x-api-key': wide.key, accept }, payload: body as object });
    const rows = (count: number) => ({ inputs: { x: Array.from({ length: count }, () => [1]) } });
    const url = '/models/wide/predict';
    expect((await ask(url, rows(2))).json().outputs.y[1]).toHaveLength(5000);
    for (const accept of ['application/json', 'text/csv']) {
      const refused = await ask(url, rows(3), accept);
      expect([refused.statusCode, refused.json().code]).toEqual([422, 'answer-too-large']);
    }
    expect((await ask(url, rows(3), 'application/vnd.apache.arrow.stream')).statusCode).toBe(200);
    const x = { name: 'x', shape: [3, 1], datatype: 'FP32', data: [1, 1, 1] };
    const infer = '/v2/models/wide/infer';
    expect((await ask(infer, { inputs: [x] })).json().error).toMatch(/15000 values, and at most 10000/);
    const raw = { inputs: [x], outputs: [{ name: 'y', parameters: { binary_data: true } }] };
    expect((await ask(infer, raw)).statusCode).toBe(200);
    await wide.close();
  });

  it('gives each of many simultaneous callers its own numbers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -999, max: 999 }), { minLength: 2, maxLength: 40 }),
        async (values) => {
          const answers = await Promise.all(values.map((v) => predict({ inputs: { x: [[v, 0, 1]] } })));
          answers.forEach((answer, i) => {
            expect(answer.json().outputs.y).toEqual([[values[i]! * 2 + 0, 0, 2]]);
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  it.each([
    ['a wrong type', { inputs: { x: [[1, '2', 3]] } }, 422, 'inputs.x[0][1]: expected a number, got "2"'],
    ['a boolean', { inputs: { x: [[1, true, 3]] } }, 422, 'inputs.x[0][1]: expected a number, got true'],
    ['too few columns', { inputs: { x: [[1, 2]] } }, 422, 'inputs.x[0]: expected 3 elements, got 2'],
    ['no rows', { inputs: { x: [] } }, 422, 'the list is empty'],
    ['no rows at all', [], 422, 'the list is empty; send at least one row'],
    ['a missing input', { inputs: {} }, 422, 'inputs.x: is missing'],
    ['an unknown input', { inputs: { x: [[1, 2, 3]], z: 1 } }, 422, 'inputs.z: is unknown; the inputs are x'],
    ['an unknown field', { inputs: { x: [[1, 2, 3]] }, z: 1 }, 422, 'z: is unknown'],
    ['an unknown field of a row', [{ x: [1, 2, 3], z: 1 }], 422, '[0].z: is unknown'],
    ['a number', 5, 422, 'expected an object'],
    ['null', 'null', 422, 'expected an object'],
    ['NaN', '{"inputs": {"x": [[1, NaN, 3]]}}', 400, 'NaN is not a JSON value'],
    ['an infinity in disguise', '{"inputs": {"x": [[1, 1e999, 3]]}}', 422, 'out of the type'],
    ['duplicated keys', '{"inputs": {"x": [[1, 2, 3]], "x": [[4, 5, 6]]}}', 400, 'the key "x" twice in inputs'],
    ['deep nesting', `{"inputs": {"x": ${'['.repeat(5000)}${']'.repeat(5000)}}}`, 400, 'nested deeper than 100 levels'],
    ['truncated JSON', '{"inputs": {"x": [[1, 2', 400, 'not JSON'],
    ['nothing', '', 400, 'it is empty'],
    [
      '10^5 rows',
      { inputs: { x: Array.from({ length: 100_000 }, () => [1, 2, 3]) } },
      413,
      '100000 rows, over the limit of 1000',
    ],
    ['10 MB', `{"inputs": {"x": [[${'1,'.repeat(5_000_000)}1]]}}`, 413, 'larger than 8388608 bytes'],
    ['a prototype', '{"__proto__": {"inputs": 1}, "x": [1, 2, 3]}', 422, '__proto__: is unknown'],
  ])('refuses %s by its name', async (_name, body, status, words) => {
    const answer = await predict(body);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json().detail).toContain(words);
    expect(answer.body).not.toMatch(/\bat .*\.(js|ts):\d/);
  });

  it('names what ONNX Runtime refuses', async () => {
    const answer = await predict({ inputs: { i: [[99]] } }, 'lookup');
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'runtime-rejected']);
    expect((await predict({ inputs: { i: [[2]] } }, 'lookup')).json().outputs).toEqual({ y: [[20]] });
  });

  it('outlives a compressed body that is damaged behind the limit', async () => {
    const damaged = gzipSync(Buffer.alloc(9 * 2 ** 20));
    damaged[damaged.length - 6]! ^= 0xff;
    const answer = await started.post('/models/scale/predict', damaged, { 'content-encoding': 'gzip' });
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'body-too-large']);
    // A fault that nobody listens for would come now, and end the process.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await started.post('/models/scale/predict', { x: [1, 2, 3] })).statusCode).toBe(200);
  });

  it('says which media types it reads', async () => {
    const xml = await started.post('/models/scale/predict', '<x/>', { 'content-type': 'text/xml' });
    expect([xml.statusCode, xml.json().code]).toEqual([415, 'body-media-type']);
    const zipped = gzipSync('{"x": [1, 2, 3]}');
    const send = (encoding: string, body = zipped) =>
      started.post('/models/scale/predict', body, { 'content-encoding': encoding });
    expect((await send('gzip')).json()).toEqual({ y: [2, 4, 6] });
    expect((await send('gzip', Buffer.from('{}'))).statusCode).toBe(400);
    expect((await send('gzip', gzipSync(`[${' '.repeat(9 * 2 ** 20)}]`))).statusCode).toBe(413);
    const unknown = await send('compress');
    expect([unknown.statusCode, unknown.json().code]).toEqual([415, 'body-encoding']);
  });

  it('knows no model or version that is not there', async () => {
    const model = await predict({}, 'nothing');
    expect([model.statusCode, model.json().detail]).toEqual([
      404,
      expect.stringContaining('the models are lookup, scale, sum'),
    ]);
    const version = await started.post('/models/scale/versions/7/predict', {});
    expect([version.statusCode, version.json().code]).toEqual([404, 'version-not-found']);
  });

  it('needs a key with the scope predict', async () => {
    const bare = await started.app.inject({ method: 'POST', url: '/models/scale/predict', payload: {} });
    expect([bare.statusCode, bare.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect((await started.app.inject({ url: '/models' })).statusCode).toBe(401);
  });

  it('never answers 5xx, whatever the body', async () => {
    const leaf = fc.oneof(fc.double(), fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.constant({}));
    const value = fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(leaf, { maxLength: 4 }),
      fc.array(fc.array(leaf, { maxLength: 4 }), { maxLength: 4 }),
    );
    const body = fc.oneof(
      fc.jsonValue(),
      fc.record({ inputs: fc.dictionary(fc.constantFrom('x', 'i', 'z', '__proto__', 'constructor'), value) }),
      fc.array(fc.dictionary(fc.constantFrom('x', 'i', 'toString', '__proto__'), value), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('x', 'i', 'inputs'), value),
    );
    const mutated = fc.tuple(body, fc.nat(), fc.string({ maxLength: 3 })).map(([json, at, text]) => {
      const whole = JSON.stringify(json);
      const cut = at % (whole.length + 1);
      return whole.slice(0, cut) + text + whole.slice(cut + text.length);
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(body, mutated), fc.constantFrom('scale', 'sum', 'lookup'), async (sent, model) => {
        const answer = await predict(typeof sent === 'string' ? sent : JSON.stringify(sent), model);
        expect(answer.statusCode).toBeLessThan(500);
        if (answer.statusCode !== 200) {
          const { detail, code } = answer.json();
          expect(detail.length).toBeGreaterThan(10);
          expect(code).toMatch(/^[a-z-]+$/);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

describe('around the predictions', () => {
  it('every answer carries an id and a time', async () => {
    for (const url of ['/livez', '/nowhere', '/models']) {
      const { headers } = await started.get(url);
      expect(headers['x-request-id']).toMatch(/^[\w.:-]+$/);
      expect(Number(headers['x-process-time'])).toBeGreaterThanOrEqual(0);
    }
    const own = await started.app.inject({ url: '/livez', headers: { 'x-request-id': 'abc-1' } });
    expect(own.headers['x-request-id']).toBe('abc-1');
    const forged = await started.app.inject({ url: '/livez', headers: { 'x-request-id': 'a b\u0007' } });
    expect(forged.headers['x-request-id']).not.toContain(' ');
  });

  it('describes models and versions', async () => {
    const { models } = (await started.get('/models')).json();
    expect(models.map(({ name }: { name: string }) => name)).toEqual(['lookup', 'scale', 'sum']);
    const view = (await started.get('/models/scale/versions/1')).json();
    expect(view).toMatchObject({
      status: 'ready',
      signature: { inputs: [{ name: 'x', dtype: 'float32', shape: [-1, 3] }] },
      placement: { kind: 'inline' },
      golden: 'none',
    });
    expect((await started.get('/models/scale/versions/9')).statusCode).toBe(404);
    expect((await started.get('/models/nothing')).statusCode).toBe(404);
  });

  it('documents every model with an example that works', async () => {
    const document = (await started.get('/openapi.json')).json();
    const paths = Object.keys(document.paths).filter((path) => path.endsWith('/predict'));
    expect(paths).toHaveLength(6);
    for (const path of paths) {
      const { example, schema } = document.paths[path].post.requestBody.content['application/json'];
      expect(schema.oneOf).toHaveLength(3);
      expect((await started.post(path, example)).statusCode).toBe(200);
    }
    expect((await started.get('/docs')).statusCode).toBe(200);
  });

  it('answers 404 as a problem', async () => {
    const answer = await started.get('/nowhere?x=1');
    expect(answer.json()).toMatchObject({
      code: 'route-not-found',
      status: 404,
      detail: expect.stringContaining('/nowhere;'),
    });
  });
});
