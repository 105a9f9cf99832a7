import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { VitrinaError } from '../errors.js';
import { ModelRepository } from '../services/model-repository.js';
import { readBody, writeAnswer } from '../services/prediction-json.js';
import { PredictionService } from '../services/prediction-service.js';

export function register(program: Command): void {
  program
    .command('predict')
    .description('Predict without a server: the same bodies and the same answers as POST /models/{name}/predict.')
    .argument('<model>', 'an artefact, or the folder of a model')
    .argument('[body]', 'file with the JSON body; standard input unless given', '-')
    .option('--model-version <version>', 'the version to use (default the highest)')
    .addHelpText(
      'after',
      `
Examples:
  vitrina predict iris.keras body.json
  echo '{"inputs": {"x": [[5.1, 3.5, 1.4, 0.2]]}}' | vitrina predict iris.keras`,
    )
    .action(async (model: string, file: string, flags: { modelVersion?: string }) => {
      process.stdout.write(`${JSON.stringify(await predict(model, readJson(file), flags.modelVersion))}\n`);
    });
}

async function predict(path: string, body: unknown, version: string | undefined): Promise<unknown> {
  const models = new ModelRepository({ paths: [path], cacheFolder: undefined, maxQueueRows: Number.MAX_SAFE_INTEGER });
  try {
    await models.refresh();
    const model = onlyModel(models, path);
    const { form, inputs } = readBody(models.get(model, version).signature, body);
    const predictions = new PredictionService(models, Number.MAX_SAFE_INTEGER);
    return writeAnswer(
      form,
      await predictions.predict({ model, inputs, ...(version === undefined ? {} : { version }) }),
    );
  } finally {
    await models.close();
  }
}

/** The one model under `path`; its fault, if it has one, is thrown. */
export function onlyModel(models: ModelRepository, path: string): string {
  const names = models.names();
  if (names.length !== 1) {
    const problem =
      names.length === 0
        ? 'there is no model here'
        : `there are ${names.length} models; name one of ${names.join(', ')}`;
    throw new VitrinaError('path-unusable', { path, problem });
  }
  const states = models.versions(names[0]!).map(({ state }) => state);
  const failed = states.find((state) => state.status === 'failed');
  if (failed?.status === 'failed' && !states.some((state) => state.status === 'ready')) throw failed.error;
  return names[0]!;
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new VitrinaError('path-unusable', { path: file, problem: 'the file cannot be read' }, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VitrinaError('body-not-json', { problem: (cause as Error).message.slice(0, 200) }, { cause });
  }
}
