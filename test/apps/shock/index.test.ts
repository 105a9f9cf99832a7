import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateWard, states, type WardPatient } from '../../../examples/shock/ward.js';
import { buildApp } from '../../../src/app.js';
import type { PredictionOut } from '../../../src/apps/shock/answer.js';
import shock from '../../../src/apps/shock/index.js';
import { exampleBody } from '../../../src/apps/shock/schemas.js';
import { resolveConfig } from '../../../src/config.js';
import { createLogger } from '../../../src/log.js';
import { createAccounts } from '../../../src/services/accounts/index.js';
import { ServerJobs } from '../../../src/services/jobs/server-jobs.js';
import { PredictionService } from '../../../src/services/predictions/prediction-service.js';
import { UsageLedger } from '../../../src/services/quotas/index.js';
import { ModelRepository } from '../../../src/services/repository/model-repository.js';
import { noSiblings } from '../../../src/services/siblings.js';
import { openDatabase } from '../../../src/storage/index.js';

const demo = fileURLToPath(new URL('../../../examples/models/shock', import.meta.url));
const closers: (() => Promise<void> | void)[] = [];

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'shock-app-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The real thing: database, conversion, ONNX Runtime, accounts; only the socket is left out. */
async function startApp(
  model: string,
  settings: Record<string, unknown> = {},
  only: 'shock' | null = 'shock',
  more: Record<string, unknown> = {},
) {
  const data = temporaryFolder();
  const config = resolveConfig({
    flags: { data, ...(only === null ? {} : { only }), apps: { shock: { 'log-stdout': false, ...settings } }, ...more },
    env: {},
    folder: data,
  });
  const storage = await openDatabase({ path: ':memory:' });
  const accounts = await createAccounts({ storage, settings: { passwordMinimum: 8 } });
  const models = new ModelRepository({ paths: [model], cacheFolder: join(data, 'cache'), maxQueueRows: 20_000 });
  await models.refresh();
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await app?.close();
    await models.close();
    await storage.close();
  };
  closers.unshift(close);
  let app: FastifyInstance | undefined;
  app = await buildApp(
    config,
    {
      models,
      predictions: new PredictionService(models, config['max-rows']),
      accounts,
      usage: new UsageLedger(storage),
      storage,
      jobs: new ServerJobs(config, storage, createLogger('silent')),
      siblings: noSiblings,
      log: createLogger('silent'),
    },
    [shock],
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, url, accounts, close, log: () => readFileSync(join(data, 'shock', 'app.log'), 'utf8') };
}

async function logIn(app: FastifyInstance, prefix = ''): Promise<string> {
  const user = { username: 'CPS_DAVID_PEREZ_DEV', password: 'UIS@123FCV' };
  await app.inject({ method: 'POST', url: `${prefix}/auth/create_user`, payload: user });
  const answer = await app.inject({ method: 'POST', url: `${prefix}/auth/token`, payload: user });
  return (answer.json() as { access_token: string }).access_token;
}

afterAll(async () => {
  for (const close of closers) await close();
});

const ward = generateWard({ patients: 24, seed: 11 });

