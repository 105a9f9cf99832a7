import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { readPolicy } from '../../../src/services/traffic/policy.js';
import { PolicyStore } from '../../../src/services/traffic/policy-store.js';

describe('a traffic policy', () => {
  it('is read with its defaults', () => {
    expect(readPolicy({ canary: { version: '3', weight: 0.1 }, sticky: 'X-User-Id' })).toEqual({
      canary: { version: '3', weight: 0.1 },
      sticky: 'x-user-id',
    });
    expect(readPolicy({ shadow: { version: 4 } })).toEqual({
      shadow: { version: '4', fraction: 1, tolerance: 1e-6 },
    });
  });

  it.each([
    ['nothing', {}, 'names neither a canary nor a shadow'],
    ['a list', [], 'expected an object with canary, sticky, shadow'],
    ['a weight above 1', { canary: { version: '3', weight: 1.5 } }, 'canary.weight: expected a share'],
    [
      'no weight',
      { canary: { version: '3' } },
      'canary.weight: expected a share of the requests, a number from 0 to 1, and it is missing',
    ],
    ['a version that is none', { canary: { version: '../3', weight: 0.1 } }, 'canary.version: expected the number'],
    ['a header that is none', { canary: { version: '3', weight: 0.1 }, sticky: 'x y' }, 'sticky: expected the name'],
    ['a sticky shadow', { shadow: { version: '3' }, sticky: 'x-user' }, 'sticky: keeps callers with a canary'],
    ['a field too many', { shadow: { version: '3', weight: 1 } }, 'shadow.weight: is unknown'],
    ['a negative tolerance', { shadow: { version: '3', tolerance: -1 } }, 'shadow.tolerance: expected a number'],
  ])('is refused with %s', (_name, body, words) => {
    expect(() => readPolicy(body)).toThrow(words);
  });

  it('is read or refused, whatever is sent', () => {
    const part = fc.dictionary(
      fc.constantFrom('version', 'weight', 'fraction', 'tolerance', '__proto__'),
      fc.jsonValue(),
    );
    const body = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('canary', 'sticky', 'shadow', 'x'), fc.oneof(part, fc.jsonValue())),
    );
    fc.assert(
      fc.property(body, (given) => {
        try {
          const policy = readPolicy(given);
          expect(readPolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
        } catch (error) {
          expect(error).toBeInstanceOf(VitrinaError);
        }
      }),
    );
  });
});

describe('the store of policies', () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'vitrina-traffic-'));

  it('gives back what was written, and nothing once it is removed', async () => {
    const path = folder();
    const store = new PolicyStore(path);
    expect([store.models(), store.read('churn'), await store.generation()]).toEqual([[], undefined, '']);
    const policy = readPolicy({ canary: { version: '3', weight: 0.25 } });
    store.write('churn', policy);
    const first = await store.generation();
    expect([new PolicyStore(path).models(), new PolicyStore(path).read('churn')]).toEqual([['churn'], policy]);
    expect(readdirSync(join(path, 'churn'))).toEqual(['traffic.json']);
    store.remove('churn');
    expect(store.read('churn')).toBeUndefined();
    expect(await store.generation()).not.toBe(first);
  });

  it.each(['', '{', '{"canary": {"version": "1", "weight": 7}}', 'null'])('refuses a file that holds %j', (text) => {
    const path = folder();
    mkdirSync(join(path, 'churn'));
    writeFileSync(join(path, 'churn', 'traffic.json'), text);
    expect(() => new PolicyStore(path).read('churn')).toThrow(/traffic\.json: it holds no traffic policy/);
  });
});
