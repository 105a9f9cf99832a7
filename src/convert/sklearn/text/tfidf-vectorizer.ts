import type { EstimatorConverter } from '../converter.js';
import { analyzerParameters, featurizeTexts, readAnalyzer } from './analyzer.js';
import { readVocabulary } from './count-vectorizer.js';
import { readWeighing } from './tfidf-transformer.js';

/** One text a row → transform [batch, terms]: counts of the terms of the vocabulary, weighed as TfidfTransformer does. */
export const tfidfVectorizer: EstimatorConverter = {
  className: 'sklearn.feature_extraction.text.TfidfVectorizer',
  parameters: [
    ...[...analyzerParameters, 'max_df', 'min_df', 'max_features', 'vocabulary'],
    // Copies of what its TfidfTransformer has, which is what counts.
    ...['norm', 'use_idf', 'smooth_idf', 'sublinear_tf'],
  ],
  input: () => ({ kind: 'documents' }),
  convert(call) {
    const { estimator } = call;
    const vocabulary = readVocabulary(estimator);
    if (!estimator.has('_tfidf')) estimator.refuse('it is not fitted (it has no _tfidf); call fit() before saving');
    const { sublinear, factors, norm } = readWeighing(estimator.partOf(estimator.get('_tfidf')));
    if (factors !== undefined && factors.length !== vocabulary.length) {
      estimator.refuse(`it has ${factors.length} document frequencies for ${vocabulary.length} terms`);
    }
    const parameters = {
      ...readAnalyzer(estimator),
      vocabulary,
      sublinear,
      factors: factors === undefined ? undefined : Array.from(factors),
      norm,
    };
    return { transform: () => featurizeTexts(call, parameters, vocabulary.length) };
  },
};
