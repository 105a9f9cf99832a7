import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { VitrinaError } from '../errors.js';
import { profileRows } from '../services/drift/profile-builder.js';
import { readReference } from '../services/drift/reference-rows.js';
import { ModelRepository } from '../services/repository/model-repository.js';
import { isVersion } from '../services/repository/repository-scan.js';
import { onlyModel } from './predict.js';

interface Flags {
  readonly modelVersion?: string;
}

export function register(program: Command): void {
  program
    .command('profile')
    .description(
      'Make the reference profile by which drift is told, from rows that the model is known to be right for.',
    )
    .argument('<model>', 'the folder of a model')
    .argument('<rows>', 'CSV with the columns of the model (others are left out), or a JSON body as it is predicted')
    .option('--model-version <version>', 'the version to use (default the highest)')
    .addHelpText(
      'after',
      `
Examples:
  vitrina profile models/churn training.csv
  vitrina profile models/shock body.json --model-version 2

It is written beside the artefact, where servers find it. A running server takes the same rows at
PUT /models/{name}/versions/{version}/profile.`,
    )
    .action(async (path: string, rows: string, flags: Flags) => {
      const written = await writeProfile(path, rows, flags);
      process.stdout.write(`${written}\n`);
    });
}

/** Gives the line to print. */
async function writeProfile(path: string, rows: string, { modelVersion }: Flags): Promise<string> {
  const models = new ModelRepository({ paths: [path], cacheFolder: undefined, maxQueueRows: Number.MAX_SAFE_INTEGER });
  try {
    await models.refresh();
    const ready = await models.acquire(onlyModel(models, path), modelVersion);
    const folder = dirname(ready.artefact);
    if (!isVersion(basename(folder))) {
      const problem = 'a bare artefact has no folder for its profile; put the rows to a running server';
      throw new VitrinaError('path-unusable', { path, problem });
    }
    const profile = await profileRows(ready, readReference(ready.signature, readRows(rows)));
    const file = join(folder, 'profile.json');
    write(file, JSON.stringify(profile));
    return `${file}: ${profile.features.length} features of ${profile.rows} rows, for version ${profile.version}`;
  } finally {
    await models.close();
  }
}

/** JSON where it begins like that, else CSV. */
function readRows(file: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
  if (!/^\s*[[{]/.test(bytes.toString('latin1', 0, 1_000))) return bytes;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new VitrinaError('body-not-json', { problem: (cause as Error).message.slice(0, 200) }, { cause });
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the profile cannot be written here' }, { cause });
  }
}
