import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertKeras, readKerasArchive, readKerasHdf5 } from '../../src/convert/keras/index.js';
import { VitrinaError } from '../../src/errors.js';
import { openHdf5 } from '../../src/formats/hdf5/index.js';
import { openKerasArchive } from '../../src/formats/keras-archive/index.js';
import type { Conversion } from '../../src/signature.js';
import { differences } from './compare.js';

interface Case {
  readonly id: string;
  readonly family: string;
  readonly dir: string;
  readonly artefact: string;
  readonly kind: string;
  /** What the text of a refusal must say. */
  readonly says?: readonly string[];
}

async function convertFile(path: string): Promise<Conversion> {
  const bytes = readFileSync(path);
  return convertKeras(
    path.endsWith('.keras') ? readKerasArchive(await openKerasArchive(bytes)) : readKerasHdf5(openHdf5(bytes)),
  );
}

/** The cases of a manifest: every one gives Keras' own numbers, or is refused where it must be. */
function replay(root: string): void {
  const { cases } = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as { cases: Case[] };
  for (const { id, dir, artefact, kind, says = [] } of cases.filter(({ family }) => family === 'keras')) {
    if (kind === 'refuse') {
      it(`${id} is refused`, async () => {
        const error = await convertFile(join(root, artefact)).catch((refusal: unknown) => refusal);
        expect(error).toBeInstanceOf(VitrinaError);
        for (const words of says) expect((error as VitrinaError).message).toContain(words);
      });
    } else {
      it(`${id} equals Keras`, async () => {
        expect(await differences(await convertFile(join(root, artefact)), join(root, dir))).toEqual([]);
      });
    }
  }
}

describe('keras models of the project', () => {
  replay('test/fixtures/keras');
});

const all = '../shared/fixtures/dev';
describe.runIf(existsSync(all))('keras models of every kind', () => {
  if (existsSync(all)) replay(all);
});
