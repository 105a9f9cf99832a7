/** Artefacts as people bring them: trained here, with names, and pickles of real scikit-learn. */
import { withMetadata } from '../../../src/convert/index.js';
import { readLabels } from '../../../src/learn/labels.js';
import { trainKnnClassifier, trainLinearRegression } from '../../../src/learn/train.js';

/** `price = 2·rooms + 3·area + 1`, times `factor`. */
export function regression(factor = 1, features = ['rooms', 'area']): Uint8Array {
  const x = { data: Float64Array.of(0, 0, 1, 0, 0, 1, 2, 5), rows: 4, columns: 2 };
  const y = Float64Array.of(1, 3, 4, 20).map((value) => value * factor);
  return withMetadata(trainLinearRegression(x, y, { features, target: 'price' }).model);
}

/** Three classes around 0, 10 and 20 on a line. */
export function classifier(labels: readonly string[] = ['low', 'middle', 'high']): Uint8Array {
  const rows = [0, 1, 10, 11, 20, 21];
  const x = { data: Float64Array.from(rows), rows: rows.length, columns: 1 };
  const cells = rows.map((_, i) => labels[Math.floor(i / 2)]!);
  const settings = { neighbours: 3, weights: 'uniform' } as const;
  return withMetadata(
    trainKnnClassifier(x, readLabels(cells), { features: ['level'], target: 'class' }, settings).model,
  );
}
