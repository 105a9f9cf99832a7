import { describe, expect, it } from 'vitest';
import { ResponseHeads } from '../../src/http/response-head.js';

describe('heads of answers', () => {
  it('leave to Node what only Node refuses, whether the name was met before or not', () => {
    const heads = new ResponseHeads({});
    const write = (value: string | undefined) =>
      heads.write(200, { 'content-length': 1, 'x-a': value as string }, true, 5)?.text.match(/^x-a.*$/m)?.[0];
    expect([undefined, 'one', 'one', undefined, 'li\nne', 'two'].map(write)).toEqual([
      undefined,
      'x-a: one',
      'x-a: one',
      undefined,
      undefined,
      'x-a: two',
    ]);
    expect(heads.write(200, { 'content-length': 1, 'x-b': undefined }, true, 5)).toBeUndefined();
    expect(heads.write(200, { 'content-length': 1, 'x-b': undefined }, true, 5)).toBeUndefined();
  });
});
