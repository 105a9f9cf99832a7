import { VitrinaError } from '../../errors.js';
import { type Json, parseJson } from '../json.js';
import { defaultLimits, type Limits } from '../limits.js';

/** A model of LightGBM as its text says it, nothing interpreted. */
export interface LightgbmModel {
  /** Version of the format: `v2`, `v3`, `v4`. */
  readonly version: string;
  /** Trees that each round of boosting grows: one for each class, or 1. */
  readonly treesPerRound: number;
  readonly features: number;
  readonly featureNames: readonly string[];
  /** `[min:max]` of numbers, `1:2:5` of categories, `none` of a feature that no tree could use. */
  readonly featureInfos: readonly string[];
  /** `binary sigmoid:1` as `["binary", "sigmoid:1"]`; empty when the model has none, so that its sums are its answer. */
  readonly objective: readonly string[];
  /** Whether the sums are divided by the number of rounds (`boosting=rf`). */
  readonly averageOutput: boolean;
  readonly trees: readonly LightgbmTree[];
  /** Categories of the data frame it was trained on, a list for each of its categorical columns in order. */
  readonly pandasCategories: readonly (readonly Json[])[];
}

/** Nodes and leaves are numbered apart: a child below 0 is the leaf `-1 - child`. */
export interface LightgbmTree {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly feature: Int32Array;
  /** Left when the feature is at most this; of categorical nodes the number of their set. */
  readonly threshold: Float64Array;
  /** Bit 0: categorical; bit 1: missing values go left; bits 2 and 3: what is missing (0 nothing, 1 zero, 2 NaN). */
  readonly decision: Uint8Array;
  readonly leaf: Float64Array;
  /** Where the words of each set begin in `categoryBits`, and at last where they end. */
  readonly categoryStarts: Int32Array;
  /** Sets of categories that go left, 32 to a word. */
  readonly categoryBits: Uint32Array;
  /** Linear models of the leaves, of trees that have them. */
  readonly linear: LightgbmLinearLeaves | undefined;
}

/** A leaf gives `constant + Σ coefficient · feature`, or its own value when one of the features is NaN. */
export interface LightgbmLinearLeaves {
  readonly constants: Float64Array;
  /** Where the terms of each leaf begin, and at last where they end. */
  readonly starts: Int32Array;
  readonly features: Int32Array;
  readonly coefficients: Float64Array;
}

const format = 'LightGBM';
/** What LightGBM 2.1 to 4.6 write. */
const versions: readonly string[] = ['v2', 'v3', 'v4'];

/**
 * Reads LightGBM's text format, as `save_model` writes it and as a pickled Booster keeps it.
 * Source: `GBDT::LoadModelFromString`, `Tree::Tree(const char*, size_t*)` of LightGBM 2.3 to 4.6.
 *
 * @throws VitrinaError `artefact-malformed` (with the line), `artefact-over-limit`, `artefact-unsupported`
 */
export function readLightgbm(source: Uint8Array | string, limits: Limits = defaultLimits): LightgbmModel {
  const lines = new Lines(typeof source === 'string' ? source : decode(source));
  if (lines.next() !== 'tree') throw lines.damaged('it should begin with "tree"');
  const header = lines.section((line) => line.startsWith('Tree=') || line === 'end of trees');
  const version = header.get('version') ?? '';
  if (!versions.includes(version)) {
    const what = `the version ${JSON.stringify(version.slice(0, 40))} of its format`;
    throw new VitrinaError('artefact-unsupported', { format, what, next: `those read are ${versions.join(', ')}` });
  }
  const number = (name: string) => lines.integer(header.get(name), name);
  const features = number('max_feature_idx') + 1;
  const treesPerRound = header.has('num_tree_per_iteration') ? number('num_tree_per_iteration') : number('num_class');
  const featureNames = words(header.get('feature_names'));
  const featureInfos = words(header.get('feature_infos'));
  if (featureNames.length !== features || featureInfos.length !== features) {
    throw lines.damaged(`feature_names or feature_infos do not name ${features} features`);
  }
  if (treesPerRound === 0) throw lines.damaged('num_tree_per_iteration is 0');
  const trees: LightgbmTree[] = [];
  let values = 0;
  while (lines.peek()?.startsWith('Tree=')) {
    lines.next();
    const tree = readTree(
      lines,
      lines.section((line) => line === ''),
    );
    values += tree.leaf.length + 1;
    if (values > limits.count) {
      const fields = { format, what: 'a number of nodes', value: values, limit: limits.count, setting: 'count' };
      throw new VitrinaError('artefact-over-limit', fields);
    }
    trees.push(tree);
    lines.skipEmpty();
  }
  if (trees.length % treesPerRound !== 0) throw lines.damaged(`${trees.length} trees are no whole number of rounds`);
  return {
    version,
    treesPerRound,
    features,
    featureNames,
    featureInfos,
    objective: words(header.get('objective')),
    averageOutput: header.has('average_output'),
    trees,
    pandasCategories: readPandasCategories(lines, limits),
  };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new VitrinaError('artefact-malformed', { format, what: 'it is not UTF-8 text' }, { cause });
  }
}

const words = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(' '));

