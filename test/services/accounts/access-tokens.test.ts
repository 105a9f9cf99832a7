import { createHmac, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { EncryptJWT, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  AccessTokens,
  defaultTokenSettings,
  type TokenSettings,
} from '../../../src/services/accounts/access-tokens.js';
import { deriveKey } from '../../../src/services/accounts/signing-keys.js';

const secret = Buffer.alloc(32, 7);
const now = Date.parse('2026-01-01T00:00:00Z');
const made = (settings: Partial<TokenSettings>, ...secrets: Buffer[]) => {
  const all = secrets.map(deriveKey);
  return AccessTokens.create(async () => ({ current: all[0]!, all }), { ...defaultTokenSettings, ...settings }, now);
};
const tokens = await made({}, secret);
const ana = { username: 'ana', userId: 3, version: 0, family: 'f' };
const { token } = await tokens.issue(ana, now);

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = {
  id: 3,
  ver: 0,
  fam: 'f',
  sub: 'ana',
  iss: 'vitrina',
  aud: 'vitrina',
  iat: now / 1000,
  exp: now / 1000 + 1200,
};
/** A token signed with the right secret, whatever it says. */
function signed(payload: unknown, header: unknown = { alg: 'HS256', typ: 'JWT' }): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
const why = (reason: string) =>
  expect.objectContaining({ code: 'token-invalid', status: 401, fields: { why: reason } });

describe('access tokens', () => {
  it('say who it is, for twenty minutes', async () => {
    expect(await tokens.verify(token, now)).toEqual({ ...ana, expiresAt: now + 20 * 60_000 });
    expect(await tokens.verify(token, now + 20 * 60_000 - 1000)).toMatchObject(ana);
    await expect(tokens.verify(token, now + 20 * 60_000)).rejects.toEqual(why('expired'));
  });

  it('are plain JWTs, readable by clients of other servers', () => {
    const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    expect(JSON.parse(header!)).toEqual({ alg: 'HS256', typ: 'JWT', kid: deriveKey(secret).kid });
    expect(JSON.parse(payload!)).toEqual(claims);
    expect(signed(claims)).not.toBe('');
  });

  it('carry the challenge of RFC 6750 when they are refused', async () => {
    await expect(tokens.verify('x', now)).rejects.toMatchObject({ headers: { 'WWW-Authenticate': 'Bearer' } });
  });

  it('made by hand with the right secret are accepted, so that the refusals below are for the reason they name', async () => {
    expect(await tokens.verify(signed(claims), now)).toMatchObject(ana);
  });

  it.each([
    ['no signature', new UnsecuredJWT(claims).encode(), 'signature'],
    ['alg none with the signature left in place', signed(claims, { alg: 'none' }), 'signature'],
    ['alg None', signed(claims, { alg: 'None' }), 'signature'],
    ['another HMAC', signed(claims, { alg: 'HS512' }), 'signature'],
    ['alg RS256', signed(claims, { alg: 'RS256' }), 'signature'],
    ['no alg', signed(claims, { typ: 'JWT' }), 'malformed'],
    ['an unknown critical header', signed(claims, { alg: 'HS256', crit: ['x'], x: 1 }), 'malformed'],
    ['another issuer', signed({ ...claims, iss: 'elsewhere' }), 'foreign'],
    ['another audience', signed({ ...claims, aud: 'elsewhere' }), 'foreign'],
    ['no issuer', signed({ ...claims, iss: undefined }), 'foreign'],
    ['no expiry', signed({ ...claims, exp: undefined }), 'foreign'],
    ['an expiry that is a text', signed({ ...claims, exp: '9999999999' }), 'foreign'],
    ['no user', signed({ ...claims, sub: undefined }), 'foreign'],
    ['a user’s number that is a text', signed({ ...claims, id: '3' }), 'foreign'],
    ['a user’s number with a fraction', signed({ ...claims, id: 3.5 }), 'foreign'],
    ['no version', signed({ ...claims, ver: undefined }), 'foreign'],
    ['no login', signed({ ...claims, fam: undefined }), 'foreign'],
    ['a start in the future', signed({ ...claims, nbf: now / 1000 + 60 }), 'foreign'],
    ['a list for claims', signed([1, 2]), 'malformed'],
    ['nothing in it', '', 'malformed'],
    ['two dots', '..', 'malformed'],
  ])('with %s are refused', async (_what, forged, reason) => {
    await expect(tokens.verify(forged, now)).rejects.toEqual(why(reason));
  });

  it('signed with another secret or with a key pair are refused', async () => {
    const other = await made({}, Buffer.alloc(32, 8));
    await expect(tokens.verify((await other.issue(ana, now)).token, now)).rejects.toEqual(why('signature'));
    const stranger = new SignJWT({ sub: 'ana', id: 3 }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
    await expect(tokens.verify(await stranger.sign(Buffer.alloc(32, 8)), now)).rejects.toEqual(why('foreign'));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const foreign = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    await expect(tokens.verify(foreign, now)).rejects.toEqual(why('signature'));
  });

  it('are refused when any one character is another', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const position = fc.integer({ min: 0, max: token.length - 1 });
    await fc.assert(
      fc.asyncProperty(position, fc.constantFrom(...alphabet), async (at, letter) => {
        // The last character of the signature has four bits that base64url ignores; what counts is the bytes.
        fc.pre(token[at] !== '.' && token[at] !== letter && at !== token.length - 1);
        await expect(tokens.verify(token.slice(0, at) + letter + token.slice(at + 1), now)).rejects.toMatchObject({
          code: 'token-invalid',
        });
      }),
      { numRuns: 300 },
    );
  });

  it('of any other text are refused with 401 and never fail otherwise', async () => {
    const noise = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.array(fc.base64String(), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.')),
      fc.json().map((text) => `${encode({ alg: 'HS256' })}.${Buffer.from(text).toString('base64url')}.x`),
      fc.json().map((text) => `${Buffer.from(text).toString('base64url')}.${encode(claims)}.x`),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (text) => {
        await expect(tokens.verify(text, now)).rejects.toMatchObject({ code: 'token-invalid', status: 401 });
      }),
      { numRuns: 500 },
    );
  });

  it('of a secret that was replaced stay valid while it is known, and no longer', async () => {
    const next = Buffer.alloc(32, 9);
    const both = await made({}, next, secret);
    expect(await both.verify(token, now)).toMatchObject(ana);
    expect(await both.verify(signed(claims), now)).toMatchObject(ana);
    const renewed = (await both.issue(ana, now)).token;
    await expect(tokens.verify(renewed, now)).rejects.toEqual(why('signature'));
    await expect((await made({}, next)).verify(token, now)).rejects.toEqual(why('signature'));
  });

  it('of a secret that another process has made are accepted once it is read', async () => {
    const all = [deriveKey(secret)];
    const keys = () => ({ current: all[0]!, all: [...all] });
    const here = await AccessTokens.create(async () => keys(), defaultTokenSettings, now);
    all.unshift(deriveKey(Buffer.alloc(32, 9)));
    const there = await AccessTokens.create(async () => keys(), defaultTokenSettings, now);
    const { token: newer } = await there.issue(ana, now);
    // Strangers who name keys that nobody has cannot make the server read them all the time.
    await expect(here.verify(newer, now + 10)).rejects.toEqual(why('signature'));
    expect(await here.verify(newer, now + 1000)).toMatchObject(ana);
    // What is issued here follows within a minute.
    expect((await here.issue(ana, now + 120_000)).token.split('.')[0]).toBe(newer.split('.')[0]);
  });
});

