/**
 * Bundles the program (`dist/program/`): with some thousand modules of dependencies in a few files, it starts in a
 * third of the time. The library (`dist/`) stays as the compiler wrote it.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const dist = join(import.meta.dirname, '../dist');
const program = join(dist, 'program');
rmSync(program, { recursive: true, force: true });
// What the spam app learns from, which the compiler passes over.
copyFileSync(join(dist, '../src/apps/spam/spam.csv'), join(dist, 'apps/spam/spam.csv'));

await build({
  entryPoints: {
    main: join(dist, 'cli/main.js'),
    'session-thread': join(dist, 'runtime/session-thread.js'),
    'converter-thread': join(dist, 'services/loading/converter-thread.js'),
    'scan-thread': join(dist, 'services/scanning/scan-thread.js'),
    'export-thread': join(dist, 'services/tracing/export-thread.js'),
    'hashing-thread': join(dist, 'services/accounts/hashing-thread.js'),
    'event-reader': join(dist, 'services/events/reader-thread.js'),
    'job-thread': join(dist, 'job-thread.js'),
    'session-process': join(dist, 'runtime/session-process.js'),
    'image-process': join(dist, 'apps/artwork/image-process.js'),
  },
  outdir: program,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  // Native addons, and packages that read files beside their own code.
  external: ['better-sqlite3', 'onnxruntime-node', '@node-rs/*', '@fastify/swagger-ui', '@grpc/*', 'pino', 'sharp'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

// Which code converts: the cache of conversions is kept apart by it.
const hash = createHash('sha256');
for (const folder of ['convert', 'formats']) {
  const root = join(dist, folder);
  for (const file of readdirSync(root, { recursive: true }).sort()) {
    if (file.endsWith('.js')) hash.update(file).update(readFileSync(join(root, file)));
  }
}
writeFileSync(join(dist, 'converter-revision'), hash.digest('hex').slice(0, 16));
