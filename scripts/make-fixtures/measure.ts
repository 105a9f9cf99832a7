/**
 * `npx tsx scripts/make-fixtures/measure.ts FOLDER…`: replays every case of the manifests below the folders and writes
 * `measured.json` beside this file: for each estimator, the releases whose files were compared, how many cases, and how
 * far the numbers were off. `npm run docs` makes the list of what converts from it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { estimatorRegistry } from '../../src/convert/sklearn/registry.js';
import { readManifest, runCase } from '../../src/services/manifest.js';

export interface Measured {
  /** Releases of the library, oldest first. */
  readonly versions: readonly string[];
  readonly cases: number;
  /** Largest difference, absolute or relative to the expected value, whichever is smaller; 0 is equal to the last bit. */
  readonly difference: number;
}

const file = join(import.meta.dirname, 'measured.json');

/** `1.10` comes after `1.9`. */
const byRelease = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

const manifestsBelow = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((path) => /(^|\/)manifest\.json$/.test(path))
    .map((path) => join(folder, path));

const found = new Map<string, { versions: Set<string>; cases: number; difference: number }>();
let differing = 0;
for (const manifest of process.argv.slice(2).flatMap(manifestsBelow)) {
  const { cases } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    cases: { estimators?: string[]; version: string }[];
  };
  for (const [i, entry] of readManifest(manifest).entries()) {
    const { estimators = [], version } = cases[i]!;
    const converted = estimators.filter((id) => estimatorRegistry.has(id));
    if (converted.length === 0) continue;
    const { verdict, maxAbs, maxRel, message } = await runCase(manifest, entry);
    if (verdict !== 'equal') {
      if (verdict !== 'refused') {
        differing++;
        process.stdout.write(`${entry.id}: ${verdict}: ${message.slice(0, 200)}\n`);
      }
      continue;
    }
    const release = version.split('.').slice(0, 2).join('.');
    for (const id of converted) {
      const known = found.get(id) ?? { versions: new Set(), cases: 0, difference: 0 };
      known.versions.add(release);
      known.cases++;
      // What a part of a pipeline is off cannot be told from the whole.
      if (converted.length === 1) known.difference = Math.max(known.difference, Math.min(maxAbs ?? 0, maxRel ?? 0));
      found.set(id, known);
    }
  }
}
const measured: Record<string, Measured> = {};
for (const [id, { versions, cases, difference }] of [...found].sort(([a], [b]) => a.localeCompare(b))) {
  measured[id] = { versions: [...versions].sort(byRelease), cases, difference: Number(difference.toPrecision(2)) };
}
writeFileSync(file, `${JSON.stringify(measured, null, 1)}\n`);
process.stdout.write(`${found.size} of ${estimatorRegistry.size} estimators; ${differing} cases differ\n`);
