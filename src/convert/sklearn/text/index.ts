import type { EstimatorConverter } from '../converter.js';
import { countVectorizer } from './count-vectorizer.js';
import { hashingVectorizer } from './hashing-vectorizer.js';
import { tfidfTransformer } from './tfidf-transformer.js';
import { tfidfVectorizer } from './tfidf-vectorizer.js';

export const textConverters: readonly EstimatorConverter[] = [
  countVectorizer,
  tfidfVectorizer,
  tfidfTransformer,
  hashingVectorizer,
];
