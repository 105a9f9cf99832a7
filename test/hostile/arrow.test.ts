import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dictionary, Int8, Table, tableFromArrays, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../src/errors.js';
import { readArrow } from '../../src/formats/arrow/index.js';
import { readArrowRows } from '../../src/services/bodies/arrow-rows.js';
import type { ChunkRules } from '../../src/services/bodies/row-chunk.js';
import type { Signature } from '../../src/signature.js';
import { float16ToNumber } from '../../src/tensor.js';

const rules: ChunkRules = { rows: 64, shape: 'any', rowBytes: 10_000, batchBytes: 1_000_000 };
const signature: Signature = {
  inputs: [
    { name: 'a', dtype: 'float64', shape: [null] },
    { name: 'b', dtype: 'string', shape: [null], missing: 'NaN' },
    { name: 'c', dtype: 'int64', shape: [null, 1] },
    { name: 'd', dtype: 'bool', shape: [null] },
    { name: 'e', dtype: 'string', shape: [null] },
  ],
  outputs: [],
};

function sample(): { stream: Buffer; file: Buffer } {
  const table = new Table({
    a: vectorFromArray([1, 2.5, -3]),
    b: vectorFromArray(['x', null, 'a longer text than fits']),
    c: vectorFromArray([1n, -2n, 3n]),
    d: vectorFromArray([true, false, true]),
    e: vectorFromArray(['u', 'v', 'u'], new Dictionary(new Utf8(), new Int8())),
  });
  return { stream: Buffer.from(tableToIPC(table, 'stream')), file: Buffer.from(tableToIPC(table, 'file')) };
}

async function* piecesOf(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rowsOf(bytes: Uint8Array, form: 'stream' | 'file' = 'stream') {
  const data: Record<string, unknown[]> = {};
  for await (const { inputs } of readArrowRows(piecesOf(bytes), signature, rules, form)) {
    for (const [name, tensor] of Object.entries(inputs))
      data[name] = [...(data[name] ?? []), ...(tensor.data as Iterable<unknown>)];
  }
  return data;
}

/** A generator of the same numbers on every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('Arrow from strangers', () => {
  it('is read as it was written', async () => {
    const expected = {
      a: [1, 2.5, -3],
      b: ['x', '\uFDD0NaN', 'a longer text than fits'],
      c: [1n, -2n, 3n],
      d: [1, 0, 1],
      e: ['u', 'v', 'u'],
    };
    expect(await rowsOf(sample().stream)).toEqual(expected);
    expect(await rowsOf(sample().file, 'file')).toEqual(expected);
  });

  it.each(['pyarrow.arrows', 'pyarrow-lz4.arrows', 'feather.arrow', 'polars.arrows', 'polars.arrow'])(
    'is read as Python wrote it: %s',
    async (file) => {
      const bytes = readFileSync(join(import.meta.dirname, '../fixtures/arrow', file));
      expect(await rowsOf(bytes, file.endsWith('s') ? 'stream' : 'file')).toEqual({
        a: [1, 2.5, -3],
        b: ['x', '\uFDD0NaN', 'a longer text than a view holds'],
        c: [1n, -2n, 3n],
        d: [1, 0, 1],
        e: ['u', 'v', 'u'],
      });
    },
  );

  it('is refused by name where it is compressed by ZSTD', async () => {
    const bytes = readFileSync(join(import.meta.dirname, '../fixtures/arrow/pyarrow-zstd.arrows'));
    await expect(rowsOf(bytes)).rejects.toThrow('a body compressed by ZSTD, which is not read here');
  });

  it('is refused, or read, and nothing else, however its bytes are changed', async () => {
    const random = randomOf(1);
    const { stream, file } = sample();
    const extremes = [0, 1, 0x7f, 0x80, 0xff];
    const codes = new Map<string, number>();
    const before = process.memoryUsage().rss;
    for (let run = 0; run < 6000; run++) {
      const form = run % 3 === 0 ? 'file' : 'stream';
      const bytes = Buffer.from(form === 'file' ? file : stream);
      for (let change = random(3); change >= 0; change--) {
        const at = random(bytes.length - 8);
        const kind = random(4);
        if (kind === 0) bytes[at] = random(256);
        else if (kind === 1) bytes[at] = extremes[random(extremes.length)]!;
        else if (kind === 2) bytes.writeInt32LE(random(2) === 0 ? 0x7fffffff : -random(1000), at & ~3);
        else bytes.writeBigInt64LE(BigInt(random(2 ** 31)) << BigInt(random(33)), at & ~7);
      }
      const cut = random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
      try {
        await rowsOf(cut, form);
        codes.set('read', (codes.get('read') ?? 0) + 1);
      } catch (error) {
        if (!(error instanceof VitrinaError)) throw error;
        expect(error.status).toBeLessThan(500);
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
    }
    expect(codes.get('arrow-malformed')).toBeGreaterThan(500);
    expect(codes.get('read')).toBeGreaterThan(100);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
  }, 120_000);

  it('is not waited for, nor given memory, on its word alone', async () => {
    const huge = Buffer.from(sample().stream);
    // The length of the schema's metadata.
    huge.writeInt32LE(0x7ffffff0, 4);
    await expect(rowsOf(huge)).rejects.toThrow('a message of 2147483632 bytes');
    await expect(rowsOf(Buffer.from('ARROW1\0\0'))).rejects.toThrow('The Arrow data cannot be read');
    await expect(rowsOf(Buffer.alloc(0))).rejects.toThrow('it has no schema');
    await expect(rowsOf(sample().stream, 'file')).rejects.toThrow('a file begins with ARROW1');
    await expect(rowsOf(sample().stream.subarray(0, 300))).rejects.toThrow('cut short');
    const file = readFileSync(join(import.meta.dirname, '../fixtures/arrow/pyarrow.arrows'));
    const unended = Buffer.concat([Buffer.from('ARROW1\0\0'), file.subarray(0, file.length - 8)]);
    await expect(rowsOf(unended, 'file')).rejects.toThrow('cut short');
  });

  it('has batches no larger than the limit', async () => {
    const bytes = tableToIPC(tableFromArrays({ a: new Float64Array(10_000) }), 'stream');
    const read = async () => {
      for await (const batch of readArrow(piecesOf(bytes), 'stream', 10_000, float16ToNumber)) expect(batch).toBe(0);
    };
    await expect(read()).rejects.toThrow('a batch of 80000 bytes');
  });
});
