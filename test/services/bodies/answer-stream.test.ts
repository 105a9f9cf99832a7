import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AnswerStream } from '../../../src/services/bodies/answer-stream.js';

const open = (limit = 2 ** 30) => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-spool-'));
  return { folder, answer: new AnswerStream({ folder, limit }) };
};
const piece = (i: number) => Buffer.alloc(65_536, i % 256);

async function readAll(answer: AnswerStream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const bytes of answer.readable) pieces.push(bytes as Buffer);
  return Buffer.concat(pieces);
}

describe('an answer', () => {
  it('that is soon done is whole', async () => {
    const { answer } = open();
    await answer.write(Buffer.from('a'), () => true);
    await answer.write(Buffer.from('b'), () => true);
    answer.end();
    await answer.begun;
    expect(Buffer.from(answer.whole!).toString()).toBe('ab');
  });

  it('that fails before it begins is an error, and nothing else', async () => {
    const { answer } = open();
    await answer.write(Buffer.from('a'), () => true);
    await answer.fail(new Error('wrong'), Buffer.from('last'));
    await expect(answer.begun).rejects.toThrow('wrong');
    expect(answer.whole).toBeUndefined();
  });

  it('that fails later ends with its last line, or is cut', async () => {
    for (const last of [Buffer.from('last'), undefined]) {
      const { answer } = open();
      await answer.write(Buffer.from('a'), () => true);
      await answer.begun;
      await answer.fail(new Error('wrong'), last);
      if (last === undefined) await expect(readAll(answer)).rejects.toThrow('wrong');
      else expect((await readAll(answer)).toString()).toBe('alast');
    }
  });

  it('that nobody reads while the body arrives goes to a file, and comes back in order', async () => {
    const { answer, folder } = open();
    for (let i = 0; i < 60; i++) await answer.write(piece(i), () => true);
    expect(answer.readable.readableLength).toBeLessThan(10 * 65_536);
    expect(readdirSync(folder)).toEqual([]);
    const reading = readAll(answer);
    for (let i = 60; i < 80; i++) await answer.write(piece(i), () => false);
    answer.end();
    expect((await reading).equals(Buffer.concat(Array.from({ length: 80 }, (_, i) => piece(i))))).toBe(true);
  });

  it('waits for its reader when the body is there, and beyond the limit of the file', async () => {
    for (const sending of [false, true]) {
      const { answer } = open(sending ? 65_536 : 2 ** 30);
      let written = 0;
      const writing = (async () => {
        for (; written < 40; written++) await answer.write(piece(written), () => sending);
        answer.end();
      })();
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(written).toBeLessThan(12);
      expect((await readAll(answer)).length).toBe(40 * 65_536);
      await writing;
    }
  });

  it('is no longer written when its reader has left', async () => {
    const { answer } = open();
    const writing = (async () => {
      for (let i = 0; i < 40; i++) await answer.write(piece(i), () => false);
    })();
    await answer.begun;
    answer.readable.destroy();
    await writing;
    expect(answer.closed).toBe(true);
  });
});
