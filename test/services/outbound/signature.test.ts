import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sign, verifySignature } from '../../../src/services/outbound/signature.js';

const now = 1_700_000_000;
const verify = (header: string, body: string | Uint8Array = '{}', secret = 's3cret', at = now, tolerance = 300) =>
  verifySignature(secret, header, body, tolerance, at);
const good = sign('s3cret', now, '{}');
const hex = good.split('v1=')[1]!;
const secrets = fc.string({ minLength: 1 });
const seconds = fc.integer({ min: 0, max: 4_000_000_000 });

describe('a signature', () => {
  it('is HMAC-SHA256 of the time and the body', () => {
    const expected = createHmac('sha256', 's3cret').update(`${now}.{}`).digest('hex');
    expect(good).toBe(`t=${now},v1=${expected}`);
  });

  it('fits what it was made of, bytes and texts alike', () => {
    fc.assert(
      fc.property(secrets, seconds, fc.string({ unit: 'binary' }), (secret, at, body) => {
        const header = sign(secret, at, body);
        expect(verifySignature(secret, header, body, 0, at)).toBe(true);
        expect(verifySignature(secret, header, Buffer.from(body), 0, at)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(secrets, seconds, fc.uint8Array(), (secret, at, body) => {
        expect(verifySignature(secret, sign(secret, at, body), body, 0, at)).toBe(true);
      }),
    );
  });

  it('fits nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (body, at, flip) => {
        const other = Uint8Array.from(body);
        other[at % body.length]! ^= flip;
        expect(verify(sign('s3cret', now, body), other)).toBe(false);
      }),
    );
    fc.assert(
      fc.property(secrets, secrets, (one, two) => {
        // HMAC fills short keys up with zeros, so that those which differ in zeros at the end are the same.
        fc.pre(one.replace(/\0+$/, '') !== two.replace(/\0+$/, ''));
        expect(verify(sign(one, now, '{}'), '{}', two)).toBe(false);
      }),
    );
  });

  it('does not fit with any one character of it changed', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(character !== good[at]);
        expect(verify(`${good.slice(0, at)}${character}${good.slice(at + 1)}`)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('is of no use outside of its time, before and after', () => {
    for (const at of [now - 300, now, now + 300]) expect(verify(good, '{}', 's3cret', at)).toBe(true);
    for (const at of [now - 301, now + 301, 0]) expect(verify(good, '{}', 's3cret', at)).toBe(false);
  });

  it.each([
    ['with spaces', `t=${now}, v1=${hex}`, true],
    ['in another order', `v1=${hex},t=${now}`, true],
    ['of two secrets', `t=${now},v1=${'0'.repeat(64)},v1=${hex}`, true],
    ['of a later scheme too', `t=${now},v2=abc,v1=${hex}`, true],
    ['with two times', `t=${now},t=${now},v1=${hex}`, false],
    ['without a time', `v1=${hex}`, false],
    ['without a signature', `t=${now}`, false],
    ['of a later scheme alone', `t=${now},v2=${hex}`, false],
    ['with a short one', `t=${now},v1=${hex.slice(2)}`, false],
    ['with a long one', `t=${now},v1=${hex}00`, false],
    ['with no hex digits', `t=${now},v1=${'zz'.repeat(32)}`, false],
    ['with a time that is none', `t=1e9,v1=${hex}`, false],
    ['that is empty', '', false],
  ])('%s is judged', (_, header, expected) => {
    expect(verify(header)).toBe(expected);
  });

  it('is never a fault of the receiver, whatever it says', () => {
    fc.assert(fc.property(fc.string(), (header) => !verify(header)));
    const parts = fc.array(fc.constantFrom('t=', 'v1=', ',', `${now}`, hex, '=', '-', ' '));
    fc.assert(fc.property(parts, (words) => typeof verify(words.join('')) === 'boolean'));
  });
});
