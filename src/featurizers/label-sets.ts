import type { RowFeaturizer } from './index.js';
import type { SparseRows } from './sparse-rows.js';

/**
 * A list of labels, as JSON, to a 1 for each class in it: MultiLabelBinarizer. Labels that are no class are passed over,
 * as scikit-learn does with a warning. `classes`: texts, or numbers (booleans count as 0 and 1).
 */
export function makeLabelSets({ classes }: { readonly [name: string]: unknown }): RowFeaturizer {
  if (!Array.isArray(classes) || !classes.every((item) => typeof item === 'string' || typeof item === 'number')) {
    throw new TypeError('a label-sets featurizer needs classes, texts or numbers');
  }
  const places = new Map<string | number, number>(classes.map((item, place) => [item, place]));
  return (text: string, row: SparseRows) => {
    const labels: unknown = JSON.parse(text);
    const found = new Set<number>();
    for (const label of Array.isArray(labels) ? labels : []) {
      const place = places.get((typeof label === 'boolean' ? Number(label) : label) as string | number);
      if (place !== undefined) found.add(place);
    }
    for (const place of [...found].sort((a, b) => a - b)) row.add(place, 1);
  };
}
