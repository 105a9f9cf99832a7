import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { boundaryOf, readMultipart } from '../../src/formats/multipart.js';

/** `bytes` in pieces of the sizes given, over and over. */
async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function readAll(bytes: Buffer, boundary: string, sizes: readonly number[] = [64]): Promise<[string, Buffer][]> {
  const parts: [string, Buffer][] = [];
  for await (const { name, body } of readMultipart(inPieces(bytes, sizes), boundary)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    parts.push([name, Buffer.concat(chunks)]);
  }
  return parts;
}

function write(parts: readonly (readonly [string, Uint8Array])[], boundary: string): Buffer {
  const chunks = parts.flatMap(([name, body]) => [
    Buffer.from(
      `--${boundary}\r\nContent-Type: x/y\r\ncontent-disposition: form-data; filename="f"; name="${name}"\r\n\r\n`,
    ),
    body,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]);
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof VitrinaError ? error.code : String(error)),
  );

describe('the reader of forms', () => {
  it('gives every part as it was sent, however it arrives', async () => {
    // Near misses of the boundary are what bodies are made of here.
    const body = fc
      .array(
        fc.oneof(
          fc.constantFrom('\r\n', '\r\n-', '\r\n--', '\r\n--edg', '--edge', '\r', '\n'),
          fc.string({ maxLength: 8 }),
        ),
      )
      .map((pieces) => Buffer.from(pieces.join('').replaceAll('\r\n--edge', '')))
      .filter((bytes) => !`\r\n${bytes.toString('latin1')}`.includes('\r\n--edge'));
    const parts = fc.array(fc.tuple(fc.stringMatching(/^[a-z.]{1,12}$/), body), { minLength: 1, maxLength: 4 });
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(parts, sizes, async (sent, pieces) => {
        const got = await readAll(write(sent, 'edge'), 'edge', pieces);
        expect(got.map(([name, bytes]) => [name, bytes.toString('hex')])).toEqual(
          sent.map(([name, bytes]) => [name, bytes.toString('hex')]),
        );
      }),
    );
  });

  it('refuses anything else with its one error', async () => {
    const noise = fc.array(
      fc.oneof(
        fc.constantFrom('--edge', '--edge--', '\r\n', '\r\n\r\n', 'content-disposition: form-data; name=a', 'name="'),
        fc.string(),
      ),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (pieces) => {
        expect(['none', 'request-malformed']).toContain(
          await codeOf(readAll(Buffer.from(pieces.join('')), 'edge', [7])),
        );
      }),
    );
  });

  it.each([
    ['nothing', ''],
    [
      'no last boundary',
      write([['a', Buffer.from('x')]], 'edge')
        .toString()
        .replace('--edge--', ''),
    ],
    ['no name', '--edge\r\nContent-Type: a/b\r\n\r\nx\r\n--edge--'],
    ['an endless header', `--edge\r\n${'x'.repeat(20_000)}`],
    ['an endless preamble', 'x'.repeat(200_000)],
    [
      'many parts',
      write(
        Array.from({ length: 40 }, (_, i) => [`p${i}`, Buffer.from('')] as const),
        'edge',
      ).toString(),
    ],
    ['text behind a boundary', '--edge and more\r\n\r\n'],
  ])('refuses a body with %s', async (_what, text) => {
    expect(await codeOf(readAll(Buffer.from(text), 'edge'))).toBe('request-malformed');
  });

  it('reads boundaries as RFC 2046 has them', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc');
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b:c"')).toBe('a b:c');
    expect(boundaryOf('application/octet-stream')).toBeUndefined();
    for (const bad of [
      'multipart/form-data',
      'multipart/form-data; boundary=',
      `multipart/form-data; boundary=${'x'.repeat(71)}`,
    ]) {
      expect(() => boundaryOf(bad)).toThrow(/names no boundary/);
    }
  });
});
