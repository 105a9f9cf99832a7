import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ArtworkPackage,
  longestUrl,
  mostUrls,
  readReceiverBody,
} from '../../../src/apps/artwork/receiver-body.js';
import { type Problem, VitrinaError } from '../../../src/index.js';
import { detailDialect } from '../../../src/plugins/error-handler.js';

type Pairs = readonly (readonly [string, string])[];
const json = (body: unknown) => readReceiverBody('application/json', Buffer.from(JSON.stringify(body)));
const jsonText = (body: string) => readReceiverBody('application/json; charset=utf-8', Buffer.from(body));
const form = (pairs: Pairs) =>
  readReceiverBody(
    'application/x-www-form-urlencoded',
    Buffer.from(new URLSearchParams(pairs.map(([...pair]) => pair)).toString()),
  );
const multipart = (pairs: Pairs, boundary = 'fffbbb') => {
  const parts = pairs.map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const body = Buffer.from(`${parts.join('')}--${boundary}--\r\n`);
  return readReceiverBody(`multipart/form-data; boundary=${boundary}`, body);
};

async function problemsOf(work: Promise<ArtworkPackage>): Promise<readonly Problem[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof VitrinaError && error.code === 'request-invalid') {
      return (error.fields as { problems: readonly Problem[] }).problems;
    }
    throw error;
  }
  return [];
}

const url = 'https://images.example/pop/1.png';
const least = {
  country: null,
  channel: null,
  label: null,
  category: 'POP',
  zip_art: null,
  arts_path: [],
  no_transaction_id: null,
  ntd_transaction_id: '7',
};

