import type { EstimatorConverter } from '../converter.js';
import { bernoulliNB } from './bernoulli-nb.js';
import { categoricalNB } from './categorical-nb.js';
import { gaussianNB } from './gaussian-nb.js';
import { complementNB, multinomialNB } from './multinomial-nb.js';

export const bayesConverters: readonly EstimatorConverter[] = [
  gaussianNB,
  multinomialNB,
  complementNB,
  bernoulliNB,
  categoricalNB,
];
