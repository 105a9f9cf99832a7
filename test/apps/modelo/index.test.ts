import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import modelo from '../../../src/apps/modelo/index.js';
import { operator } from '../../../src/services/accounts/index.js';
import { scaleGraph } from '../../graphs.js';
import { type StartedApp, startApp } from '../../start-app.js';
import { classifier, regression } from './artefacts.js';

const closers: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

function folderWith(files: Readonly<Record<string, Uint8Array | string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'modelo-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

async function start(
  files: Readonly<Record<string, Uint8Array | string>>,
  settings: Readonly<Record<string, unknown>> = {},
  flags: Readonly<Record<string, unknown>> = { only: 'modelo' },
): Promise<StartedApp> {
  const started = await startApp([folderWith(files)], { ...flags, apps: { modelo: settings } }, [modelo]);
  let open = true;
  const close = started.close;
  const once = async () => {
    if (open) await close();
    open = false;
  };
  closers.push(once);
  return { ...started, close: once };
}

const csv = { 'content-type': 'text/csv' };
const put = ({ app, key }: StartedApp, payload: Uint8Array | string, headers: Record<string, string> = {}, url = '/') =>
  app.inject({
    method: 'PUT',
    url,
    headers: { 'content-type': 'application/octet-stream', 'x-api-key': key, ...headers },
    payload: Buffer.from(payload),
  });
const remove = ({ app, key }: StartedApp, headers: Record<string, string> = {}) =>
  app.inject({ method: 'DELETE', url: '/', headers: { 'x-api-key': key, ...headers } });
const ask = ({ app }: StartedApp, payload: unknown, options: InjectOptions = {}) =>
  app.inject({ method: 'POST', url: '/', ...options, payload: payload as object });

describe('a regression', () => {
  let server: StartedApp;
  beforeAll(async () => {
    server = await start({ 'modelo.onnx': regression() });
  });

  it('is described to anybody', async () => {
    const answer = await server.app.inject('/');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      estimator: 'LinearRegression',
      library: expect.stringMatching(/^vitrina \d/),
      components: ['LinearRegression'],
      features: [
        { name: 'rooms', type: 'number' },
        { name: 'area', type: 'number' },
      ],
      target: 'price',
      version: '1',
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(answer.headers.etag).toBe(`"${answer.json().sha256}.1"`);
    expect(answer.headers.vary).toBe('Accept');
  });

  it('is there at /modelo as well, slash or none', async () => {
    for (const url of ['/modelo', '/modelo/']) {
      expect((await server.app.inject(url)).json().target).toBe('price');
      expect((await ask(server, { rooms: 1, area: 1 }, { url })).json().predict).toBeCloseTo(6, 12);
    }
  });

  it('predicts from numbers and numeric texts', async () => {
    const answer = await ask(server, { rooms: '2', area: 5 });
    expect(answer.statusCode).toBe(200);
    expect(Object.keys(answer.json())).toEqual(['predict']);
    expect(answer.json().predict).toBeCloseTo(20, 12);
  });

  it('gives one prediction a row, in order, for lists and CSV', async () => {
    const expected = [20, 1].map((predict) => ({ predict: expect.closeTo(predict, 12) }));
    expect(
      (
        await ask(server, [
          { rooms: 2, area: 5 },
          { area: 0, rooms: 0 },
        ])
      ).json(),
    ).toEqual(expected);
    expect(
      (
        await ask(server, [
          [2, 5],
          ['0', 0],
        ])
      ).json(),
    ).toEqual(expected);
    expect((await ask(server, [2, 5])).json()).toEqual(expected[0]);
    for (const payload of ['area,rooms\n5,2\n0,0\n', '2,5\r\n0,0\r\n', '\uFEFF"rooms","area"\n2,5\n0,0']) {
      const answer = await ask(server, payload, { headers: csv });
      expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
      const [head, ...values] = answer.body.trimEnd().split('\r\n');
      expect(head).toBe('predict');
      expect(values.map(Number)).toEqual([expect.closeTo(20, 12), expect.closeTo(1, 12)]);
    }
  });

  it('answers in the form that Accept wants', async () => {
    const json = await ask(server, '2,5\n', { headers: { ...csv, accept: 'application/json' } });
    expect(json.json()).toEqual([{ predict: expect.closeTo(20, 12) }]);
    const table = await ask(server, { rooms: 2, area: 5 }, { headers: { accept: 'text/csv;q=0.9, */*;q=0.1' } });
    expect(table.body).toMatch(/^predict\r\n(20|19\.9|20\.0)/);
    const any = await ask(server, { rooms: 2, area: 5 }, { headers: { accept: 'text/html, */*' } });
    expect(any.headers['content-type']).toMatch('application/json');
    for (const accept of ['text/html', 'application/json;q=0', 'image/*']) {
      const refused = await ask(server, { rooms: 2, area: 5 }, { headers: { accept } });
      expect([refused.statusCode, refused.json().detail]).toEqual([
        406,
        expect.stringContaining('application/json or text/csv'),
      ]);
      expect((await server.app.inject({ url: '/', headers: { accept } })).statusCode).toBe(406);
    }
    const described = await server.app.inject({ url: '/', headers: { accept: 'text/csv' } });
    expect(described.body).toContain('features.2.name,area\r\n');
    expect(described.headers.etag).toMatch(/\.csv"$/);
  });

  it.each<[string, unknown, (string | number)[], string]>([
    ['missing', { rooms: 1 }, ['body', 'area'], 'is missing'],
    ['unknown', { rooms: 1, area: 2, garden: 3 }, ['body', 'garden'], 'is unknown; the features are rooms, area'],
    ['no number', { rooms: 'many', area: 2 }, ['body', 'rooms'], 'expected a number, got "many"'],
    ['not in every row', [{ rooms: 1, area: 2 }, { area: 2 }], ['body', 1, 'rooms'], 'is missing'],
    ['too few', [[1, 2], [1]], ['body', 1], 'has 1 values; the model takes 2: rooms, area'],
    ['none', [], ['body'], 'the list is empty; send at least one row'],
    ['no object', '"rooms"', ['body'], 'expected an object with rooms, area, or their values as a list, got "rooms"'],
  ])('refuses features that are %s, by name', async (_what, payload, loc, msg) => {
    const answer = await ask(server, payload, { headers: { 'content-type': 'application/json' } });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().detail[0]).toMatchObject({ loc, msg });
  });

  it.each<[string, unknown, Record<string, string>, number]>([
    ['XML', '<a/>', { 'content-type': 'application/xml' }, 415],
    ['a form', 'rooms=1&area=2', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['bytes of no type', Buffer.from('{}'), {}, 415],
    ['CSV in Latin-1', 'rooms,area\n1,2', { 'content-type': 'text/csv; charset=iso-8859-1' }, 415],
    ['broken JSON', '{"rooms": ', { 'content-type': 'application/json' }, 400],
    ['a key twice', '{"rooms": 1, "rooms": 2, "area": 1}', { 'content-type': 'application/json' }, 400],
    ['broken CSV', 'rooms,area\n1', csv, 400],
    ['a zero byte', 'rooms,area\n\0,1', csv, 400],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0x2c, 0x31]), csv, 400],
  ])('refuses %s', async (_what, payload, headers, status) => {
    const answer = await ask(server, payload, { headers });
    expect([answer.statusCode, typeof answer.json().detail]).toEqual([status, 'string']);
  });

  it('has no probabilities, and no parameter but proba', async () => {
    const rows = { rooms: 1, area: 2 };
    expect((await ask(server, rows, { url: '/?proba=false' })).statusCode).toBe(200);
    for (const [url, name, msg] of [
      ['/?proba=true', 'proba', /no probabilities/],
      ['/?proba=yes', 'proba', /expected true or false/],
      ['/?prova=true', 'prova', /is unknown/],
    ] as const) {
      const answer = await ask(server, rows, { url });
      expect(answer.statusCode).toBe(422);
      expect(answer.json().detail[0]).toMatchObject({ loc: ['body', name], msg: expect.stringMatching(msg) });
    }
  });

  it('answers HEAD, OPTIONS and conditional GET', async () => {
    const { headers } = await server.app.inject('/');
    const head = await server.app.inject({ method: 'HEAD', url: '/' });
    expect([head.statusCode, head.headers.etag, head.body]).toEqual([200, headers.etag, '']);
    const options = await server.app.inject({ method: 'OPTIONS', url: '/' });
    expect([options.statusCode, options.headers.allow]).toEqual([204, 'GET, HEAD, POST, PUT, DELETE, OPTIONS']);
    for (const known of [headers.etag as string, `"x", W/${headers.etag}`, '*']) {
      const answer = await server.app.inject({ url: '/', headers: { 'if-none-match': known } });
      expect([answer.statusCode, answer.body, answer.headers.etag]).toEqual([304, '', headers.etag]);
    }
    expect((await server.app.inject({ url: '/', headers: { 'if-none-match': '"x"' } })).statusCode).toBe(200);
    // The tag of the JSON form is not that of the CSV form.
    const other = { 'if-none-match': headers.etag as string, accept: 'text/csv' };
    expect((await server.app.inject({ url: '/', headers: other })).statusCode).toBe(200);
  });

  it('is changed by administrators alone', async () => {
    const user = await server.accounts.users.create({ username: 'ana', password: 'a long password' }, operator);
    const { accessToken } = await server.accounts.login({
      username: user.username,
      password: 'a long password',
      address: '::1',
    });
    for (const [headers, status] of [
      [{}, 401],
      [{ authorization: 'Bearer x.y.z' }, 401],
      [{ authorization: `Bearer ${accessToken}` }, 403],
    ] as const) {
      for (const method of ['PUT', 'DELETE'] as const) {
        const answer = await server.app.inject({
          method,
          url: '/',
          headers,
          ...(method === 'PUT' ? { payload: Buffer.from('x') } : {}),
        });
        expect(answer.statusCode).toBe(status);
      }
    }
    expect((await server.app.inject('/')).json().version).toBe('1');
  });
});

