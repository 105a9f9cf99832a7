import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertArtefact } from '../../../src/convert/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { readXgboost } from '../../../src/formats/xgboost/index.js';

const root = join(import.meta.dirname, '../../fixtures/boosting/boosting');
const read = (path: string) => readFileSync(join(root, path));
const json = read('xgb_booster_binary_json__xgb102/model.json');

describe('readXgboost', () => {
  it('reads JSON', () => {
    const { version, objective, features, groups, baseScore, baseScoreIsMargin, booster } = readXgboost(json);
    expect({ version, objective, features, groups, baseScoreIsMargin }).toEqual({
      version: [1, 0, 2],
      objective: 'binary:logistic',
      features: 5,
      groups: 1,
      baseScoreIsMargin: false,
    });
    expect(Array.from(baseScore)).toEqual([0.5]);
    expect(booster).toMatchObject({ kind: 'trees', trees: { length: 8 } });
  });

  it('reads UBJSON', () => {
    const { version, objective, groups, baseScore } = readXgboost(read('xgb_booster_softprob_ubj__xgb341/model.ubj'));
    expect({ version, objective, groups }).toEqual({ version: [3, 4, 1], objective: 'multi:softprob', groups: 3 });
    expect(baseScore).toHaveLength(3);
  });

  it('reads the binary format, whose base score is a margin before 1.0', () => {
    const old = readXgboost(read('xgb_booster_reg_model__xgb090/model.model'));
    expect(old).toMatchObject({ version: null, objective: 'reg:squarederror', baseScoreIsMargin: true });
    const dart = readXgboost(read('xgb_booster_dart_model__xgb203/model.model'));
    expect(dart).toMatchObject({ version: [2, 0, 0], baseScoreIsMargin: false });
    expect(dart.booster).toMatchObject({ kind: 'trees', weights: { length: 8 } });
  });

  it('reads categories by their texts', () => {
    const { categories, featureTypes } = readXgboost(read('xgb_categories_sets__xgb341/model.json'));
    expect(featureTypes).toEqual(['q', 'c', 'q', 'q', 'q']);
    expect(categories).toEqual([]);
  });

  it('refuses texts of categories that releases before 3.4 cut at wrong places', () => {
    const cats = { enc: [{ offsets: [0, 1, 2], values: [-61, -89] }] };
    const path = ['learner', 'gradient_booster', 'model', 'cats'];
    expect(() => readXgboost(changed(path, cats, [3, 2, 0]))).toThrow('beyond ASCII');
    expect(
      readXgboost(changed(path, { enc: [{ offsets: [0, 2, 3], values: [-61, -89, 97] }] }, [3, 4, 0])).categories,
    ).toEqual([['ç', 'a']]);
  });

  /** The model with one value changed. */
  function changed(path: readonly (string | number)[], value: unknown, version?: readonly number[]): Uint8Array {
    const document = JSON.parse(json.toString('utf8'));
    if (version !== undefined) document.version = version;
    let at = document;
    for (const key of path.slice(0, -1)) at = at[key];
    at[path.at(-1)!] = value;
    return Buffer.from(JSON.stringify(document));
  }
  const tree = ['learner', 'gradient_booster', 'model', 'trees', 0];

  it.each([
    ['a booster that is not known', ['learner', 'gradient_booster', 'name'], 'gbforest', 'the booster "gbforest"'],
    ['a column too short', [...tree, 'left_children'], [1], 'left_children has 1 values'],
    ['a column of texts', [...tree, 'split_indices'], ['0'], 'split_indices should hold numbers'],
    ['a base score that is none', ['learner', 'learner_model_param', 'base_score'], '1e-1x', 'base_score is "1e-1x"'],
    ['base scores of other groups', ['learner', 'learner_model_param', 'base_score'], '[1,2]', 'base_score is "[1,2]"'],
    ['a number of features below zero', ['learner', 'learner_model_param', 'num_feature'], '-1', 'num_feature'],
    ['no version', ['version'], [1], 'version should be three numbers'],
    ['no objective', ['learner', 'objective'], null, 'objective should be an object'],
    ['trees that are none', ['learner', 'gradient_booster', 'model', 'trees'], [1], 'tree 0 should be an object'],
    ['a tree of other groups', ['learner', 'gradient_booster', 'model', 'tree_info'], [0], 'tree_info has 1 values'],
  ])('refuses %s', (_, path, value, message) => {
    expect(() => readXgboost(changed(path, value))).toThrow(new RegExp(message.replace(/[[\]"]/g, '\\$&')));
  });

  it.each([
    ['a child beyond the tree', [...tree, 'left_children', 0], 1000, 'leads to node 1000'],
    ['a cycle', [...tree, 'left_children', 0], 0, 'leads to its node 0 twice'],
    ['a feature beyond the input', [...tree, 'split_indices', 0], 5, 'asks for feature 5 of 5'],
    ['a negative feature', [...tree, 'split_indices', 0], -1, 'asks for feature -1 of 5'],
    ['a group beyond the output', ['learner', 'gradient_booster', 'model', 'tree_info', 0], 1, 'adds to target 1'],
    ['a release to come', ['version'], [4, 0, 0], 'XGBoost 4.0.0 wrote it'],
    ['an objective', ['learner', 'objective', 'name'], 'reg:mine', 'objective "reg:mine" is not known'],
    ['a base score without a margin', ['learner', 'learner_model_param', 'base_score'], '2', 'does not suit'],
  ])('is not converted with %s', async (_, path, value, message) => {
    await expect(convertArtefact(changed(path, value), 'model.json')).rejects.toThrow(message);
  });

  it('is not converted where the release that wrote it predicts at random', async () => {
    const bytes = read('xgb_booster_dart_model__xgb203/model.model');
    // The release stands behind the mark and five numbers; there was none before 1.0.
    bytes.writeUInt32LE(0, 24);
    await expect(convertArtefact(bytes, 'model.bst')).rejects.toThrow('drops trees of dart at random');
  });

  it('refuses damaged files by errors of the catalogue, and never fails otherwise', async () => {
    const files = readdirSync(root)
      .filter((name) => name.startsWith('xgb_booster'))
      .flatMap((name) =>
        readdirSync(join(root, name))
          .filter((file) => file.startsWith('model.'))
          .map((file) => join(name, file)),
      )
      .map((path) => new Uint8Array(read(path)));
    const damage = fc.record({
      file: fc.nat(files.length - 1),
      cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 }),
      flips: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(255)), {
        maxLength: 8,
      }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, cut, flips }) => {
        const bytes = files[file]!.slice(0, cut === null ? undefined : Math.floor(cut * files[file]!.length));
        for (const [at, value] of flips) bytes[Math.floor(at * bytes.length)] = value;
        try {
          readXgboost(bytes);
          await convertArtefact(bytes, 'model.json');
        } catch (error) {
          expect(error).toBeInstanceOf(VitrinaError);
          expect((error as VitrinaError).status).toBe(422);
        }
      }),
      { numRuns: 200 },
    );
  });
});
