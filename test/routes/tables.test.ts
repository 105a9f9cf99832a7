import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Bool, Float64, Table, tableFromIPC, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupGraph, scaleGraph, sumGraph } from '../graphs.js';
import { folderOf, type StartedApp, startApp } from '../start-app.js';

const types = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  stream: 'application/vnd.apache.arrow.stream',
  file: 'application/vnd.apache.arrow.file',
};

let started: StartedApp;
beforeAll(async () => {
  const folder = folderOf({ scale: scaleGraph(), sum: sumGraph(), lookup: lookupGraph() });
  started = await startApp([folder, 'examples/models/churn'], { 'max-rows': 1000, 'stream-limit': 50_000_000 });
  await started.app.listen({ port: 0, host: '127.0.0.1' });
}, 60_000);
afterAll(() => started.close());

const ask = (model: string, type: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  started.post(`/models/${model}/predict`, body, { 'content-type': type, ...headers });

interface Row {
  plan: string;
  months: number;
  calls: number;
  bill: number | null;
}

const row: fc.Arbitrary<Row> = fc.record({
  plan: fc.constantFrom('basic', 'family', 'premium'),
  months: fc.integer({ min: 0, max: 80 }),
  calls: fc.integer({ min: 0, max: 9 }),
  bill: fc.option(fc.double({ min: 0, max: 200, noNaN: true })),
});

const toCsv = (rows: readonly Row[]) =>
  `bill,plan,months,calls\r\n${rows.map((r) => `${r.bill ?? ''},"${r.plan}",${r.months},${r.calls}`).join('\r\n')}\r\n`;
const toNdjson = (rows: readonly Row[]) => rows.map((r) => JSON.stringify(r)).join('\n');
const toArrow = (rows: readonly Row[], form: 'stream' | 'file') =>
  Buffer.from(
    tableToIPC(
      new Table({
        plan: vectorFromArray(rows.map((r) => r.plan)),
        months: vectorFromArray(
          rows.map((r) => r.months),
          new Float64(),
        ),
        calls: vectorFromArray(
          rows.map((r) => r.calls),
          new Float64(),
        ),
        bill: vectorFromArray(
          rows.map((r) => r.bill),
          new Float64(),
        ),
      }),
      form,
    ),
  );

/** Answers of any format as rows of names and texts. */
function cellsOf(answer: { rawPayload: Buffer; headers: Record<string, unknown> }): string[][] {
  const type = String(answer.headers['content-type']).split(';')[0];
  const ofObjects = (objects: readonly Record<string, unknown>[]) =>
    objects.map((object) => Object.values(object).flat(9).map(String));
  const text = answer.rawPayload.toString();
  if (type === types.json) return ofObjects(JSON.parse(text));
  if (type === types.ndjson)
    return ofObjects(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
  if (type === types.csv)
    return text
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(','));
  const table = tableFromIPC(answer.rawPayload);
  return Array.from({ length: table.numRows }, (_, i) =>
    table.schema.fields.flatMap(({ name }) => {
      const value = table.getChild(name)!.get(i);
      return typeof value === 'object' && value !== null ? [...value].map(String) : String(value);
    }),
  );
}

describe('tables', () => {
  it('give the same answers in every form, whichever they are asked in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (rows) => {
        const expected = cellsOf(await ask('churn', types.json, JSON.stringify(rows)));
        const bodies: [string, string | Buffer][] = [
          [types.csv, toCsv(rows)],
          [types.ndjson, toNdjson(rows)],
          [types.stream, toArrow(rows, 'stream')],
          [types.file, toArrow(rows, 'file')],
        ];
        for (const [i, [type, body]] of bodies.entries()) {
          const accept = Object.values(types)[(i + rows.length) % 5]!;
          const answer = await ask('churn', type, body, { accept });
          expect([answer.statusCode, String(answer.headers['content-type']).split(';')[0]]).toEqual([200, accept]);
          expect(cellsOf(answer)).toEqual(expected);
          expect(cellsOf(await ask('churn', type, body))).toEqual(expected);
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it('name the columns of an answer', async () => {
    const csv = await ask('churn', types.json, JSON.stringify([{ plan: 'basic', months: 3, calls: 6, bill: null }]), {
      accept: types.csv,
    });
    expect(csv.body.split('\r\n')[0]).toMatch(/^predict,predict_proba_leaves,predict_proba_stays,/);
    expect((await ask('scale', types.csv, '1,2,3\n')).body).toBe('y_0,y_1,y_2\r\n2,4,6\r\n');
    expect((await ask('sum', types.ndjson, '{"x":[1,2]}\n', { accept: types.csv })).body).toBe('sum\r\n3\r\n');
    const arrow = tableFromIPC((await ask('scale', types.csv, '1,2,3\n', { accept: types.stream })).rawPayload);
    expect(String(arrow.schema.fields[0]!.type)).toBe('FixedSizeList[3]<Float32>');
  });

  it.each([
    ['text/html', 406],
    ['text/csv;q=0, application/json;q=0', 406],
    ['text/csv;q=0.2, application/x-ndjson;q=0.9', types.ndjson],
    ['application/*;q=0.5, text/csv;q=0.4', types.json],
    ['*/*', types.csv],
    ['', types.csv],
  ])('answer CSV as Accept asks: %j', async (accept, expected) => {
    const answer = await ask('scale', types.csv, '1,2,3\n', { accept });
    if (typeof expected === 'number') expect([answer.statusCode, answer.json().code]).toEqual([406, 'not-acceptable']);
    else expect(answer.headers['content-type']).toContain(expected);
  });

  it.each([
    [
      'a wrong cell',
      types.csv,
      'feature1,feature2,feature3\n1,2,3\n\n4,x,6\n',
      422,
      '[1].feature2: expected a number, got "x" (line 4)',
    ],
    ['an unknown column', types.csv, 'feature1,feature2,feature3,z\n1,2,3,4\n', 422, '[0].z: is unknown'],
    ['a column twice', types.csv, 'feature1,feature1,feature3\n1,2,3\n', 422, 'is named twice'],
    ['a ragged line', types.csv, '1,2,3\n4,5\n', 400, 'Line 2 of the CSV text cannot be read: it has 2 cells'],
    ['semicolons', types.csv, '1;2;3\n', 422, 'seem to be separated by ";"'],
    ['an open quote', types.csv, '1,2,3\n"4,5,6\n', 400, 'Line 2 of the CSV text cannot be read: a quote is opened'],
    ['a zero byte', types.csv, '1,2,\0\n', 400, 'zero byte'],
    ['no rows', types.csv, 'feature1,feature2,feature3\n', 422, 'has no rows'],
    ['another character set', `${types.csv}; charset=latin1`, '1,2,3\n', 415, 'text/csv in UTF-8'],
    ['a million columns', types.csv, `${'a,'.repeat(1e6)}a\n`, 400, 'more than 1000 cells'],
    ['a huge cell', types.csv, `1,2,${'9'.repeat(9e6)}`, 400, 'longer than 8388608 bytes'],
    ['a wrong line', types.ndjson, '{"x":[1,2,3]}\n{"x":[1,2]}\n', 422, '[1].x: expected 3 elements, got 2 (line 2)'],
    ['no JSON', types.ndjson, '{"x":[1,2,3]}\n{"x":\n', 400, 'Line 2 of the NDJSON text cannot be read'],
    ['a key twice', types.ndjson, '{"x":[1,2,3],"x":1}\n', 400, 'the key "x" twice'],
    ['deep nesting', types.ndjson, `{"x":${'['.repeat(500)}\n`, 400, 'nested deeper'],
    ['a huge line', types.ndjson, `{"x":[${'1,'.repeat(5e6)}`, 400, 'longer than 8388608 bytes'],
    ['nothing', types.ndjson, '\n \n', 422, 'has no rows'],
    ['no Arrow', types.stream, 'ARROW1', 400, 'The Arrow data cannot be read'],
    ['an empty stream', types.stream, '', 400, 'The Arrow data cannot be read: it has no schema'],
  ])('refuse %s', async (_name, type, body, status, words) => {
    const answer = await ask('scale', type, body);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      status,
      'application/problem+json; charset=utf-8',
    ]);
    expect(answer.json().detail).toContain(words);
  });

  it('keep the digits of 64-bit integers, and say which row the runtime refused', async () => {
    const beyond = await ask('lookup', types.csv, 'feature1\n1\n9007199254740993\n');
    expect([beyond.statusCode, beyond.json().code]).toEqual([422, 'runtime-rejected']);
    expect(beyond.json().detail).toContain('9007199254740993');
    const line = await ask('lookup', types.ndjson, '{"i":[1]}\n{"i":[9007199254740993]}\n');
    expect(line.json().detail).toContain('9007199254740993');
    expect((await ask('lookup', types.csv, '1\n3\n')).body).toBe('y\r\n10\r\n30\r\n');
    expect((await ask('lookup', types.csv, 'feature1\n1.5\n')).json().detail).toBe(
      '[0].feature1: expected an integer within ±(2^53 − 1), got 1.5 (line 2)',
    );
  });

  it('name a type of Arrow that is not read', async () => {
    const body = Buffer.from(
      tableToIPC(
        new Table({
          feature1: vectorFromArray([new Date()]),
          feature2: vectorFromArray(['x'], new Utf8()),
          feature3: vectorFromArray([true], new Bool()),
        }),
        'stream',
      ),
    );
    const answer = await ask('scale', types.stream, body);
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'arrow-unsupported']);
    expect(answer.json().detail).toMatch(/a column "feature1" of type (Date|Timestamp)/);
  });

  it('are documented with examples that work', async () => {
    const { paths } = (await started.get('/openapi.json')).json();
    let tried = 0;
    for (const model of ['churn', 'scale', 'sum', 'lookup']) {
      const { content } = paths[`/models/${model}/predict`].post.requestBody;
      expect(Object.keys(content)).toEqual(expect.arrayContaining([types.ndjson, types.stream, types.file]));
      expect(types.csv in content).toBe(model !== 'sum');
      for (const type of [types.csv, types.ndjson]) {
        const example = content[type]?.example;
        if (example === undefined) continue;
        tried++;
        expect((await ask(model, type, example)).statusCode).toBe(200);
      }
    }
    expect(tried).toBe(7);
  });

  it('come compressed, no larger than the limit', async () => {
    const send = (body: Buffer, encoding = 'gzip') => ask('scale', types.csv, body, { 'content-encoding': encoding });
    expect((await send(gzipSync('1,2,3\n'))).body).toContain('2,4,6');
    expect((await send(Buffer.from('1,2,3\n'))).json().code).toBe('body-encoding-damaged');
    expect((await send(gzipSync('1,2,3\n').subarray(0, 15))).json().code).toBe('body-encoding-damaged');
    expect((await send(gzipSync('1,2,3\n'), 'zstd')).json().code).toBe('body-encoding');
    const bomb = await send(gzipSync(`1,2,${' '.repeat(60_000_000)}`));
    expect([bomb.statusCode, bomb.json().code]).toEqual([400, 'csv-malformed']);
  });
});

