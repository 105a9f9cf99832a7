import { VitrinaError } from '../errors.js';
import type { RowFeaturizer } from './index.js';
import type { SparseRows } from './sparse-rows.js';
import { TextHasher } from './text/murmur3.js';

/**
 * Features of a row, as JSON, to the buckets that their hashes name: FeatureHasher. `type` says how a row is written:
 * `dict` an object of values, `pair` a list of [name, value], `string` a list of names that count 1 each. A value that
 * is a text makes the feature `name=text` count 1. Every other hash is subtracted with `alternateSign`.
 */
export function makeHashedFeatures(parameters: { readonly [name: string]: unknown }): RowFeaturizer {
  const { buckets, alternateSign, type } = parameters;
  const isKnown = type === 'dict' || type === 'pair' || type === 'string';
  if (typeof buckets !== 'number' || !Number.isInteger(buckets) || buckets < 1 || typeof alternateSign !== 'boolean') {
    throw new TypeError('a hashed-features featurizer needs buckets and alternateSign');
  }
  if (!isKnown) throw new TypeError('a hashed-features featurizer needs a type: dict, pair or string');
  const hasher = new TextHasher();
  const hashOf = (name: string): number => {
    const units = Uint16Array.from({ length: name.length }, (_, i) => name.charCodeAt(i));
    return hasher.hash(units, 0, units.length) ?? refuse(name, 'without half of a surrogate pair');
  };
  return (text: string, row: SparseRows) => {
    const found = new Map<number, number>();
    for (const [name, value] of pairsOf(JSON.parse(text), type)) {
      const isText = typeof value === 'string';
      const isNumber = typeof value === 'number' || typeof value === 'boolean';
      if (!isText && !isNumber) refuse(name, 'a number or a text');
      const weight = isText ? 1 : Number(value);
      if (weight === 0) continue;
      const hash = hashOf(isText ? `${name}=${value}` : name);
      const place = Math.abs(hash) % buckets;
      found.set(place, (found.get(place) ?? 0) + (alternateSign && hash < 0 ? -weight : weight));
    }
    for (const place of [...found.keys()].sort((a, b) => a - b)) row.add(place, found.get(place)!);
  };
}

function pairsOf(row: unknown, type: 'dict' | 'pair' | 'string'): [string, unknown][] {
  if (type === 'dict') return Object.entries(row as Record<string, unknown>);
  return (row as unknown[]).map((item): [string, unknown] => {
    if (type === 'string') return typeof item === 'string' ? [item, 1] : refuse(String(item), 'a text');
    const [name, value, ...rest] = Array.isArray(item) ? (item as unknown[]) : [];
    if (typeof name !== 'string' || rest.length > 0) refuse(JSON.stringify(item), 'a pair of a name and a value');
    return [name as string, value];
  });
}

function refuse(name: string, expected: string): never {
  const message = `the feature ${JSON.stringify(name.slice(0, 80))} should be ${expected}`;
  throw new VitrinaError('request-invalid', { problems: [{ path: 'X', message }] });
}
