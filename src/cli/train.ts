import { readFileSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { withMetadata } from '../convert/index.js';
import { VitrinaError } from '../errors.js';
import { readCsv } from '../formats/index.js';
import { readLabelledTexts } from '../learn/labelled-texts.js';
import type { NeighbourSettings } from '../learn/neighbours.js';
import { crossValidate, type TextClassifierSettings, trainTextClassifier } from '../learn/text-classifier.js';
import { type Trained, trainKnnClassifier, trainKnnRegressor, trainLinearRegression } from '../learn/train.js';
import { TrainingTable } from '../learn/training-table.js';
import type { Conversion } from '../signature.js';
import { startProgress } from './progress.js';

interface Flags {
  readonly data: string;
  readonly target: string;
  readonly output: string;
  readonly features?: readonly string[];
  readonly json?: true;
}

interface NeighbourFlags extends Flags {
  readonly nNeighbors: number;
  readonly weights: string;
}

export function register(program: Command): void {
  const train = program
    .command('train')
    .description('Train a model on a CSV file, as scikit-learn would, and write it as ONNX with its names.')
    .addHelpText(
      'after',
      `
Examples:
  vitrina train linear-regression --data houses.csv --target price -o price.onnx
  vitrina train knn-classifier --data iris.csv --target species --n-neighbors 3 -o iris.onnx
  vitrina train text-classifier --data spam.csv --text v2 --label v1 -o spam.onnx
  vitrina serve iris.onnx`,
    );

  common(train.command('linear-regression'), 'Ordinary least squares with an intercept (LinearRegression).').action(
    (flags: Flags) =>
      run(flags, (table, names) =>
        trainLinearRegression(table.matrix(names.features), table.numbers(names.target), names),
      ),
  );
  neighbours(train.command('knn-regressor'), 'The mean of the nearest rows (KNeighborsRegressor).').action(
    (flags: NeighbourFlags) =>
      run(flags, (table, names) => {
        const x = table.matrix(names.features);
        return trainKnnRegressor(x, table.numbers(names.target), names, settingsOf(flags, x.rows));
      }),
  );
  neighbours(train.command('knn-classifier'), 'The vote of the nearest rows (KNeighborsClassifier).').action(
    (flags: NeighbourFlags) =>
      run(flags, (table, names) => {
        const x = table.matrix(names.features);
        return trainKnnClassifier(x, table.labels(names.target), names, settingsOf(flags, x.rows));
      }),
  );
  train
    .command('text-classifier')
    .description(
      'Counts of words, or tf-idf, and multinomial naive Bayes (CountVectorizer, TfidfVectorizer, MultinomialNB).',
    )
    .exitOverride()
    .requiredOption('--data <file>', 'CSV file, in UTF-8 or else latin-1; the first line names the columns')
    .requiredOption('--text <column>', 'the column of texts')
    .requiredOption('--label <column>', 'the column of classes')
    .requiredOption('-o, --output <file>', 'the .onnx file to write')
    .option('--vectorizer <kind>', 'count, or tfidf: words that few texts have count more', parseVectorizer, 'count')
    .option('--test-size <share>', 'the share of rows that is held out, to see how well it does', parseShare, 0.33)
    .option('--seed <number>', 'decides which rows those are, as random_state does', parseSeed, 2021)
    .option('--cross-validate <folds>', 'print the accuracy on each of so many folds as well', parseFolds)
    .option('--json', 'print what was learned as one JSON object')
    .action(runTextClassifier);
}

interface TextFlags extends TextClassifierSettings {
  readonly data: string;
  readonly text: string;
  readonly label: string;
  readonly output: string;
  readonly crossValidate?: number;
  readonly json?: true;
}

function runTextClassifier(flags: TextFlags): void {
  const { data, text, label, output, vectorizer, crossValidate: folds } = flags;
  const progress = startProgress('steps', folds === undefined ? 3 : 4);
  const { texts, labels } = readLabelledTexts(readData(data), text, label);
  progress.step();
  const { model, vocabulary, split, assessment } = trainTextClassifier(texts, labels, label, flags);
  progress.step();
  const bytes = writeModel(output, model);
  progress.step();
  const scores = folds === undefined ? undefined : crossValidate(texts, labels, vectorizer, folds);
  if (scores !== undefined) progress.step();
  progress.stop();
  const { confusion, report } = assessment;
  if (flags.json) {
    const facts = {
      rows: texts.length,
      vocabulary: vocabulary.length,
      testIndex: Array.from(split.test.subarray(0, 20)),
      confusion,
      report,
      ...(scores === undefined ? {} : { crossValidation: scores }),
      output,
      bytes,
      estimator: model.provenance.components,
    };
    process.stdout.write(`${JSON.stringify(facts)}\n`);
    return;
  }
  const held = `${split.test.length} of ${texts.length} rows held out`;
  process.stdout.write(
    `${output}: ${label} from ${text}, ${vocabulary.length} words (${bytes} bytes); ${held}\n\n${assessment.text}`,
  );
  if (scores !== undefined) {
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const shown = scores.map((score) => score.toFixed(4)).join(', ');
    process.stdout.write(`\naccuracy on ${scores.length} folds: ${shown} (mean ${mean.toFixed(4)})\n`);
  }
}

function parseVectorizer(text: string): string {
  if (text !== 'count' && text !== 'tfidf') throw new InvalidArgumentError('Give count or tfidf.');
  return text;
}

function parseShare(text: string): number {
  const share = Number(text);
  if (!(share > 0 && share < 1)) throw new InvalidArgumentError('Give a number between 0 and 1.');
  return share;
}

function parseSeed(text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) >= 2 ** 32) {
    throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.');
  }
  return Number(text);
}

