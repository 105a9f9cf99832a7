import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scanRepository } from '../../../src/services/repository/repository-scan.js';

const fixtures = join(import.meta.dirname, '../../fixtures/boosting/boosting');
const boosters = [
  ['churn.json', 'xgb_booster_binary_json__xgb102/model.json'],
  ['price.ubj', 'xgb_booster_softprob_ubj__xgb341/model.ubj'],
  ['rank.model', 'xgb_booster_reg_model__xgb090/model.model'],
  ['spam.txt', 'lgb_booster_zero_txt__lgb321/model.txt'],
] as const;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-scan-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('the folder of a model', () => {
  const put = (path: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), '');
  };

  it('is one version where it holds files alone, and several artefacts in it are one model', () => {
    for (const file of ['spam/vectorizer.pickle', 'spam/spam_detector_model.pkl', 'bare.onnx']) put(file);
    const spam = join(folder, 'spam');
    expect(scanRepository(folder)).toMatchObject([
      { model: 'bare', version: '1' },
      {
        model: 'spam',
        version: '1',
        parts: { files: [join(spam, 'spam_detector_model.pkl'), join(spam, 'vectorizer.pickle')], order: 'find' },
        folders: [spam, spam],
      },
    ]);
    writeFileSync(join(spam, 'model.yaml'), 'name: filter');
    expect(scanRepository(spam).map(({ model, version }) => `${model} ${version}`)).toEqual(['filter 1']);
  });

  it('holds versions where it holds folders, and none where it holds nothing that is a model', () => {
    for (const file of ['iris/2/iris.keras', 'iris/draft.keras', 'notes/read.me', 'more/old/model.h5', 'more/x.h5'])
      put(file);
    expect(scanRepository(folder).map(({ model, version }) => `${model} ${version}`)).toEqual(['iris 2']);
  });
});

describe('model files of XGBoost and LightGBM', () => {
  it('are artefacts by their bytes, and their neighbours are not', () => {
    for (const [name, from] of boosters) copyFileSync(join(fixtures, from), join(folder, name));
    writeFileSync(join(folder, 'golden.json'), '{"inputs": {"X": [[1]]}, "expected": {"predict": [1]}}');
    writeFileSync(join(folder, 'readme.txt'), 'tree of models');
    writeFileSync(join(folder, 'weights.bin'), Buffer.alloc(64));
    writeFileSync(join(folder, 'empty.json'), '');
    expect(scanRepository(folder).map(({ model }) => model)).toEqual(['churn', 'price', 'rank', 'spam']);
  });

  it('may lie in the folder of a version, beside a golden file', () => {
    const version = join(folder, 'churn', '1');
    mkdirSync(version, { recursive: true });
    copyFileSync(join(fixtures, boosters[0][1]), join(version, 'model.json'));
    writeFileSync(join(version, 'golden.json'), '{"inputs": {}, "expected": {}}');
    expect(scanRepository(folder)).toMatchObject([
      { model: 'churn', version: '1', artefact: join(version, 'model.json') },
    ]);
  });
});