describe('a classifier', { timeout: 120_000 }, () => {
  it.each<[string, string[], unknown[], string[]]>([
    ['texts', ['low', 'middle', 'high'], ['low', 'high'], ['high', 'low', 'middle']],
    ['whole numbers', ['7', '-1', '3'], [7, 3], ['-1', '3', '7']],
    ['booleans', ['True', 'False', 'True'], [true, true], ['False', 'True']],
  ])('answers labels as they were, %s, and probabilities by name', async (_what, labels, [first, second], classes) => {
    const server = await start({ 'modelo.onnx': classifier(labels) });
    expect((await server.app.inject('/')).json().classes).toEqual(classes);
    expect((await ask(server, { level: 0 })).json()).toEqual({ predict: first });
    const both = (await ask(server, [[0], [22]], { url: '/?proba=true' })).json();
    expect(both.map((row: { predict: unknown }) => row.predict)).toEqual([first, second]);
    for (const { proba } of both) {
      expect(Object.keys(proba).sort()).toEqual([...classes].sort());
      expect(Object.values(proba as Record<string, number>).reduce((sum, value) => sum + value)).toBeCloseTo(1, 12);
    }
    const table = await ask(server, 'level\n0\n', { url: '/?proba=true', headers: csv });
    expect(table.body.split('\r\n')[0]).toBe(`predict,${classes.map((name) => `proba_${name}`).join()}`);
  });
});