/** A request over a real connection. */
function open(model: string, type: string, headers: Record<string, string> = {}) {
  const { port } = started.app.server.address() as AddressInfo;
  const sent = request({
    port,
    method: 'POST',
    path: `/models/${model}/predict`,
    headers: { 'content-type': type, authorization: `Bearer ${started.key}`, ...headers },
  });
  sent.on('error', () => undefined);
  const answer = new Promise<import('node:http').IncomingMessage>((resolve) => sent.once('response', resolve));
  return { sent, answer };
}

describe('tables over a connection', () => {
  it('are answered while they arrive', async () => {
    const { sent, answer } = open('scale', types.ndjson);
    sent.write('{"x":[1,2,3]}\n');
    const response = await answer;
    const lines = response.setEncoding('utf8')[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('{"y":[2,4,6]}\n');
    sent.write('{"x":[4,5,6]}\n');
    expect((await lines.next()).value).toBe('{"y":[8,10,12]}\n');
    sent.end();
    expect((await lines.next()).done).toBe(true);
  });

  it('end an NDJSON answer with a line that says what went wrong', async () => {
    const { sent, answer } = open('scale', types.ndjson);
    sent.write('{"x":[1,2,3]}\n');
    const response = (await answer).setEncoding('utf8');
    sent.end('{"x":[1,2]}\n');
    let text = '';
    for await (const piece of response) text += piece;
    const last = JSON.parse(text.trimEnd().split('\n').at(-1)!);
    expect(last.error).toMatchObject({ code: 'request-invalid', status: 422 });
    expect(last.error.detail).toContain('(line 2)');
  });

  it('cut a CSV or Arrow answer that cannot be finished', async () => {
    for (const accept of [types.csv, types.stream, types.json]) {
      const { sent, answer } = open('scale', types.csv, { accept });
      sent.write('1,2,3\n');
      const response = await answer;
      sent.end('1,2\n');
      await expect(
        (async () => {
          for await (const piece of response) expect(piece.length).toBeGreaterThan(0);
        })(),
      ).rejects.toThrow('aborted');
    }
  });

  it('may be sent whole before a byte of the answer is read', async () => {
    const rows = 200_000;
    const { sent, answer } = open('scale', types.csv, { accept: types.ndjson });
    for (let from = 0; from < rows; from += 1000) {
      let text = '';
      for (let i = from; i < from + 1000; i++) text += `${i % 1000},2,3\n`;
      if (!sent.write(text)) await new Promise((resolve) => sent.once('drain', resolve));
    }
    await new Promise<void>((resolve) => sent.end(resolve));
    let count = 0;
    let rest = '';
    for await (const piece of (await answer).setEncoding('utf8')) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop()!;
      for (const line of lines) expect(line).toBe(`{"y":[${2 * (count++ % 1000)},4,6]}`);
    }
    expect(count).toBe(rows);
  }, 60_000);

  it('are no longer computed when their caller has left', async () => {
    const { sent, answer } = open('scale', types.csv);
    sent.write('1,2,3\n');
    await answer;
    sent.destroy();
    const whole = await ask('scale', types.csv, '1,2,3\n');
    expect(whole.statusCode).toBe(200);
  });

  it('are cut beyond the limit of streams', async () => {
    const { sent, answer } = open('scale', types.csv, { 'content-length': '50000001' });
    sent.write('1,2,3\n');
    expect((await answer).statusCode).toBe(413);
    sent.destroy();
  });
});
