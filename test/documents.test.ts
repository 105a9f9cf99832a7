import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents } from '../scripts/documents.js';
import { catalogue } from '../src/errors.js';

const root = resolve(import.meta.dirname, '..');
const filesOf = (folder: string, ending: RegExp) =>
  (readdirSync(join(root, folder), { recursive: true }) as string[])
    .filter((file) => ending.test(file) && !file.includes('node_modules'))
    .map((file) => join(root, folder, file));

describe('the documents', () => {
  it.each(Object.entries(documents()))('%s is what `npm run docs` writes', (file, text) => {
    expect(readFileSync(join(root, file), 'utf8')).toBe(text);
  });

  it('link to files that are there', () => {
    const broken = [...filesOf('docs', /\.md$/), join(root, 'README.md'), join(root, 'CONTRIBUTING.md')].flatMap(
      (file) =>
        [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#]+)\)/g)]
          .map((match) => match[1]!)
          .filter((target) => !/^https?:/.test(target))
          .filter((target) => {
            try {
              return readFileSync(resolve(file, '..', target)).length === 0;
            } catch (error) {
              return (error as NodeJS.ErrnoException).code !== 'EISDIR';
            }
          })
          .map((target) => `${file}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

describe('the catalogue of errors', () => {
  it('has no entry that nothing throws', () => {
    const source = filesOf('src', /\.ts$/)
      .filter((file) => file !== join(root, 'src/errors.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    expect(Object.keys(catalogue).filter((code) => !source.includes(`'${code}'`))).toEqual([]);
  });

  it('has texts that end with what to do, or at least with a full stop', () => {
    const table = documents()
      ['docs/errors.md']!.split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(table).toHaveLength(Object.keys(catalogue).length);
    for (const line of table) expect(line).toMatch(/[.?}] \|$/);
  });
});