function parseFolds(text: string): number {
  if (!/^\d{1,4}$/.test(text) || Number(text) < 2)
    throw new InvalidArgumentError('Give a whole number from 2 to 9999.');
  return Number(text);
}

function common(command: Command, description: string): Command {
  return command
    .description(description)
    .exitOverride()
    .requiredOption('--data <file>', 'CSV file; the first line names the columns')
    .requiredOption('--target <column>', 'the column to predict')
    .requiredOption('-o, --output <file>', 'the .onnx file to write')
    .option('--features <columns>', 'columns to learn from, with commas between them (default all others)', (text) =>
      text.split(',').map((name) => name.trim()),
    )
    .option('--json', 'print what was learned as one JSON object');
}

function neighbours(command: Command, description: string): Command {
  return common(command, description)
    .option('--n-neighbors <count>', 'how many rows decide', parseCount, 5)
    .option('--weights <kind>', 'uniform, or distance: nearer rows count more', parseWeights, 'uniform');
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(text);
}

function parseWeights(text: string): string {
  if (text !== 'uniform' && text !== 'distance') throw new InvalidArgumentError('Give uniform or distance.');
  return text;
}

function settingsOf({ nNeighbors, weights }: NeighbourFlags, rows: number): NeighbourSettings {
  if (nNeighbors > rows) {
    const problem = `it has ${rows} rows, fewer than the ${nNeighbors} neighbours; lower --n-neighbors`;
    throw new VitrinaError('training-data-invalid', { problem });
  }
  return { neighbours: nNeighbors, weights: weights as NeighbourSettings['weights'] };
}

function run(
  { data, target, output, features, json }: Flags,
  learn: (table: TrainingTable, names: ReturnType<TrainingTable['names']>) => Trained,
): void {
  const table = new TrainingTable(readCsv(readData(data)));
  const names = table.names(target, features);
  const { model, facts } = learn(table, names);
  const bytes = writeModel(output, model);
  const [estimator] = model.provenance.components;
  if (json) {
    process.stdout.write(`${JSON.stringify({ output, bytes, estimator, ...names, ...facts })}\n`);
    return;
  }
  process.stdout.write(`${output}: ${estimator} of ${target} from ${names.features.join(', ')} (${bytes} bytes)\n`);
}

/** Gives the size of the file. */
function writeModel(output: string, model: Conversion): number {
  const bytes = withMetadata(model);
  try {
    writeFileSync(output, bytes);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: output, problem: 'the file cannot be written' }, { cause });
  }
  return bytes.length;
}

function readData(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
}