describe('encrypted access tokens', async () => {
  const encrypted = await made({ encrypted: true }, secret);
  const { token: sealed } = await encrypted.issue(ana, now);

  it('say who it is to the server, and nothing to anybody else', async () => {
    expect(await encrypted.verify(sealed, now)).toEqual({ ...ana, expiresAt: now + 20 * 60_000 });
    const [header, key, ...rest] = sealed.split('.');
    expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      typ: 'JWT',
      kid: deriveKey(secret).kid,
    });
    expect(key).toBe('');
    for (const part of rest) expect(Buffer.from(part, 'base64url').toString('latin1')).not.toContain('ana');
    await expect(encrypted.verify(sealed, now + 20 * 60_000)).rejects.toEqual(why('expired'));
  });

  it('are the only ones accepted where they are asked for, and nowhere else', async () => {
    await expect(encrypted.verify(token, now)).rejects.toEqual(why('malformed'));
    await expect(encrypted.verify(signed(claims), now)).rejects.toEqual(why('malformed'));
    await expect(tokens.verify(sealed, now)).rejects.toEqual(why('malformed'));
  });

  it('of another key, audience or algorithm are refused', async () => {
    const other = await made({ encrypted: true }, Buffer.alloc(32, 8));
    await expect(encrypted.verify((await other.issue(ana, now)).token, now)).rejects.toEqual(why('signature'));
    const elsewhere = await made({ encrypted: true, audience: 'elsewhere' }, secret);
    await expect(encrypted.verify((await elsewhere.issue(ana, now)).token, now)).rejects.toEqual(why('foreign'));
    const { encrypting } = deriveKey(secret);
    const weak = await new EncryptJWT(claims)
      .setProtectedHeader({ alg: 'dir', enc: 'A128CBC-HS256' })
      .encrypt(encrypting);
    await expect(encrypted.verify(weak, now)).rejects.toMatchObject({ code: 'token-invalid' });
    const wrapped = await new EncryptJWT(claims)
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM' })
      .encrypt(encrypting);
    await expect(encrypted.verify(wrapped, now)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('are refused when any one byte is another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 2), async (at) => {
        // The last character of a part may have bits that base64url ignores; what counts is the bytes.
        fc.pre(sealed[at] !== '.' && sealed[at + 1] !== '.');
        const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
        await expect(encrypted.verify(changed, now)).rejects.toMatchObject({ code: 'token-invalid', status: 401 });
      }),
      { numRuns: 200 },
    );
  });
});