describe('replacing the model', { timeout: 120_000 }, () => {
  it('takes over in one step, with a new version and tag, and outlives a restart', async () => {
    const folder = folderWith({ 'modelo.onnx': regression() });
    const data = folderWith();
    const first = await startApp([folder], { data, only: 'modelo' }, [modelo]);
    const before = (await first.app.inject('/')).headers.etag;
    const answer = await put(first, classifier());
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ estimator: 'KNeighborsClassifier', version: '2', target: 'class' });
    expect(answer.headers.etag).not.toBe(before);
    expect((await first.app.inject('/')).json()).toEqual(answer.json());
    expect((await ask(first, { level: 10 })).json()).toEqual({ predict: 'middle' });
    await first.close();

    const second = await startApp([folder], { data, only: 'modelo' }, [modelo]);
    closers.push(second.close);
    expect((await second.app.inject('/')).json()).toEqual(answer.json());
    expect(readdirSync(join(data, 'models/modelo')).sort()).toEqual(['2', 'state.json']);
    expect(readdirSync(join(data, 'models')).filter((name) => !name.startsWith('.'))).toEqual(['modelo']);
  });

  it('by the same bytes changes nothing', async () => {
    const server = await start({ 'modelo.onnx': regression() });
    const before = await server.app.inject('/');
    const again = await put(server, regression());
    expect([again.statusCode, again.json(), again.headers.etag]).toEqual([200, before.json(), before.headers.etag]);
  });

  it.each<[string, Uint8Array | string, RegExp]>([
    ['a pickle that runs a command', "cos\nsystem\n(S'touch PWNED'\ntR.", /os.system/],
    ['a damaged model', regression().slice(0, 200), /./],
    ['a text', 'hello', /The artefact: this is plain text/],
    ['nothing', '', /./],
    ['JSON', '{"feature1": 1}', /JSON document, not a model/],
    ['a graph that ONNX Runtime refuses', scaleGraph().graph.map((byte, i) => (i === 40 ? byte ^ 1 : byte)), /./],
  ])('by %s is refused, and the old one answers on', async (_what, artefact, message) => {
    const server = await start({ 'modelo.onnx': regression() });
    const before = (await server.app.inject('/')).json();
    const answer = await put(server, artefact);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().detail).toMatch(message);
    expect(answer.json().detail).not.toContain(server.data);
    expect((await server.app.inject('/')).json()).toEqual(before);
    expect((await ask(server, { rooms: 2, area: 5 })).statusCode).toBe(200);
    expect(existsSync('PWNED')).toBe(false);
  });

  it('takes what scikit-learn and Keras saved', async () => {
    const server = await start({});
    const examples = join(import.meta.dirname, '../../../examples');
    const demo = join(examples, 'models/modelo/1');
    const pickled = await put(server, readFileSync(join(demo, 'modelo.pkl')));
    expect(pickled.json()).toMatchObject({
      estimator: 'LinearRegression',
      library: 'scikit-learn 1.6.1',
      target: null,
    });
    expect(pickled.json().features[9]).toEqual({ name: 's6', type: 'number' });
    const { inputs, expected } = JSON.parse(readFileSync(join(demo, 'golden.json'), 'utf8'));
    const rows = readFileSync(join(examples, 'modelo/rows.csv'), 'utf8');
    const answer = await ask(server, rows, { headers: { ...csv, accept: 'application/json' } });
    const predicted = answer.json().map((row: { predict: number }) => row.predict);
    for (const [i, value] of predicted.entries()) expect(Math.abs(value / expected.predict[i] - 1)).toBeLessThan(1e-9);
    expect((await ask(server, inputs.X)).json()).toEqual(answer.json());

    const network = await put(server, readFileSync(join(examples, 'models/iris/1/iris.keras')));
    expect(network.json()).toMatchObject({ estimator: 'keras.Model', version: '2' });
    expect(network.json().features.map(({ name }: { name: string }) => name)).toEqual([
      'feature1',
      'feature2',
      'feature3',
      'feature4',
    ]);
    const { predict } = (
      await ask(server, { feature1: '5.1', feature2: '3.5', feature3: '1.4', feature4: '0.2' })
    ).json();
    expect(predict[0]).toBeGreaterThan(0.9);

    const sequence = await put(server, readFileSync(join(examples, 'models/shock/1/LSTM.h5')));
    expect([sequence.statusCode, sequence.json().detail]).toEqual([
      422,
      expect.stringMatching(/rows of features.*float32\[\?, 20, 9\]/),
    ]);
  });

  it('by a model that takes no rows of features is refused', async () => {
    const server = await start({ 'modelo.onnx': regression() });
    const { app, key } = server;
    const images = await readImageModel();
    const answer = await app.inject({
      method: 'PUT',
      url: '/',
      headers: { 'x-api-key': key, 'content-type': 'application/octet-stream' },
      payload: images,
    });
    expect([answer.statusCode, answer.json().detail]).toEqual([
      422,
      expect.stringMatching(/does not take rows of features/),
    ]);
    expect((await app.inject('/')).json().version).toBe('1');
  });

  it('keeps to If-Match and If-None-Match', async () => {
    const server = await start({ 'modelo.onnx': regression() });
    const { etag } = (await server.app.inject('/')).headers as { etag: string };
    const table = (await server.app.inject({ url: '/', headers: { accept: 'text/csv' } })).headers as { etag: string };
    expect((await put(server, regression(2), { 'if-match': '"x"' })).statusCode).toBe(412);
    expect((await put(server, regression(2), { 'if-match': `W/${etag}` })).statusCode).toBe(412);
    expect((await put(server, regression(2), { 'if-none-match': '*' })).statusCode).toBe(412);
    expect((await remove(server, { 'if-match': '"x"' })).json().detail).toContain(etag);
    expect((await put(server, regression(2), { 'if-match': `"x", ${etag}` })).json().version).toBe('2');
    expect((await put(server, regression(3), { 'if-match': table.etag })).statusCode).toBe(412);
    expect((await put(server, regression(3), { 'if-match': '*' })).json().version).toBe('3');
    // Of several that saw the same model one wins.
    const seen = (await server.app.inject('/')).headers.etag as string;
    const answers = await Promise.all([4, 5, 6].map((factor) => put(server, regression(factor), { 'if-match': seen })));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 412, 412]);
  });

  it('refuses what plainly is something else, and what is too large', async () => {
    const server = await start({ 'modelo.onnx': regression() }, { 'max-bytes': 2000 });
    for (const type of ['multipart/form-data; boundary=x', 'text/csv', 'image/png']) {
      expect((await put(server, regression(2), { 'content-type': type })).statusCode).toBe(415);
    }
    expect((await put(server, new Uint8Array(2001))).statusCode).toBe(413);
    expect((await put(server, regression(2), { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(
      200,
    );
    await server.app.listen({ port: 0, host: '127.0.0.1' });
    // Without a length, the limit is found on the way.
    expect(await sendInPieces(server, 100, 1000)).toBe(413);
    expect(await sendInPieces(server, 3, 1000, 1)).toBe('broken off');
    await expect.poll(() => readdirSync(join(server.data, 'models/.drafts'))).toEqual([]);
    expect((await server.app.inject('/')).json().version).toBe('2');
  });

  it('fails nobody who asks meanwhile', async () => {
    const server = await start({ 'modelo.onnx': regression() });
    const answers: number[] = [];
    let going = true;
    const asking = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (going) answers.push((await ask(server, { rooms: 1, area: 1 })).statusCode);
      }),
    );
    for (const factor of [2, 3, 7]) expect((await put(server, regression(factor))).statusCode).toBe(200);
    going = false;
    await asking;
    expect(answers.length).toBeGreaterThan(10);
    expect(new Set(answers)).toEqual(new Set([200]));
    expect((await ask(server, { rooms: 1, area: 1 })).json().predict).toBeCloseTo(42, 10);
  });
});

