import { readFileSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { withMetadata } from '../convert/index.js';
import { VitrinaError } from '../errors.js';
import { readCsv } from '../formats/index.js';
import type { NeighbourSettings } from '../learn/neighbours.js';
import { type Trained, trainKnnClassifier, trainKnnRegressor, trainLinearRegression } from '../learn/train.js';
import { TrainingTable } from '../learn/training-table.js';

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
  const bytes = withMetadata(model);
  try {
    writeFileSync(output, bytes);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: output, problem: 'the file cannot be written' }, { cause });
  }
  const [estimator] = model.provenance.components;
  if (json) {
    process.stdout.write(`${JSON.stringify({ output, bytes: bytes.length, estimator, ...names, ...facts })}\n`);
    return;
  }
  process.stdout.write(
    `${output}: ${estimator} of ${target} from ${names.features.join(', ')} (${bytes.length} bytes)\n`,
  );
}

function readData(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
}
