import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environment } from '../../../src/apps/artwork/environment.js';
import { readSettings } from '../../../src/apps/artwork/settings.js';
import { resolveConfig } from '../../../src/config.js';

const environments = { artwork: environment };
const secret = 'a secret of sixteen characters';
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-artwork-env-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const resolve = (env: Record<string, string>, flags: Record<string, unknown> = {}) =>
  readSettings(resolveConfig({ env, flags, folder, environments }).apps.artwork ?? {});

describe('the settings of the artwork app', () => {
  it('have defaults', () => {
    expect(readSettings({ model: 'other' })).toEqual({
      model: 'other',
      'callback-limit-hours': 24,
      'allowed-hosts': [],
      'max-entries': 1_000,
      'max-inflated-mb': 512,
      'max-pixels': 100_000_000,
      'package-timeout-seconds': 3_600,
      'keep-days': 30,
    });
  });

  it.each([{}, { only: 'artwork' }])('are set by variables of their own, over the file, %j', (flags) => {
    writeFileSync(
      join(folder, 'vitrina.yaml'),
      'apps: {artwork: {keep-days: 9, max-entries: 5}, spam: {vectorizer: tfidf}}',
    );
    const env = {
      VITRINA_ARTWORK_TOKEN: secret,
      VITRINA_ARTWORK_CALLBACK_URL: 'https://saturno.example/done?k=1',
      VITRINA_ARTWORK_CALLBACK_SECRET: `${secret}!`,
      VITRINA_ARTWORK_CALLBACK_LIMIT_HOURS: '48',
      VITRINA_ARTWORK_ANNOUNCE_URL: '',
      VITRINA_ARTWORK_ALLOWED_HOSTS: 'saturno.example, 10.1.0.0/16,[::1]',
      VITRINA_ARTWORK_IMAGE_MODEL: '7',
      VITRINA_ARTWORK_KEEP_DAYS: '0',
    };
    expect(resolve(env, flags)).toMatchObject({
      token: secret,
      'callback-url': 'https://saturno.example/done?k=1',
      'callback-secret': `${secret}!`,
      'callback-limit-hours': 48,
      'allowed-hosts': ['saturno.example', '10.1.0.0/16', '[::1]'],
      'image-model': '7',
      'keep-days': 0,
      'max-entries': 5,
    });
    const { apps, port } = resolveConfig({ env: { ...env, VITRINA_PORT: '81' }, flags, folder, environments });
    expect([apps.spam, port]).toEqual([{ vectorizer: 'tfidf' }, 81]);
  });

  it('that nobody knows, or that do not fit, are refused by name and without their secrets', () => {
    expect(() => resolve({ VITRINA_ARTWORK_TOKN: secret })).toThrow('there is no setting "apps.artwork.tokn"');
    expect(() => resolve({ VITRINA_ARTWORK_KEEP_DAYS: 'ten' })).toThrow(
      'apps.artwork.keep-days is "ten"; expected a whole',
    );
    expect(() => resolve({ VITRINA_ARTWORK_TOKEN: 'short' })).toThrow(/token is unusable; expected a text of sixteen/);
    expect(() => readSettings({ 'announce-url': 'https://u:hunter2@a.example' })).toThrow(/^(?!.*hunter2)/);
    for (const url of ['ftp://a.example', 'a.example', 5]) {
      expect(() => readSettings({ 'announce-url': url })).toThrow('expected an http or https address');
    }
    for (const hosts of ['a.example', ['https://a.example'], ['a b'], [5]]) {
      expect(() => readSettings({ 'allowed-hosts': hosts })).toThrow('expected a list of hosts');
    }
  });

  it('need a secret where callbacks are made', () => {
    const url = { 'callback-url': 'https://saturno.example/' };
    expect(() => readSettings(url)).toThrow(
      'VITRINA_ARTWORK_CALLBACK_SECRET is not set, and VITRINA_ARTWORK_CALLBACK_URL is',
    );
    expect(readSettings({ ...url, 'callback-secret': secret })).toMatchObject(url);
  });

  it('of another app’s prefix are left to the server, which knows none of them', () => {
    expect(() => resolve({ VITRINA_ARTWORKS: '1' })).toThrow('there is no setting "artworks"');
  });
});