describe('the app alone at /, as the client of the original meets it', () => {
  let app: FastifyInstance;
  let log: () => string;
  let close: () => Promise<void>;
  let token: string;
  const ask = (options: InjectOptions) =>
    app.inject({ ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });
  const predict = (payload: unknown) => ask({ method: 'POST', url: '/predict', payload: payload as object });

  beforeAll(async () => {
    ({ app, log, close } = await startApp(demo));
    token = await logIn(app);
  });

  it('creates a user: 201 and nothing in the body; a name that is taken is 409', async () => {
    const user = { username: 'nuevo_usuario', password: 'contraseña_segura' };
    const created = await app.inject({ method: 'POST', url: '/auth/create_user', payload: user });
    expect([created.statusCode, created.body]).toEqual([201, '']);
    const again = await app.inject({ method: 'POST', url: '/auth/create_user/', payload: user });
    expect(again.statusCode).toBe(409);
    expect(again.json().detail).toMatch(/"nuevo_usuario" is taken/);
  });

  it('gives a token for JSON and for the OAuth2 form', async () => {
    const form = await app.inject({
      method: 'POST',
      url: '/auth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'grant_type=password&username=CPS_DAVID_PEREZ_DEV&password=UIS%40123FCV&scope=',
    });
    expect(form.statusCode).toBe(200);
    expect(form.json()).toEqual({ access_token: expect.stringMatching(/^ey/), token_type: 'bearer' });
    const claims = JSON.parse(Buffer.from(form.json().access_token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ sub: 'CPS_DAVID_PEREZ_DEV', id: expect.any(Number) });
    expect(claims.exp - claims.iat).toBe(20 * 60);
  });

  it.each<[string, InjectOptions, number, string]>([
    ['no token', { url: '/' }, 401, 'Authentication Failed.'],
    ['a token that is none', { url: '/', headers: { authorization: 'Bearer x.y.z' } }, 401, 'Could not validate user.'],
    [
      'a wrong password',
      { method: 'POST', url: '/auth/token', payload: { username: 'CPS_DAVID_PEREZ_DEV', password: 'wrong wrong' } },
      401,
      'Could not validate user.',
    ],
    [
      'an unknown user',
      { method: 'POST', url: '/auth/token', payload: { username: 'x', password: 'y' } },
      401,
      'Could not validate user.',
    ],
    ['no token for /predict', { method: 'POST', url: '/predict', payload: {} }, 401, 'Authentication Failed.'],
  ])('%s', async (_, options, status, detail) => {
    const answer = await app.inject(options);
    expect([answer.statusCode, answer.json()]).toEqual([status, { detail }]);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it.each<[string, InjectOptions]>([
    ['a field missing', { url: '/auth/token', payload: { username: 'x' } }],
    ['a password that is a number', { url: '/auth/create_user', payload: { username: 'x', password: 12345678 } }],
    ['an unknown field', { url: '/auth/create_user', payload: { username: 'x', password: '12345678', admin: true } }],
    ['a short password', { url: '/auth/create_user', payload: { username: 'x', password: 'short' } }],
    ['a name with a line break', { url: '/auth/create_user', payload: { username: 'x\ny', password: '12345678' } }],
    [
      'a form with a field twice',
      {
        url: '/auth/token',
        payload: 'username=a&username=b&password=c',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
    ],
  ])('422 with a list of {loc, msg, type} for %s', async (_, options) => {
    const answer = await app.inject({ ...options, method: 'POST' });
    expect(answer.statusCode).toBe(422);
    for (const problem of answer.json().detail) expect(Object.keys(problem)).toEqual(['loc', 'msg', 'type']);
  });

  it('says who is calling, and how it is', async () => {
    expect((await ask({ url: '/' })).json()).toEqual({
      User: { username: 'CPS_DAVID_PEREZ_DEV', id: expect.any(Number) },
    });
    expect((await app.inject('/home')).json()).toEqual({ health_check: 'OK', model_version: '1' });
    expect((await app.inject('/home/')).statusCode).toBe(200);
  });

  it('serves the example of the documentation, as Sano', async () => {
    const document = (await app.inject('/openapi.json')).json();
    const operation = document.paths['/predict/'] ?? document.paths['/predict'];
    const { example } = operation.post.requestBody.content['application/json'];
    expect(example).toEqual(JSON.parse(JSON.stringify(exampleBody())));
    const answer = await predict(example);
    expect(answer.statusCode).toBe(200);
    const { idAtencion, inferences, State } = answer.json() as PredictionOut;
    expect([idAtencion, State]).toEqual([1408026, 'Sano']);
    expect(Object.keys(inferences)).toEqual(states);
    expect(inferences.Sano).toBeGreaterThan(0.9);
    expect(Object.values(inferences).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(answer.headers['x-request-id']).toBeDefined();
    expect(Number(answer.headers['x-process-time'])).toBeGreaterThan(0);
  });

  it('tells where the patients of a ward are heading', async () => {
    const answers = (await predict(ward.map((patient) => patient.body))).json() as PredictionOut[];
    expect(answers.map((answer) => answer.idAtencion)).toEqual(ward.map((patient) => patient.body.idAtencion));
    const right = answers.filter((answer, index) => answer.State === ward[index]!.state).length;
    expect(right / ward.length).toBeGreaterThan(0.9);
  });

  it('answers the same alone, in a list, as a column, and among sixty-four requests at once', async () => {
    const list = (await predict(ward.map((patient) => patient.body))).json() as PredictionOut[];
    const column = (await predict(joinBodies(ward))).json() as PredictionOut[];
    const many = Array.from({ length: 64 }, (_, index) => ward[index % ward.length]!.body);
    const alone = await Promise.all(many.map(async (body) => (await predict(body)).json() as PredictionOut));
    for (const [index, one] of alone.entries()) {
      for (const other of [list[index % ward.length]!, column[index % ward.length]!]) {
        expect(other.idAtencion).toBe(one.idAtencion);
        for (const state of states) expect(other.inferences[state]).toBeCloseTo(one.inferences[state]!, 5);
      }
    }
  });

  it('a patient who cannot be served does not fail the others; when none can, it is 422', async () => {
    const [good, bad] = [ward[0]!.body, { ...ward[1]!.body, valor: 5 }];
    const mixed = await predict([good, bad]);
    expect(mixed.statusCode).toBe(200);
    expect(mixed.json()[0].State).toBeDefined();
    expect(mixed.json()[1]).toEqual({
      idAtencion: bad.idAtencion,
      error: {
        loc: ['body', 1, 'valor'],
        msg: expect.stringContaining(`Patient ${bad.idAtencion}: valor`),
        type: 'dict_type',
      },
    });
    for (const none of [[bad], bad]) {
      const refused = await predict(none);
      expect(refused.statusCode).toBe(422);
      expect(refused.json().detail).toHaveLength(1);
    }
  });

  it.each<[string, number, string]>([
    ['{"idAtencion": 1', 400, 'JSON'],
    ['{"idAtencion": NaN}', 400, 'NaN'],
    ['{"idAtencion": 1, "idAtencion": 2}', 400, 'twice'],
    ['', 400, 'empty'],
    ['[]', 422, '0 bodies'],
    ['null', 422, 'found null'],
    [`${'['.repeat(5000)}${']'.repeat(5000)}`, 400, 'nested'],
    [JSON.stringify(exampleBody()).replace(/"0":3[\d.]*/, '"0":1e999'), 422, 'Infinity'],
  ])('refuses a body like %#', async (payload, status, words) => {
    const answer = await ask({
      method: 'POST',
      url: '/predict',
      payload,
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.statusCode, JSON.stringify(answer.json().detail)]).toEqual([status, expect.stringContaining(words)]);
  });

  it('refuses a hundred thousand records by their number', async () => {
    const many = Array.from({ length: 100_000 }, () => 1);
    const body = { idAtencion: 1, idSigno: many, nomSigno: many, valor: many, fecRegistro: many };
    const answer = await predict(body);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().detail[0].msg).toMatch(/100000 records or more, over the limit of 50000/);
  });

  it('logs each request in the original layout, and no secret', async () => {
    await ask({ url: '/home?token=secret' });
    await close();
    const lines = log().trimEnd().split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} , INFO , Starting FCV-MLAPI\.\.\.\.$/);
    for (const line of lines.slice(1)) {
      expect(line).toMatch(
        /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} , INFO , \{'url': '[^']*', 'method': '(GET|POST)', 'date': '\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d', 'duration': \d[\d.e-]*\}$/,
      );
    }
    expect(lines.length).toBeGreaterThan(90);
    expect(log()).not.toMatch(/secret|UIS@123FCV|ey[A-Z]|MDC_/);
  });
});

