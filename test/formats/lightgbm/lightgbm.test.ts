import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertArtefact } from '../../../src/convert/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { readLightgbm } from '../../../src/formats/lightgbm/index.js';

const root = join(import.meta.dirname, '../../fixtures/boosting/boosting');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const categorical = read('lgb_booster_categories_txt__lgb460/model.txt');

describe('readLightgbm', () => {
  it('reads trees with sets of categories', () => {
    const { version, objective, features, treesPerRound, trees, averageOutput } = readLightgbm(categorical);
    expect({ version, objective, features, treesPerRound, averageOutput }).toEqual({
      version: 'v4',
      objective: ['regression'],
      features: 5,
      treesPerRound: 1,
      averageOutput: false,
    });
    expect(trees).toHaveLength(8);
    expect(trees[0]!.leaf).toHaveLength(8);
    expect(trees[0]!.categoryStarts).toHaveLength(3);
  });

  it('reads the categories of a data frame', () => {
    const { pandasCategories, featureNames } = readLightgbm(read('lgb_frame_texts_file__lgb430/model.txt'));
    expect(featureNames.at(-1)).toBe('k');
    expect(pandasCategories).toEqual([['açaí', 'blue', 'green', 'red', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z']]);
  });

  it('reads files with the line ends of Windows alike', () => {
    expect(readLightgbm(categorical.replaceAll('\n', '\r\n'))).toEqual(readLightgbm(categorical));
  });

  it.each([
    ['another begin', /^tree/, 'forest', 'line 1: it should begin with "tree"'],
    ['another version', /version=v4/, 'version=v5', 'the version "v5" of its format'],
    ['a field twice', /(num_class=1)/, '$1\n$1', 'line 4: "num_class" appears twice'],
    ['features without names', /feature_names=.*/, 'feature_names=a', 'do not name 5 features'],
    ['a column too short', /left_child=1 /, 'left_child=', 'left_child has 6 values in place of 7'],
    ['a column that is missing', /right_child=.*\n/, '', 'right_child is missing'],
    ['a number that is none', /leaf_value=\S+/, 'leaf_value=1,5', 'leaf_value holds "1,5"'],
    ['sets that lie outside', /cat_boundaries=0 2 4/, 'cat_boundaries=0 2 9', 'cat_boundaries lie outside'],
    ['a number of leaves that is none', /num_leaves=8/, 'num_leaves=-8', 'num_leaves should be a whole number'],
    ['no leaves', /num_leaves=8/, 'num_leaves=0', 'a tree has no leaves'],
    ['no trees a round', /num_tree_per_iteration=1/, 'num_tree_per_iteration=0', 'num_tree_per_iteration is 0'],
    ['rounds that are not whole', /num_tree_per_iteration=1/, 'num_tree_per_iteration=3', 'no whole number of rounds'],
    ['categories that are no lists', /pandas_categorical:.*/, 'pandas_categorical:[1]', 'should be a list of lists'],
  ])('refuses %s', (_, pattern, replacement, message) => {
    expect(() => readLightgbm(categorical.replace(pattern, replacement))).toThrow(message);
  });

  it.each([
    ['a child beyond the tree', /left_child=1 /, 'left_child=70 ', 'leads to node'],
    ['a leaf beyond the tree', /left_child=1 /, 'left_child=-70 ', 'leads to node'],
    ['a cycle', /left_child=1 /, 'left_child=0 ', 'leads to its node 0 twice'],
    ['a feature beyond the input', /split_feature=0/, 'split_feature=5', 'asks for feature 5 of 5'],
    ['a set that is not there', /threshold=(\S+) 0 1/, 'threshold=$1 7 1', 'asks for the set of categories 7'],
    ['an objective', /objective=regression/, 'objective=mine', 'objective "mine" is not known'],
    ['a kind of missing values', /decision_type=2/, 'decision_type=14', 'has the decision type 14'],
  ])('is not converted with %s', async (_, pattern, replacement, message) => {
    const bytes = Buffer.from(categorical.replace(pattern, replacement));
    await expect(convertArtefact(bytes, 'model.txt')).rejects.toThrow(message);
  });

  it('refuses damaged files by errors of the catalogue, and never fails otherwise', async () => {
    const files = readdirSync(root)
      .flatMap((name) =>
        readdirSync(join(root, name))
          .filter((file) => file === 'model.txt')
          .map((file) => join(name, file)),
      )
      .map((path) => read(path));
    const damage = fc.record({
      file: fc.nat(files.length - 1),
      line: fc.nat(60),
      edit: fc.constantFrom('drop', 'twice', 'cut', 'number'),
      value: fc.oneof(fc.integer({ min: -3, max: 100 }), fc.constantFrom('inf', 'nan', '1e400', '', 'x', '4294967296')),
      at: fc.nat(200),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, line, edit, value, at }) => {
        const lines = files[file]!.split('\n');
        const text = lines[line]!;
        if (edit === 'drop') lines.splice(line, 1);
        else if (edit === 'twice') lines.splice(line, 0, text);
        else if (edit === 'cut') lines.length = line;
        else {
          const [name, values = ''] = text.split('=');
          const parts = values.split(' ');
          parts[at % parts.length] = String(value);
          lines[line] = `${name}=${parts.join(' ')}`;
        }
        const bytes = Buffer.from(lines.join('\n'));
        try {
          readLightgbm(bytes);
          await convertArtefact(bytes, 'model.txt');
        } catch (error) {
          expect(error).toBeInstanceOf(VitrinaError);
          expect((error as VitrinaError).status).toBe(422);
        }
      }),
      { numRuns: 200 },
    );
  });
});