describe('a posted package', () => {
  it('needs the id of its detail and nothing else', async () => {
    expect(await json({ ntd_transaction_id: '7' })).toEqual(least);
    expect(await form([['ntd_transaction_id', '7']])).toEqual(least);
    expect(await multipart([['ntd_transaction_id', '7']])).toEqual(least);
  });

  it('as the source’s own example posts it lacks that id, and hears so as FastAPI says it', async () => {
    const fields = ['country', 'channel', 'label', 'category'].map((name) => [name, '...'] as const);
    const error = await form(fields).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'request-invalid', status: 422 });
    expect(detailDialect().render(error as VitrinaError, {} as never)).toEqual({
      detail: [{ loc: ['body', 'ntd_transaction_id'], msg: 'is missing', type: 'missing' }],
    });
  });

  it('has ids as texts, digit by digit, whatever JSON wrote', async () => {
    const big = '12345678901234567890123456789';
    expect(
      await jsonText(`{"no_transaction_id": ${big}, "ntd_transaction_id": -7, "x": {"ntd_transaction_id": 8}}`),
    ).toEqual({
      ...least,
      no_transaction_id: big,
      ntd_transaction_id: '-7',
    });
    const odd = '{"a": [{"b": "\\"}],:"}, 1.5e3], "ntd\\u005ftransaction_id" : 0090071992547409930}';
    await expect(jsonText(odd)).rejects.toMatchObject({ code: 'body-not-json' });
    expect((await jsonText(odd.replace(' 00', ' '))).ntd_transaction_id).toBe('90071992547409930');
    for (const value of ['1.5', '1e3', 'true', '[7]', '{"a": 7}']) {
      const problems = await problemsOf(jsonText(`{"ntd_transaction_id": ${value}}`));
      expect(problems.map(({ path }) => path)).toEqual(['ntd_transaction_id']);
    }
  });

  it('takes null and nothing for fields that were not sent, and passes over fields that it does not know', async () => {
    const nulls = {
      country: null,
      label: null,
      category: null,
      zip_art: null,
      arts_path: null,
      no_transaction_id: null,
    };
    expect(await json({ ...nulls, ntd_transaction_id: 7, other: { a: [1] }, __proto__: 1 })).toEqual(least);
    const empty = Object.keys(nulls).map((name) => [name, ''] as const);
    expect(await form([...empty, ['ntd_transaction_id', '7'], ['other', 'x']])).toEqual(least);
    for (const id of [null, '']) {
      expect(await problemsOf(json({ ntd_transaction_id: id }))).toEqual([
        { path: 'ntd_transaction_id', message: 'is missing' },
      ]);
    }
  });

  it('lists its images in any of the ways that clients have', async () => {
    const urls = [url, 'http://images.example:8080/Á b.png?x=[1]&y=2'];
    const id = ['ntd_transaction_id', '7'] as const;
    const bodies = [
      json({ ntd_transaction_id: 7, arts_path: urls }),
      json({ ntd_transaction_id: 7, arts_path: JSON.stringify(urls) }),
      form([id, ['arts_path', ` ${JSON.stringify(urls)}`]]),
      form([id, ...urls.map((one) => ['arts_path', one] as const)]),
      multipart([id, ...urls.map((one) => ['arts_path[]', one] as const)]),
    ];
    for (const body of bodies) expect((await body).arts_path).toEqual(urls);
    for (const body of [
      json({ ntd_transaction_id: 7, arts_path: url }),
      form([id, ['arts_path', url]]),
      form([id, ['arts_path[]', url]]),
    ]) {
      expect((await body).arts_path).toEqual([url]);
    }
    expect((await form([id, ['arts_path', '[]']])).arts_path).toEqual([]);
    expect((await json({ ntd_transaction_id: 7, label: ['a', 5] })).label).toEqual(['a', '5']);
    expect((await form([id, ['label', 'a'], ['label', 'b']])).label).toEqual(['a', 'b']);
  });

  it('is the same whichever of three forms it came in', async () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((value) => !/[\0\p{Surrogate}]/u.test(value));
    const part = text.map((value) => `https://images.example/${encodeURIComponent(value)}.png`);
    const posted = fc.record({
      country: fc.option(text),
      channel: fc.option(text),
      label: fc.option(text),
      category: text,
      zip_art: fc.option(part),
      arts_path: fc.array(part, { maxLength: 5 }),
      no_transaction_id: fc.option(text),
      ntd_transaction_id: text,
    });
    await fc.assert(
      fc.asyncProperty(posted, async (body) => {
        const pairs = Object.entries(body).flatMap(([name, value]): [string, string][] =>
          value === null ? [] : Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]],
        );
        expect(await json(body)).toEqual(body);
        expect(await form(pairs)).toEqual(body);
        expect(await multipart(pairs)).toEqual(body);
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['zip_art', 'ftp://images.example/a.zip', 'is no http or https address'],
    ['zip_art', 'file:///etc/passwd', 'is no http or https address'],
    ['zip_art', 'images.example/a.zip', 'is no http or https address'],
    ['zip_art', 'https://images.example/a\n.zip', 'is no http or https address'],
    ['zip_art', 'https://user:secret@images.example/a.zip', 'has a user name or a password in it'],
    ['zip_art', `https://images.example/${'a'.repeat(longestUrl)}`, 'expected at most 2048'],
    ['zip_art', ['https://images.example/a.zip'], 'is a list'],
    ['arts_path[1]', [url, 'javascript:alert(1)'], 'is no http or https address'],
    ['arts_path[0]', [''], 'is empty'],
    ['arts_path[0]', [5], 'is 5; expected a text'],
    ['arts_path[0]', { a: url }, 'is an object'],
    ['arts_path', '[https://images.example/1.png]', 'begins like a list and is no JSON'],
    ['arts_path', Array.from({ length: mostUrls + 1 }, () => url), 'has 10001 addresses'],
    ['country', 'a\0b', 'has a character that no text may have'],
    ['country', '\ud800', 'has a character that no text may have'],
    ['country', 'a'.repeat(1_001), 'has 1001 characters'],
    ['category', 5.5, 'is 5.5'],
    ['label[1]', ['a', {}], 'is an object'],
    ['ntd_transaction_id', 'a'.repeat(201), 'has 201 characters'],
  ])('with %s of %j is refused', async (path, value, message) => {
    const name = path.replace(/\[.*/, '');
    const problems = await problemsOf(json({ ntd_transaction_id: 7, [name]: value }));
    expect(problems).toMatchObject([{ path, message: expect.stringContaining(message) }]);
  });

  it('tells all faults at once, a hundred at most, and no secret of theirs', async () => {
    const arts_path = Array.from({ length: 500 }, () => 'https://user:secret@images.example/');
    const problems = await problemsOf(json({ arts_path }));
    expect(problems[0]).toEqual({ path: 'ntd_transaction_id', message: 'is missing' });
    expect(problems).toHaveLength(101);
    expect(JSON.stringify(problems)).not.toContain('secret');
  });

  it('takes ten thousand images in any form', async () => {
    const urls = Array.from({ length: mostUrls }, (_, i) => `${url}?${i}`);
    const pairs = [['ntd_transaction_id', '7'] as const, ...urls.map((one) => ['arts_path', one] as const)];
    for (const body of [json({ ntd_transaction_id: 7, arts_path: urls }), form(pairs), multipart(pairs)]) {
      expect((await body).arts_path).toEqual(urls);
    }
  });

  it.each<[string | undefined, string, string]>([
    [undefined, 'ntd_transaction_id=7', 'body-media-type'],
    ['text/plain', 'ntd_transaction_id=7', 'body-media-type'],
    ['application/json', '[', 'body-not-json'],
    ['application/json', '[7]', 'request-invalid'],
    ['application/json', '{"ntd_transaction_id": 7, "ntd_transaction_id": 8}', 'body-duplicate-key'],
    ['multipart/form-data', '', 'request-malformed'],
    ['multipart/form-data; boundary=b', '--b\r\n', 'request-malformed'],
    ['application/x-www-form-urlencoded', '', 'request-invalid'],
  ])('of the type %s and the text %j is refused with its own code', async (type, text, code) => {
    await expect(readReceiverBody(type, Buffer.from(text))).rejects.toMatchObject({ code });
  });

  it('in a form that is not UTF-8 is refused', async () => {
    const body = Buffer.from('ntd_transaction_id=\xe9', 'latin1');
    await expect(readReceiverBody('application/x-www-form-urlencoded', body)).rejects.toMatchObject({
      code: 'request-malformed',
    });
  });
});
