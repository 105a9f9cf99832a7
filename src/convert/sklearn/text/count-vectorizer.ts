import { PythonDict, PythonSet, type PythonValue } from '../../../formats/pickle/index.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, listOf, toNumber } from '../estimator.js';
import { analyzerParameters, featurizeTexts, readAnalyzer } from './analyzer.js';

/** One text a row → transform [batch, terms]: how often each term of the vocabulary occurs. */
export const countVectorizer: EstimatorConverter = {
  className: 'sklearn.feature_extraction.text.CountVectorizer',
  // `max_df`, `min_df` and `max_features` chose the vocabulary.
  parameters: [...analyzerParameters, 'max_df', 'min_df', 'max_features', 'vocabulary'],
  input: () => ({ kind: 'documents' }),
  convert(call) {
    const vocabulary = readVocabulary(call.estimator);
    const parameters = { ...readAnalyzer(call.estimator), vocabulary };
    return { transform: () => featurizeTexts(call, parameters, vocabulary.length) };
  },
};

/** Terms by index: what was learnt, or what was given (transform takes it without a fit). */
export function readVocabulary(estimator: Estimator): readonly string[] {
  const learnt = estimator.get('vocabulary_');
  const value = learnt ?? estimator.get('vocabulary') ?? null;
  if (value === null) estimator.refuse('it is not fitted (it has no vocabulary_); call fit() before saving');
  const terms = value instanceof PythonDict ? termsOf(estimator, value) : listTerms(value);
  if (terms === undefined || terms.length === 0 || !terms.every((term) => typeof term === 'string')) {
    estimator.refuse('its vocabulary should be texts with indices from 0 on');
  }
  if (new Set(terms).size !== terms.length) estimator.refuse('a term of its vocabulary comes twice');
  return terms as string[];
}

function termsOf(estimator: Estimator, dictionary: PythonDict): PythonValue[] {
  const terms = new Array<PythonValue>(dictionary.size).fill(null);
  for (const [term, position] of dictionary.entries()) {
    const index = toNumber(position);
    if (index === undefined || !(index >= 0 && index < terms.length) || terms[index] !== null) {
      estimator.refuse('the indices of its vocabulary should be those from 0 on, each once');
    }
    terms[index] = term;
  }
  return terms;
}

/** A set is sorted first, by code points as Python compares texts. */
function listTerms(value: PythonValue): readonly PythonValue[] | undefined {
  if (!(value instanceof PythonSet)) return listOf(value);
  const bytes = (term: PythonValue) => Buffer.from(String(term), 'utf8');
  return value.values().sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
}
