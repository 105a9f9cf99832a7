import { VitrinaError } from '../errors.js';
import type { RowFeaturizer } from './index.js';
import type { SparseRows } from './sparse-rows.js';

/**
 * A dictionary of features, as JSON, to their columns: DictVectorizer. A number is the value of the feature itself; a
 * text, or each text of a list, makes a 1 of the feature `name=text`. Features that were not met in training are
 * passed over. `vocabulary`: names in the order of their columns; `separator`: what stands between name and text;
 * `lists`: whether lists are taken.
 */
export function makeDictionary(parameters: { readonly [name: string]: unknown }): RowFeaturizer {
  const { vocabulary, separator, lists } = parameters;
  const isVocabulary = Array.isArray(vocabulary) && vocabulary.every((name) => typeof name === 'string');
  if (!isVocabulary || typeof separator !== 'string' || typeof lists !== 'boolean') {
    throw new TypeError('a dictionary featurizer needs a vocabulary, a separator and lists');
  }
  const places = new Map<string, number>((vocabulary as string[]).map((name, place) => [name, place]));
  return (text: string, row: SparseRows) => {
    const found = new Map<number, number>();
    const add = (name: string, value: number) => {
      const place = places.get(name);
      if (place !== undefined) found.set(place, (found.get(place) ?? 0) + value);
    };
    for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
      if (typeof value === 'string') add(`${name}${separator}${value}`, 1);
      else if (typeof value === 'number' || typeof value === 'boolean') add(name, Number(value));
      else if (lists && Array.isArray(value)) {
        for (const item of value) {
          if (typeof item !== 'string') throw refuse(name, 'a list of texts');
          add(`${name}${separator}${item}`, 1);
        }
      } else throw refuse(name, lists ? 'a number, a text or a list of texts' : 'a number or a text');
    }
    for (const place of [...found.keys()].sort((a, b) => a - b)) row.add(place, found.get(place)!);
  };
}

function refuse(name: string, expected: string): VitrinaError {
  const message = `the feature ${JSON.stringify(name)} should be ${expected}`;
  return new VitrinaError('request-invalid', { problems: [{ path: 'X', message }] });
}