describe('removing the model', { timeout: 120_000 }, () => {
  it('leaves nothing to describe or ask until the next PUT, restarts included', async () => {
    const folder = folderWith({ 'modelo.onnx': regression() });
    const data = folderWith();
    const first = await startApp([folder], { data, only: 'modelo' }, [modelo]);
    const removed = await remove(first);
    expect([removed.statusCode, removed.body]).toEqual([204, '']);
    for (const answer of [await first.app.inject('/'), await ask(first, { rooms: 1, area: 1 }), await remove(first)]) {
      expect([answer.statusCode, answer.json().detail]).toEqual([404, expect.stringContaining('PUT an artefact')]);
    }
    expect((await put(first, regression(2), { 'if-match': '*' })).statusCode).toBe(412);
    await first.close();

    const second = await startApp([folder], { data, only: 'modelo' }, [modelo]);
    expect((await second.app.inject('/')).statusCode).toBe(404);
    await second.models.refresh();
    expect((await second.app.inject('/')).statusCode).toBe(404);
    const again = await put({ ...second, key: first.key }, regression(2), { 'if-none-match': '*' });
    expect([again.statusCode, again.json().version]).toEqual([200, '2']);
    await second.close();
  });
});

describe('other ways to run it', { timeout: 120_000 }, () => {
  it('takes the only model there is when it is served alone, and replaces that', async () => {
    const server = await start({ 'houses.onnx': regression() });
    expect((await server.app.inject('/')).json().target).toBe('price');
    expect((await put(server, classifier())).json()).toMatchObject({ version: '2', target: 'class' });
    expect(server.models.names()).toEqual(['houses']);
    expect((await remove(server)).statusCode).toBe(204);
    expect((await server.app.inject('/')).statusCode).toBe(404);
    expect((await put(server, classifier())).statusCode).toBe(200);
    expect(server.models.names()).toEqual(['modelo']);
  });

  it('starts without a model', async () => {
    const server = await start({});
    expect((await server.app.inject('/modelo')).statusCode).toBe(404);
    expect((await put(server, regression())).json().version).toBe('1');
  });

  it('beside the platform is at /modelo, and opens no other model', async () => {
    const server = await start({ 'houses.onnx': regression() }, {}, {});
    expect((await server.app.inject('/modelo')).statusCode).toBe(404);
    const answer = await put(server, classifier(), {}, '/modelo/');
    expect(answer.statusCode).toBe(200);
    expect((await server.app.inject('/modelo')).json().target).toBe('class');
    expect((await ask(server, { level: 0 }, { url: '/modelo' })).json()).toEqual({ predict: 'low' });
    expect((await server.get('/models/modelo')).json().version).toBe('1');
    const { paths } = (await server.get('/openapi.json')).json();
    expect(Object.keys(paths['/modelo'])).toEqual(['get', 'post', 'put', 'delete']);
  });

  it('asks for a key where the setting says so', async () => {
    const server = await start({ 'modelo.onnx': regression() }, { predict: 'key' });
    expect((await ask(server, { rooms: 1, area: 1 })).statusCode).toBe(401);
    expect((await server.post('/', { rooms: 1, area: 1 })).statusCode).toBe(200);
    expect((await server.app.inject('/')).statusCode).toBe(200);
  });

  it('has an example that works', async () => {
    const server = await start({ 'modelo.onnx': regression() });
    const { paths } = (await server.app.inject('/openapi.json')).json();
    const { content } = paths['/'].post.requestBody;
    for (const [type, { example }] of Object.entries<{ example: unknown }>(content)) {
      expect((await ask(server, example, { headers: { 'content-type': type } })).statusCode).toBe(200);
    }
    expect(Object.keys(content)).toEqual(['application/json', 'text/csv']);
  });

  it.each([
    [{ predict: 'all' }, /apps\.modelo\.predict is "all"; expected public or key/],
    [{ 'max-bytes': 10 }, /apps\.modelo\.max-bytes is 10/],
    [{ maxBytes: 10 }, /no setting "apps\.modelo\.maxBytes"/],
  ])('refuses the settings %j', async (settings, message) => {
    await expect(start({}, settings)).rejects.toThrow(message);
  });
});

async function readImageModel(): Promise<Buffer> {
  const { GraphBuilder } = await import('../../../src/convert/index.js');
  const graph = new GraphBuilder('images');
  const x = graph.input({ name: 'x', dtype: 'float32', shape: [null, 4, 4] });
  graph.output({ name: 'y', dtype: 'float32', shape: [null, 4, 4] }, graph.node('Relu', [x]));
  return Buffer.from(graph.build());
}

/** PUT without a length; `breakAfter` pieces the sender hangs up. */
function sendInPieces(server: StartedApp, pieces: number, size: number, breakAfter?: number): Promise<number | string> {
  const { port } = server.app.server.address() as AddressInfo;
  return new Promise((resolve) => {
    const headers = { 'x-api-key': server.key, 'content-type': 'application/octet-stream' };
    const request = httpRequest({ port, method: 'PUT', path: '/', headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.on('error', () => resolve('broken off'));
    const send = (piece: number): void => {
      if (piece === breakAfter) request.destroy();
      else if (piece === pieces) request.end();
      else request.write(Buffer.alloc(size), () => setTimeout(send, 5, piece + 1));
    };
    send(0);
  });
}