describe('other ways to run it', () => {
  it('sits under /shock beside the platform', async () => {
    const { app } = await startApp(demo, {}, null);
    const token = await logIn(app, '/shock');
    const headers = { authorization: `Bearer ${token}` };
    expect((await app.inject({ url: '/shock/', headers })).json().User.username).toBe('CPS_DAVID_PEREZ_DEV');
    expect((await app.inject({ url: '/shock', headers })).statusCode).toBe(200);
    const answer = await app.inject({ method: 'POST', url: '/shock/predict', headers, payload: ward[0]!.body });
    expect(answer.json().State).toBe(ward[0]!.state);
  });

  it('is met by the client of examples/shock', async () => {
    const { url } = await startApp(demo, {}, null);
    const client = fileURLToPath(new URL('../../../examples/shock/client.ts', import.meta.url));
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [
      '--import',
      'tsx',
      client,
      '--url',
      `${url}/shock`,
      '--patients',
      '8',
    ]);
    expect(stdout.split('\n')).toHaveLength(11);
    expect(stdout).toMatch(/^[78] of 8 as the ward was made/m);
  });

  it('without a stored scaler it fits one on the request, and says so', async () => {
    const model = join(temporaryFolder(), 'shock');
    mkdirSync(join(model, '1'), { recursive: true });
    copyFileSync(join(demo, '1', 'LSTM.h5'), join(model, '1', 'LSTM.h5'));
    const { app, log, close } = await startApp(model);
    expect((await app.inject('/home')).json()).toEqual({ health_check: 'OK', model_version: '1', scaler: 'request' });
    const headers = { authorization: `Bearer ${await logIn(app)}` };
    const answer = await app.inject({ method: 'POST', url: '/predict', headers, payload: ward[0]!.body });
    expect(Object.keys(answer.json().inferences)).toEqual(states);
    await close();
    expect(log().match(/StandardScaler fitted on each request/g)).toHaveLength(1);
  });

  it('puts the mean of the scaler for a signal never seen, where the setting says so', async () => {
    const { app } = await startApp(demo, { impute: 'mean' });
    const headers = { authorization: `Bearer ${await logIn(app)}` };
    const body = exampleBody();
    for (const row of Object.keys(body.nomSigno))
      if (body.nomSigno[row] === 'MDC_TEMP') body.nomSigno[row] = 'MDC_OTHER';
    const answer = await app.inject({ method: 'POST', url: '/predict', headers, payload: body });
    expect(answer.json()).toMatchObject({ State: 'Sano', imputed: ['MDC_TEMP'] });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, number]>([
    ['as they do where it is alone', {}, {}, 201],
    ['not where the server’s open-registration says no', {}, { 'open-registration': false }, 401],
    ['where its own setting says so', { registration: 'open' }, { 'open-registration': false }, 201],
    ['not where its own setting says no', { registration: 'admin' }, { 'open-registration': true }, 401],
  ])('beside the platform, strangers create users: %s', async (_when, settings, more, status) => {
    const { app } = await startApp(demo, settings, null, more);
    const payload = { username: 'stranger', password: 'long enough' };
    expect((await app.inject({ method: 'POST', url: '/shock/auth/create_user', payload })).statusCode).toBe(status);
  });

  it('lets only admins create users, where the setting says so', async () => {
    const { app, accounts } = await startApp(demo, { registration: 'admin' });
    const request = {
      method: 'POST',
      url: '/auth/create_user',
      payload: { username: 'new', password: 'long enough' },
    } as const;
    expect((await app.inject(request)).statusCode).toBe(401);
    const key = (await accounts.bootstrap())!.key;
    expect((await app.inject({ ...request, headers: { 'x-api-key': key } })).statusCode).toBe(201);
  });

  it.each<[string, unknown]>([
    ['window', 0],
    ['impute', 'median'],
    ['log-bytes', '10M'],
    ['unknown', 1],
  ])('refuses the setting %s: %j', async (name, value) => {
    await expect(startApp(demo, { [name]: value })).rejects.toThrow(`apps.shock.${name}`);
  });

  it('answers 503 with the reason while there is no model that fits, and starts all the same', async () => {
    const { app } = await startApp(fileURLToPath(new URL('../../../examples/models/wave.keras', import.meta.url)), {
      model: 'wave',
    });
    const answer = await app.inject('/home');
    expect(answer.statusCode).toBe(503);
    expect(answer.json().detail).toMatch(/float32\[\?, T, 9\].*past: float32\[\?, 12, 1\]/);
    const { app: other } = await startApp(demo, { model: 'missing' });
    expect((await other.inject('/home')).json().detail).toMatch(/no model "missing"/);
  });

  it('does not answer with a scaler that cannot be read', async () => {
    const model = join(temporaryFolder(), 'shock');
    cpSync(demo, model, { recursive: true });
    writeFileSync(join(model, '1', 'scaler.joblib'), 'not a scaler');
    const { app } = await startApp(model);
    const answer = await app.inject('/home');
    expect(answer.statusCode).toBe(503);
    expect(answer.json().detail).toMatch(/scaler\.joblib cannot be read/);
  });
});

function joinBodies(patients: readonly WardPatient[]) {
  const columns = { idAtencion: [], idSigno: [], nomSigno: [], valor: [], fecRegistro: [] } as Record<
    string,
    unknown[]
  >;
  for (const { body } of patients) {
    for (const row of Object.keys(body.valor)) {
      columns.idAtencion!.push(body.idAtencion);
      for (const name of ['idSigno', 'nomSigno', 'valor', 'fecRegistro'] as const) columns[name]!.push(body[name][row]);
    }
  }
  return columns;
}
