/** `docs/operations.md` names nothing that is not there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { settings } from '../../src/config.js';
import { catalogue } from '../../src/errors.js';
import { root } from './python-tools.js';

const text = readFileSync(join(root, 'docs/operations.md'), 'utf8');
const namesIn = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map((match) => match[1]!))];

describe('the guide to operations', () => {
  it('names metrics that are counted', () => {
    const metrics = namesIn(/\b((?:vitrina|nodejs|process)_[a-z_]+)\b/g);
    expect(metrics.length).toBeGreaterThan(10);
    const counted = readFileSync(join(root, 'docs/observability.md'), 'utf8');
    expect(metrics.filter((name) => !counted.includes(`| \`${name}\` |`))).toEqual([]);
  });

  it('names settings that are read', () => {
    const variables = namesIn(/\b(VITRINA_[A-Z_]+)\b/g).map((name) => name.slice(8).toLowerCase().replaceAll('_', '-'));
    const ofArtwork = readFileSync(join(root, 'src/apps/artwork/settings.ts'), 'utf8');
    const isArtworks = (name: string) => new RegExp(`^  '?${name.replace(/^artwork-/, '')}'?: `, 'm').test(ofArtwork);
    expect(variables.filter((name) => !Object.hasOwn(settings, name) && !isArtworks(name))).toEqual([]);
    const inTicks = namesIn(/`((?:database|job|jwt|keep|max|memory|queue|stop|stream|upload|token)-[a-z-]+)`/g);
    expect(inTicks.length).toBeGreaterThan(10);
    const known = [...Object.keys(settings), ...Object.keys(catalogue)];
    expect(inTicks.filter((name) => !known.includes(name) && !isArtworks(name))).toEqual([]);
  });

  it('names errors of the catalogue', () => {
    const codes = namesIn(/`((?:storage|queue|model)-(?:unavailable|full|damaged|login-refused|mismatch|not-ready))`/g);
    expect(codes.length).toBeGreaterThan(4);
    expect(codes.filter((code) => !Object.hasOwn(catalogue, code))).toEqual([]);
  });

  it('shows commands that there are, with flags that they take', async () => {
    const program = new Command();
    for (const name of ['serve', 'work', 'jobs', 'keys', 'migrate', 'backup', 'restore', 'verify', 'bench']) {
      const module = (await import(`../../src/cli/${name}.ts`)) as { register(program: Command): void };
      module.register(program);
    }
    const shown = [...text.matchAll(/(?:^|`|-u vitrina )vitrina ([a-z][^`#\n]*)/gm)].map((match) => match[1]!.trim());
    expect(shown.length).toBeGreaterThan(12);
    for (const line of shown) {
      let command: Command | undefined = program;
      const words = line.split(/\s+/);
      while (command !== undefined && command.commands.length > 0 && words.length > 0) {
        const word = words.shift()!;
        command = command.commands.find((one) => one.name() === word);
      }
      expect([line, command !== undefined]).toEqual([line, true]);
      for (const flag of words.filter((word) => word.startsWith('-'))) {
        expect([line, command!.options.some(({ short, long }) => short === flag || long === flag)]).toEqual([
          line,
          true,
        ]);
      }
    }
  });
});
