import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scaleGraph } from '../graphs.js';
import { type StartedApp, startApp } from '../start-app.js';

/** Shared by the data folders of all tests: what one has converted, the next one recalls. */
const cache = mkdtempSync(join(tmpdir(), 'vitrina-management-cache-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));
let folder: string;
let server: StartedApp;
/** An admin's key; it outlives restarts. */
let key: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-management-'));
  const data = mkdtempSync(join(tmpdir(), 'vitrina-management-data-'));
  symlinkSync(cache, join(data, 'cache'));
  server = await startApp([folder], { data });
  key = server.key;
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
  rmSync(server.data, { recursive: true, force: true });
});

const artefact = (factor: number) => Buffer.from(scaleGraph(3, factor).graph);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const drafts = () => readdirSync(join(server.data, 'models/.drafts'));
const kept = (model: string) => readdirSync(join(server.data, 'models', model)).filter((name) => /^\d+$/.test(name));

function send(method: 'PUT' | 'DELETE' | 'POST', url: string, payload?: Buffer, headers: Record<string, string> = {}) {
  const authorization = `Bearer ${key}`;
  return server.app.inject({
    method,
    url,
    headers: {
      authorization,
      ...(payload === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  });
}
const put = (url: string, payload: Buffer, headers: Record<string, string> = {}) => send('PUT', url, payload, headers);

const get = (url: string) => server.app.inject({ url, headers: { authorization: `Bearer ${key}` } });

/** What the model makes of 1, by the version that is asked. */
async function ask(url: string): Promise<number | string> {
  const json = { 'content-type': 'application/json' };
  const response = await send('POST', `${url}/predict`, Buffer.from('{"inputs": {"x": [[1, 1, 1]]}}'), json);
  return response.statusCode === 200 ? response.json().outputs.y[0][0] : response.json().code;
}

function form(parts: Record<string, Buffer | string>): { payload: Buffer; headers: Record<string, string> } {
  const chunks = Object.entries(parts).flatMap(([name, body]) => [
    Buffer.from(`--edge\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ]);
  return {
    payload: Buffer.concat([...chunks, Buffer.from('--edge--\r\n')]),
    headers: { 'content-type': 'multipart/form-data; boundary=edge' },
  };
}

describe('putting a version', { timeout: 120_000 }, () => {
  it('serves it, keeps the one before for a rollback, and gives the next its number', async () => {
    const first = await put('/models/m/versions/3', artefact(2));
    expect(first.statusCode).toBe(201);
    expect(first.headers).toMatchObject({ etag: `"${sha256(artefact(2))}"`, location: '/models/m/versions/3' });
    expect(first.json()).toMatchObject({ model: 'm', version: '3', status: 'ready', sha256: sha256(artefact(2)) });
    expect(await ask('/models/m')).toBe(2);
    const second = await put('/models/m', artefact(5));
    expect(second.json()).toMatchObject({ version: '4', status: 'ready' });
    expect(await ask('/models/m')).toBe(5);
    const described = (await get('/models/m')).json();
    expect(described).toMatchObject({ ready: true, version: '4' });
    expect(described.versions[0]).toMatchObject({ version: '3', status: 'unloaded', sha256: sha256(artefact(2)) });
    // Asked by name it comes back.
    expect(await ask('/models/m/versions/3')).toBe(2);
    expect(drafts()).toEqual([]);
  });

  it('changes nothing for the same bytes, and refuses others under the same number', async () => {
    await put('/models/m/versions/1', artefact(2));
    const again = await put('/models/m/versions/1', artefact(2));
    expect([again.statusCode, again.headers.etag]).toEqual([200, `"${sha256(artefact(2))}"`]);
    expect((await put('/models/m', artefact(2))).statusCode).toBe(200);
    const other = await put('/models/m/versions/1', artefact(3));
    expect([other.statusCode, other.json().code]).toEqual([409, 'version-exists']);
    expect(await ask('/models/m')).toBe(2);
    expect(kept('m')).toEqual(['1']);
  });

  it('checks the digests that the sender names', async () => {
    const bytes = artefact(2);
    const digest = createHash('sha256').update(bytes).digest();
    const wrong = Buffer.alloc(32, 7);
    const good: Record<string, string>[] = [
      { 'x-content-sha256': digest.toString('hex') },
      { 'x-content-sha256': digest.toString('base64') },
      { 'content-digest': `sha-256=:${digest.toString('base64')}:` },
      { 'repr-digest': `md5=:AAAA:, sha-256=:${digest.toString('base64')}:` },
    ];
    for (const headers of good) expect((await put('/models/m', bytes, headers)).statusCode).toBeLessThan(202);
    const bad: [Record<string, string>, string][] = [
      [{ 'x-content-sha256': wrong.toString('hex') }, 'digest-differs'],
      [{ 'content-digest': `sha-256=:${wrong.toString('base64')}:` }, 'digest-differs'],
      [{ 'repr-digest': `sha-512=:${Buffer.alloc(64).toString('base64')}:` }, 'digest-differs'],
      [{ 'x-content-sha256': 'abc' }, 'request-malformed'],
      [{ 'content-digest': 'sha-256=abc' }, 'request-malformed'],
    ];
    for (const [headers, code] of bad) {
      const response = await put('/models/n', bytes, headers);
      expect([response.statusCode, response.json().code]).toEqual([400, code]);
    }
    expect((await get('/models/n')).statusCode).toBe(404);
    expect(drafts()).toEqual([]);
  });

  it('honours If-Match and If-None-Match', async () => {
    const any = { 'if-match': '*' };
    expect((await put('/models/m/versions/1', artefact(2), any)).statusCode).toBe(412);
    expect((await put('/models/m/versions/1', artefact(2), { 'if-none-match': '*' })).statusCode).toBe(201);
    expect((await put('/models/m/versions/1', artefact(2), { 'if-none-match': '*' })).statusCode).toBe(412);
    const tag = `"${sha256(artefact(2))}"`;
    expect((await put('/models/m', artefact(3), { 'if-match': '"other"' })).statusCode).toBe(412);
    expect((await put('/models/m', artefact(3), { 'if-match': tag })).statusCode).toBe(201);
    expect((await put('/models/m', artefact(4), { 'if-match': tag })).statusCode).toBe(412);
    const known = await server.app.inject({
      url: '/models/m/versions/1',
      headers: { authorization: `Bearer ${key}`, 'if-none-match': tag },
    });
    expect([known.statusCode, known.headers.etag]).toEqual([304, tag]);
  });

  it('takes a golden file and settings along, and refuses what fails them', async () => {
    const golden = (y: number) => JSON.stringify({ inputs: { x: [[1, 2, 3]] }, expected: { y: [[y, 2 * y, 3 * y]] } });
    const good = form({
      artefact: artefact(2),
      golden: golden(2),
      'model.yaml': 'labels: [a, b, c]\nplacement: worker',
    });
    const response = await put('/models/m', good.payload, good.headers);
    expect(response.json()).toMatchObject({
      status: 'ready',
      golden: 'passed',
      labels: ['a', 'b', 'c'],
      placement: { kind: 'worker' },
    });
    const bad = form({ artefact: artefact(3), golden: golden(2) });
    const refused = await put('/models/m', bad.payload, bad.headers);
    expect([refused.statusCode, refused.json().code]).toEqual([422, 'golden-differs']);
    expect(await ask('/models/m')).toBe(2);
    expect(kept('m')).toEqual(['1']);
    expect(drafts()).toEqual([]);
    // Settings hold for the next version of the same signature as well.
    expect((await put('/models/m', artefact(3))).json()).toMatchObject({ labels: ['a', 'b', 'c'], golden: 'none' });
  });

  it.each<[string, Record<string, Buffer | string>, number, string]>([
    ['no artefact', { golden: '{}' }, 400, 'request-malformed'],
    ['an empty artefact', { artefact: '' }, 400, 'request-malformed'],
    ['a part that nobody knows', { artefact: artefact(2), weights: 'x' }, 400, 'request-malformed'],
    ['a golden file that is none', { artefact: artefact(2), golden: '[1]' }, 422, 'path-unusable'],
    [
      'a golden file of nothing',
      { artefact: artefact(2), golden: '{"inputs": null, "expected": null}' },
      422,
      'path-unusable',
    ],
    ['settings that name files', { artefact: artefact(2), 'model.yaml': 'artefact: ../x' }, 422, 'model-yaml-invalid'],
    ['settings for another model', { artefact: artefact(2), 'model.yaml': 'name: n' }, 422, 'model-yaml-invalid'],
    ['no model', { artefact: 'not a model' }, 422, 'artefact-unrecognised'],
  ])('leaves nothing of a form with %s', async (_what, parts, status, code) => {
    const { payload, headers } = form(parts);
    const response = await put('/models/m', payload, headers);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
    expect(response.body).not.toContain(server.data);
    expect((await get('/models/m')).statusCode).toBe(404);
    expect(drafts()).toEqual([]);
  });

  it('can wait beside the default, and take over later', async () => {
    await put('/models/m', artefact(2));
    expect((await put('/models/m?default=false', artefact(7))).json()).toMatchObject({ version: '2', status: 'ready' });
    expect([await ask('/models/m'), await ask('/models/m/versions/2')]).toEqual([2, 7]);
    expect((await send('POST', '/models/m/versions/2/default')).json()).toMatchObject({ version: '2', ready: true });
    expect(await ask('/models/m')).toBe(7);
    expect((await put('/models/m?default=maybe', artefact(7))).statusCode).toBe(422);
  });

  it('keeps no more superseded versions than it is told', async () => {
    await server.close();
    server = await startApp([folder], { 'keep-versions': 2, data: server.data });
    for (const factor of [1, 2, 3, 4, 5]) await put('/models/m', artefact(factor));
    expect(kept('m')).toEqual(['3', '4', '5']);
    expect((await get('/models/m')).json().versions.map((one: { version: string }) => one.version)).toEqual([
      '3',
      '4',
      '5',
    ]);
  });

  it('refuses names, numbers, sizes and callers that it must not let in', async () => {
    for (const url of ['/models/-x', '/models/m/versions/0', '/models/m/versions/1e3', '/models/%2e%2e%2fx']) {
      expect((await put(url, artefact(2))).statusCode).toBe(422);
    }
    expect((await put('/models/m', artefact(2), { 'content-encoding': 'gzip' })).statusCode).toBe(415);
    const reader = (await server.post('/keys', { name: 'reader', scopes: ['models:read', 'predict'] })).json().key;
    for (const [method, url] of [
      ['PUT', '/models/m'],
      ['PUT', '/models/m/versions/1'],
      ['DELETE', '/models/m'],
      ['DELETE', '/models/m/versions/1'],
      ['POST', '/models/m/versions/1/default'],
    ] as const) {
      expect((await server.app.inject({ method, url, headers: { 'x-api-key': reader } })).statusCode).toBe(403);
      expect((await server.app.inject({ method, url })).statusCode).toBe(401);
    }
    await server.close();
    server = await startApp([folder], { 'upload-limit': 1024, data: server.data });
    const large = await put('/models/m', Buffer.alloc(2000));
    expect([large.statusCode, large.json().code]).toEqual([413, 'artefact-too-large']);
  });
});

describe('versions of folders and uploads under one name', { timeout: 120_000 }, () => {
  const onPath = (version: string, factor: number) => {
    mkdirSync(join(folder, 'm', version), { recursive: true });
    writeFileSync(join(folder, 'm', version, 'a.onnx'), artefact(factor));
  };

  it('live together, survive a restart, and give way to what is newer', async () => {
    onPath('1', 1);
    onPath('2', 2);
    await server.models.refresh();
    expect(await ask('/models/m')).toBe(2);
    expect((await put('/models/m', artefact(3))).json().version).toBe('3');
    expect((await put('/models/m/versions/2', artefact(2))).statusCode).toBe(200);
    expect((await put('/models/m/versions/2', artefact(9))).statusCode).toBe(409);
    await send('POST', '/models/m/versions/1/default');
    expect([await ask('/models/m'), await ask('/models/m/versions/3')]).toEqual([1, 3]);
    await server.close();
    server = await startApp([folder], { data: server.data });
    expect([await ask('/models/m'), await ask('/models/m/versions/3')]).toEqual([1, 3]);
    onPath('4', 4);
    await server.models.refresh();
    expect(await ask('/models/m')).toBe(4);
  });

  it('are deleted, the files of the owner excepted', async () => {
    onPath('1', 1);
    await server.models.refresh();
    await put('/models/m', artefact(2));
    await put('/models/m', artefact(3));
    const taken = await send('DELETE', '/models/m/versions/3');
    expect([taken.statusCode, taken.json().code]).toEqual([409, 'version-is-default']);
    expect((await send('DELETE', '/models/m/versions/1')).statusCode).toBe(204);
    expect((await send('DELETE', '/models/m/versions/2')).statusCode).toBe(204);
    expect((await send('DELETE', '/models/m/versions/2')).statusCode).toBe(404);
    expect([await ask('/models/m/versions/1'), await ask('/models/m')]).toEqual(['version-not-found', 3]);
    expect(existsSync(join(folder, 'm/1/a.onnx'))).toBe(true);
    await server.models.refresh();
    expect(await ask('/models/m/versions/1')).toBe('version-not-found');
    // The last one takes the model along; its numbers are not given again, unless somebody asks for one.
    expect((await send('DELETE', '/models/m/versions/3')).statusCode).toBe(204);
    expect((await get('/models/m')).statusCode).toBe(404);
    expect((await put('/models/m', artefact(4))).json().version).toBe('4');
    expect((await send('DELETE', '/models/m', undefined, { 'if-match': '"other"' })).statusCode).toBe(412);
    expect((await send('DELETE', '/models/m')).statusCode).toBe(204);
    expect((await send('DELETE', '/models/m')).statusCode).toBe(404);
    expect((await put('/models/m/versions/1', artefact(6))).statusCode).toBe(201);
    expect(await ask('/models/m')).toBe(6);
  });
});
