import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Platform,
  readLabelledTexts,
  type TrainedTextClassifier,
  trainTextClassifier,
  VitrinaError,
  withMetadata,
} from '../../index.js';
import type { SpamSettings } from './settings.js';

/** Columns of the training data: the class, and the text. */
const columns = { label: 'v1', text: 'v2' } as const;
/** What is held out is decided by the split of the system that this app replaces. */
const split = { testSize: 0.33, seed: 2021 } as const;

/**
 * Makes the app's model of `spam.csv`: counts of words or tf-idf, and multinomial naive Bayes. It is made once: a restart
 * finds it, and one with another file or another vectorizer makes it anew. What it does to the rows that were held out
 * is printed as scikit-learn prints it.
 *
 * @throws VitrinaError `path-unusable` for a file that is not there or cannot be learned from
 */
export async function trainModel(
  platform: Pick<Platform, 'dataFolder' | 'serveOwnModel'>,
  { vectorizer, 'training-data': given }: SpamSettings,
  print: (text: string) => void,
): Promise<void> {
  const file = given ?? findTrainingData(platform.dataFolder);
  const csv = readTrainingData(file);
  const recipe = JSON.stringify({ ...columns, ...split, vectorizer });
  let trained: TrainedTextClassifier | undefined;
  await platform.serveOwnModel({
    digest: createHash('sha256').update(recipe).update(csv).digest('hex'),
    make: () => {
      trained = train(file, csv, vectorizer);
      return withMetadata(trained.model);
    },
  });
  if (trained === undefined) return;
  const { vocabulary, assessment } = trained;
  const { train: learned, test } = trained.split;
  const rows = `${learned.length + test.length} rows, ${vocabulary.length} words; ${test.length} rows held out`;
  print(`spam: trained on ${file} (${rows})\n\n${assessment.text}\n`);
}

function train(file: string, csv: Uint8Array, vectorizer: SpamSettings['vectorizer']): TrainedTextClassifier {
  try {
    const { texts, labels } = readLabelledTexts(csv, columns.text, columns.label);
    return trainTextClassifier(texts, labels, columns.label, { ...split, vectorizer });
  } catch (cause) {
    if (!(cause instanceof VitrinaError)) throw cause;
    throw new VitrinaError('path-unusable', { path: file, problem: cause.message.replace(/\.$/, '') }, { cause });
  }
}

function readTrainingData(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
}

/** The owner's `spam.csv` in the app's data folder, else the one that comes with the app. */
function findTrainingData(dataFolder: string): string {
  // Beside this module, and beside the library where this module is bundled into the program.
  const bundled = ['./spam.csv', '../apps/spam/spam.csv'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const places = [join(dataFolder, 'spam.csv'), ...bundled];
  return places.find((file) => existsSync(file)) ?? places[0]!;
}
