/**
 * `npx tsx scripts/make-fixtures/measure.ts FOLDER…`: replays every case of the manifests below the folders and writes
 * `measured.json` beside this file: for each estimator, the releases whose files were compared, how many cases, and how
 * far the numbers were off. `npm run docs` makes the list of what converts from it.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { estimatorRegistry } from '../../src/convert/sklearn/registry.js';
import { type ManifestCase, readManifest, runCase } from '../../src/services/loading/manifest.js';

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

/** Classes moved within their library: a file of scikit-learn 0.19 says `sklearn.ensemble.forest`. */
const keyOf = (id: string) => `${id.slice(0, id.indexOf('.'))} ${id.slice(id.lastIndexOf('.') + 1)}`;
const registered = new Map([...estimatorRegistry.keys()].map((id) => [keyOf(id), id]));

interface Described extends ManifestCase {
  readonly estimators?: readonly string[];
  readonly version: string;
  readonly inputs?: readonly { readonly dtype: string }[];
}

const found = new Map<string, { versions: Set<string>; cases: number; difference: number }>();
let differing = 0;
for (const manifest of process.argv.slice(2).flatMap(manifestsBelow)) {
  for (const entry of readManifest(manifest) as Described[]) {
    const { estimators = [], version, inputs } = entry;
    const converted = [...new Set(estimators.flatMap((id) => registered.get(keyOf(id)) ?? []))];
    if (converted.length === 0) continue;
    const { verdict, maxOff, message } = await runCase(manifest, entry);
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
      // On float32 rows scikit-learn computes in float32, and what is served in float64.
      const single = inputs?.some(({ dtype }) => dtype === 'float32') ?? false;
      if (converted.length === 1 && !single) known.difference = Math.max(known.difference, maxOff ?? 0);
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
