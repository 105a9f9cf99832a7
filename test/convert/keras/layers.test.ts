import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { convertArtefact } from '../../../src/convert/artefact.js';
import { differences } from '../../parity/compare.js';

const root = 'test/fixtures/keras-layers';
const { cases } = JSON.parse(readFileSync(`${root}/manifest.json`, 'utf8')) as {
  cases: { id: string; dir: string; artefact: string }[];
};

/** Each model holds every option of a family of layers, one branch an option, and one output a branch. */
test.each(cases)('$id equals Keras', async ({ artefact, dir }) => {
  const conversion = await convertArtefact(readFileSync(`${root}/${artefact}`), artefact);
  expect(await differences(conversion, `${root}/${dir}`)).toEqual([]);
});