function readTree(lines: Lines, fields: ReadonlyMap<string, string>): LightgbmTree {
  const leaves = lines.integer(fields.get('num_leaves'), 'num_leaves');
  const sets = lines.integer(fields.get('num_cat'), 'num_cat');
  const nodes = leaves - 1;
  if (leaves < 1) throw lines.damaged('a tree has no leaves');
  // A tree of one leaf has no other columns, or empty ones.
  const column = (name: string, count: number) => lines.numbers(count === 0 ? '' : fields.get(name), name, count);
  const integers = (name: string, count: number) => Int32Array.from(column(name, count));
  const left = integers('left_child', nodes);
  return {
    left,
    right: integers('right_child', nodes),
    feature: integers('split_feature', nodes),
    threshold: column('threshold', nodes),
    decision: fields.has('decision_type') ? Uint8Array.from(column('decision_type', nodes)) : new Uint8Array(nodes),
    leaf: column('leaf_value', leaves),
    ...readSets(lines, fields, sets),
    linear: fields.get('is_linear') === '1' ? readLinear(lines, fields, leaves) : undefined,
  };
}

function readLinear(lines: Lines, fields: ReadonlyMap<string, string>, leaves: number): LightgbmLinearLeaves {
  const starts = new Int32Array(leaves + 1);
  lines.numbers(fields.get('num_features'), 'num_features', leaves).forEach((count, leaf) => {
    if (!Number.isInteger(count) || count < 0) throw lines.damaged(`a leaf has ${count} features`);
    starts[leaf + 1] = starts[leaf]! + count;
  });
  const terms = starts[leaves]!;
  // The lists of the leaves have two spaces between them.
  const list = (name: string) => lines.numbers(fields.get(name)?.trim().replace(/ {2,}/g, ' '), name, terms);
  return {
    constants: lines.numbers(fields.get('leaf_const'), 'leaf_const', leaves),
    starts,
    features: Int32Array.from(list('leaf_features')),
    coefficients: list('leaf_coeff'),
  };
}

function readSets(lines: Lines, fields: ReadonlyMap<string, string>, sets: number) {
  if (sets === 0) return { categoryStarts: new Int32Array(1), categoryBits: new Uint32Array(0) };
  const categoryStarts = Int32Array.from(lines.numbers(fields.get('cat_boundaries'), 'cat_boundaries', sets + 1));
  const categoryBits = Uint32Array.from(lines.numbers(fields.get('cat_threshold'), 'cat_threshold'));
  for (let i = 0; i < sets; i++) {
    const isInside = categoryStarts[i]! >= 0 && categoryStarts[i + 1]! <= categoryBits.length;
    if (!isInside || categoryStarts[i + 1]! < categoryStarts[i]!) throw lines.damaged('cat_boundaries lie outside');
  }
  return { categoryStarts, categoryBits };
}

/** The last line, which the Python package adds: `pandas_categorical:[["a", "b"]]`, or `null`. */
function readPandasCategories(lines: Lines, limits: Limits): readonly (readonly Json[])[] {
  const mark = 'pandas_categorical:';
  const line = lines.last();
  if (!line.startsWith(mark)) return [];
  const value = parseJson(line.slice(mark.length), `${format} pandas_categorical`, limits);
  if (value === null) return [];
  if (!Array.isArray(value) || !value.every((item) => Array.isArray(item))) {
    throw lines.damaged('pandas_categorical should be a list of lists');
  }
  return value as readonly (readonly Json[])[];
}

class Lines {
  private position = 0;
  private number = 0;

  constructor(private readonly text: string) {}

  damaged(what: string): VitrinaError {
    return new VitrinaError('artefact-malformed', { format, what: `line ${this.number}: ${what}` });
  }

  /** The line that comes, `undefined` at the end. */
  peek(): string | undefined {
    if (this.position >= this.text.length) return undefined;
    const end = this.text.indexOf('\n', this.position);
    const line = this.text.slice(this.position, end < 0 ? undefined : end);
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }

  next(): string | undefined {
    const line = this.peek();
    if (line === undefined) return undefined;
    this.number++;
    const end = this.text.indexOf('\n', this.position);
    this.position = end < 0 ? this.text.length : end + 1;
    return line;
  }

  skipEmpty(): void {
    while (this.peek() === '') this.next();
  }

  /** The lines `name=value` up to one that `ends` it, which is left to come. */
  section(ends: (line: string) => boolean): ReadonlyMap<string, string> {
    const fields = new Map<string, string>();
    for (let line = this.peek(); line !== undefined && !ends(line); line = this.peek()) {
      this.next();
      if (line === '') continue;
      const at = line.indexOf('=');
      const name = at < 0 ? line : line.slice(0, at);
      if (fields.has(name)) throw this.damaged(`${JSON.stringify(name.slice(0, 40))} appears twice`);
      fields.set(name, at < 0 ? '' : line.slice(at + 1));
    }
    return fields;
  }

  /** The last line that is not empty. */
  last(): string {
    const text = this.text.slice(this.position).trimEnd();
    return text.slice(text.lastIndexOf('\n') + 1);
  }

  integer(text: string | undefined, name: string): number {
    if (text === undefined || !/^\d{1,9}$/.test(text)) throw this.damaged(`${name} should be a whole number`);
    return Number(text);
  }

  /** Numbers with spaces between them, `count` of them when it is given. */
  numbers(text: string | undefined, name: string, count?: number): Float64Array {
    if (text === undefined) throw this.damaged(`${name} is missing`);
    const parts = words(text.trimEnd());
    if (count !== undefined && parts.length !== count) {
      throw this.damaged(`${name} has ${parts.length} values in place of ${count}`);
    }
    const values = new Float64Array(parts.length);
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      const value = part === '' ? Number.NaN : Number(part);
      if (Number.isNaN(value)) {
        const special = specials.get(part);
        if (special === undefined) throw this.damaged(`${name} holds ${JSON.stringify(part.slice(0, 40))}`);
        values[i] = special;
      } else values[i] = value;
    }
    return values;
  }
}

const specials: ReadonlyMap<string, number> = new Map([
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['nan', Number.NaN],
  ['-nan', Number.NaN],
]);
