import { mostBuckets } from '../../../featurizers/text/index.js';
import type { EstimatorConverter } from '../converter.js';
import { analyzerParameters, featurizeTexts, readAnalyzer } from './analyzer.js';
import { readNorm } from './tfidf-transformer.js';

/** One text a row → transform [batch, n_features]: terms counted in the buckets that their hashes name. */
export const hashingVectorizer: EstimatorConverter = {
  className: 'sklearn.feature_extraction.text.HashingVectorizer',
  // `non_negative` went with 0.21.
  parameters: [...analyzerParameters, 'n_features', 'norm', 'alternate_sign', 'non_negative'],
  input: () => ({ kind: 'documents' }),
  convert(call) {
    const { estimator } = call;
    const buckets = estimator.integer('n_features');
    if (buckets < 1 || buckets > mostBuckets) estimator.refuse(`n_features is ${buckets}; at most ${mostBuckets} are`);
    const parameters = {
      ...readAnalyzer(estimator),
      buckets,
      alternateSign: estimator.boolean('alternate_sign', true),
      absolute: estimator.boolean('non_negative', false),
      norm: readNorm(estimator),
    };
    return { transform: () => featurizeTexts(call, parameters, buckets) };
  },
};
