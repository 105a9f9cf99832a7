import { longestNgram, PatternError, type TextParameters } from '../../../featurizers/text/index.js';
import { compileFindAll } from '../../../featurizers/text/pattern/index.js';
import { NumpyDtype, PythonGlobal, PythonSet, type PythonValue } from '../../../formats/pickle/index.js';
import type { Call } from '../call.js';
import { type Estimator, listOf } from '../estimator.js';
import type { SparseMatrix } from '../features.js';
import { finiteRows } from '../table.js';
import { englishStopWords } from './stop-words.js';

/** Parameters that all vectorizers of texts have. What decodes bytes does not matter to texts. */
export const analyzerParameters = [
  ...['input', 'encoding', 'decode_error', 'strip_accents', 'preprocessor', 'tokenizer', 'analyzer', 'lowercase'],
  ...['token_pattern', 'stop_words', 'ngram_range', 'binary', 'dtype'],
];

/** How a text becomes terms. @throws estimator-unsupported for functions of the caller's own, by name */
export function readAnalyzer(
  estimator: Estimator,
): Pick<
  TextParameters,
  'analyzer' | 'lowercase' | 'stripAccents' | 'ngrams' | 'tokenPattern' | 'stopWords' | 'binary' | 'float32'
> {
  if (estimator.text('input', 'content') !== 'content') {
    estimator.refuse('it reads files by their names (input is not "content"); fit it on texts');
  }
  for (const name of ['preprocessor', 'tokenizer', 'analyzer']) refuseFunction(estimator, name);
  const analyzer = estimator.choice('analyzer', ['word', 'char', 'char_wb']);
  const [least, most] = estimator.pair('ngram_range');
  if (!Number.isInteger(least) || !Number.isInteger(most) || least < 1 || most < least || most > longestNgram) {
    estimator.refuse(`ngram_range is (${least}, ${most}); known are those from 1 to ${longestNgram}`);
  }
  const words = analyzer === 'word';
  return {
    analyzer,
    lowercase: estimator.boolean('lowercase', true),
    stripAccents: readAccents(estimator),
    ngrams: [least, most],
    ...(words ? { tokenPattern: readPattern(estimator), stopWords: readStopWords(estimator) } : {}),
    binary: estimator.boolean('binary', false),
    float32: readDtype(estimator) === 'float32',
  };
}

/** Adds a featurizer of the estimator's texts. A text that Python could not have worked on is refused. */
export function featurizeTexts(call: Call, parameters: TextParameters, size: number): SparseMatrix {
  const input = documentsOf(call);
  const features = call.context.featurize('text', input, { ...parameters }, size);
  const message = 'a text is missing, or holds half of a surrogate pair, which cannot be encoded';
  call.guard(finiteRows(call.graph, features.values), message, input);
  return features;
}

/** Name of the input that holds the texts: they are its own, or a single column of the caller's table. */
function documentsOf({ estimator, input }: Call): string {
  if (input.kind === 'documents') return input.input;
  const column = input.kind === 'frame' && input.columns.length === 1 ? input.columns[0] : undefined;
  if (column === undefined || !('table' in column)) {
    return estimator.refuse('it takes texts, one a row, and its input is something else');
  }
  const name = column.table.readDocuments(column.index);
  return name ?? estimator.refuse(`it takes texts, and another part of the model reads ${column.name} as numbers`);
}

function refuseFunction(estimator: Estimator, name: string): void {
  const value = estimator.get(name) ?? null;
  if (value === null || typeof value === 'string') return;
  const what = value instanceof PythonGlobal ? `the function ${value.id}` : 'a function';
  estimator.refuse(`its ${name} is ${what}, which only Python can run`);
}

function readAccents(estimator: Estimator): TextParameters['stripAccents'] {
  const value = estimator.get('strip_accents') ?? null;
  if (value === null || value === false || value === '') return undefined;
  const name = value instanceof PythonGlobal ? value.name.replace('strip_accents_', '') : value;
  if (name === 'ascii') return name;
  if (name === 'unicode') return estimator.since([0, 22]) ? name : 'unicode-unless-decomposed';
  return estimator.refuse('its strip_accents is neither "ascii" nor "unicode"');
}

function readPattern(estimator: Estimator): string {
  const pattern = estimator.text('token_pattern');
  try {
    compileFindAll(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    estimator.refuse(`its token_pattern ${JSON.stringify(pattern.slice(0, 80))} ${error.message}`);
  }
  return pattern;
}

function readStopWords(estimator: Estimator): readonly string[] {
  const value = estimator.get('stop_words') ?? null;
  if (value === null) return [];
  if (value === 'english') return englishStopWords;
  if (typeof value === 'string') estimator.refuse(`stop_words is "${value.slice(0, 40)}"; known is english`);
  const words = value instanceof PythonSet ? value.values() : listOf(value as PythonValue);
  // What is no text equals no word.
  return [...new Set((words ?? estimator.refuse('stop_words should be a list')).filter(isText))];
}

const isText = (value: PythonValue): value is string => typeof value === 'string';

/** Counts wrap around in narrow integers, so that only wide types are taken. */
function readDtype(estimator: Estimator): 'float32' | 'wide' {
  const value = estimator.get('dtype');
  const name = value instanceof PythonGlobal ? value.name : value instanceof NumpyDtype ? value.dataType : value;
  if (name === 'float32') return 'float32';
  if (['float64', 'int64', 'int32', 'uint64', 'uint32', 'float', 'int', 'longlong'].includes(String(name))) {
    return 'wide';
  }
  return estimator.refuse(`its dtype is ${String(name).slice(0, 40)}; known are float64, float32, int64 and int32`);
}
