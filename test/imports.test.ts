import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src');

/** The floors of the house, top first. A file imports from its own floor or from below. */
const floors: readonly (readonly [name: string, files: RegExp])[] = [
  ['cli', /^cli\//],
  ['cluster', /^cluster\//],
  ['server', /^(server|worker|job-thread)\.ts$/],
  ['apps', /^apps\//],
  ['composition', /^app\.ts$/],
  ['index', /^index\.ts$/],
  ['routes', /^(routes|plugins|grpc)\//],
  ['services', /^services\//],
  ['work', /^(runtime|storage|learn|http)\//],
  ['convert', /^convert\//],
  ['formats', /^formats\//],
  ['featurizers', /^featurizers\//],
  ['ground', /^[a-z-]+\.ts$/],
];
const floorOf = (file: string) => floors.findIndex(([, files]) => files.test(file));

/** Relative imports of a source text; `import type` counts, since a direction is a direction. */
function importsOf(text: string): string[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

/** What breaks a rule when `file` (relative to src) imports `specifier`; nothing when it may. */
function faultOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) {
    if (specifier.startsWith('onnxruntime') && !file.startsWith('runtime/')) return `${file} imports ${specifier}`;
    return undefined;
  }
  const target = relative(source, resolve(source, dirname(file), specifier)).replace(/\.js$/, '.ts');
  if (/^apps\/.*\//.test(file)) {
    const own = file.split('/').slice(0, 2).join('/');
    if (!target.startsWith(`${own}/`) && target !== 'index.ts')
      return `${file} imports ${target}, past the public interface`;
  }
  return floorOf(target) < floorOf(file) ? `${file} imports ${target}, which lies above it` : undefined;
}

const files = (readdirSync(source, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'));

describe('imports', () => {
  it('go down only', () => {
    const faults = files.flatMap((file) =>
      importsOf(readFileSync(join(source, file), 'utf8')).flatMap((specifier) => faultOf(file, specifier) ?? []),
    );
    expect(files.length).toBeGreaterThan(50);
    expect(faults).toEqual([]);
  });

  it('knows every file’s floor', () => {
    expect(files.filter((file) => floorOf(file) === -1)).toEqual([]);
  });

  it('would be caught going up', () => {
    expect(faultOf('formats/pickle/index.ts', '../../convert/index.js')).toBeDefined();
    expect(faultOf('convert/index.ts', '../runtime/index.js')).toBeDefined();
    expect(faultOf('services/batching/batcher.ts', '../../routes/models.js')).toBeDefined();
    expect(faultOf('services/batching/batcher.ts', 'onnxruntime-node')).toBeDefined();
    expect(faultOf('apps/shock/index.ts', '../../services/batching/batcher.js')).toBeDefined();
    expect(faultOf('apps/shock/index.ts', '../../index.js')).toBeUndefined();
    expect(
      importsOf("import { a }\n from './x.js';\nexport * from './y.js';\nawait import('./z.js');\nimport './w.js';"),
    ).toEqual(['./x.js', './y.js', './z.js', './w.js']);
  });

  it.each(['vitrina/convert', 'vitrina/formats'])('%s loads without ONNX Runtime', (name) => {
    const script = `await import(${JSON.stringify(name)});
      const native = process.report.getReport().sharedObjects.filter((file) => file.includes('onnxruntime'));
      if (native.length > 0) throw new Error(native.join());`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('would notice that ONNX Runtime was loaded', () => {
    const script = `await import('./dist/runtime/index.js');
      process.exitCode = process.report.getReport().sharedObjects.some((file) => file.includes('onnxruntime')) ? 7 : 0;`;
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root }).status).toBe(7);
  });
});
