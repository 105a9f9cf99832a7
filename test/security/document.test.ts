/** docs/security.md names tests: they exist, by the names that it gives them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const file = resolve(import.meta.dirname, '../../docs/security.md');
const named = [...readFileSync(file, 'utf8').matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+\.test\.ts)\)/g)].map(
  ([, name, path]) => ({ name: name!.replace(/\s+/g, ' '), path: path! }),
);

describe('docs/security.md', () => {
  it('names tests', () => {
    expect(named.length).toBeGreaterThan(40);
  });

  it.each(named.filter(({ name }) => name !== 'a test'))('names "$name"', ({ name, path }) => {
    const titles = [...readFileSync(resolve(file, '..', path), 'utf8').matchAll(/['`](.*?[^\\])['`][,\s]/g)];
    expect(titles.some(([, title]) => title!.replaceAll("\\'", "'").includes(name))).toBe(true);
  });
});
