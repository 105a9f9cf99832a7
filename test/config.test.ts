import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nearest, resolveConfig } from '../src/config.js';

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-config-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe('resolveConfig', () => {
  it('puts flags over environment over .env over vitrina.yaml over defaults', () => {
    const folder = folderWith({
      'vitrina.yaml': 'port: 1\nhost: yaml\ndata: yaml\nlog-level: info\napps: {shock: {window: 30}}',
      '.env': 'VITRINA_HOST=dotenv\nVITRINA_DATA=dotenv\nVITRINA_PORT=2\nOTHER=1',
    });
    const config = resolveConfig({ folder, env: { VITRINA_PORT: '3', VITRINA_DATA: 'env' }, flags: { data: 'flag' } });
    expect(config).toMatchObject({
      data: 'flag',
      port: 3,
      host: 'dotenv',
      'log-level': 'info',
      'body-limit': 8 * 2 ** 20,
    });
    expect(config.apps).toEqual({ shock: { window: 30 } });
  });

  it('is frozen, to the last mapping', () => {
    const config = resolveConfig({ flags: { apps: { shock: { a: [1] } } } });
    expect(() => {
      (config.apps.shock as Record<string, unknown>).a = 2;
    }).toThrow(TypeError);
    expect(() => {
      (config as unknown as Record<string, unknown>).port = 1;
    }).toThrow(TypeError);
  });

  it('refuses unknown names with the nearest known one', () => {
    const folder = folderWith({ 'vitrina.yaml': 'prot: 1' });
    expect(() => resolveConfig({ folder })).toThrow('vitrina.yaml: there is no setting "prot"; did you mean "port"?');
    expect(() => resolveConfig({ env: { VITRINA_BODY_LIMT: '1' } })).toThrow('did you mean "body-limit"');
    expect(() => resolveConfig({ flags: JSON.parse('{"__proto__": 1}') })).toThrow('there is no setting "__proto__"');
  });

  it('refuses values that do not fit, and shows no secret', () => {
    expect(() => resolveConfig({ env: { VITRINA_PORT: '80a' } })).toThrow(
      'port is "80a"; expected a whole number from 0 to 65535',
    );
    expect(() => resolveConfig({ flags: { port: 70_000 } })).toThrow('expected a whole number');
    expect(() => resolveConfig({ flags: { 'log-level': 'loud' } })).toThrow('expected one of debug');
    const folder = folderWith({ 'vitrina.yaml': 'jwt-secret: 12345' });
    expect(() => resolveConfig({ folder })).toThrow(/^(?!.*12345)/);
    const env = { VITRINA_DATABASE_URL: 'postgres://ana:geheim@db:x/vitrina' };
    expect(() => resolveConfig({ env })).toThrow(/^(?!.*geheim).*database-url is unusable; expected postgres:/);
  });

  it('says when a file is no mapping, or no YAML', () => {
    expect(() => resolveConfig({ folder: folderWith({ 'vitrina.yaml': '- a' }) })).toThrow('expected a mapping');
    expect(() => resolveConfig({ folder: folderWith({ 'vitrina.yaml': 'a: [' }) })).toThrow('vitrina.yaml');
    expect(resolveConfig({ folder: folderWith({ 'vitrina.yaml': '' }) }).port).toBe(8000);
  });

  it('reads lists and switches from texts', () => {
    const config = resolveConfig({ env: { VITRINA_MODELS: 'a, b', VITRINA_WATCH: 'true' } });
    expect(config).toMatchObject({ models: ['a', 'b'], watch: true });
  });
});

describe('nearest', () => {
  it('knows slips from other words', () => {
    expect(nearest('hots', ['host', 'port'])).toBe('host');
    expect(nearest('completely-other', ['host', 'port'])).toBeUndefined();
  });
});
