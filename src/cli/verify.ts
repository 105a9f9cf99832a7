import type { Command } from 'commander';
import { type CaseResult, readManifest, runCase } from '../services/loading/manifest.js';
import { ModelRepository } from '../services/repository/model-repository.js';
import { exitCodes } from './exit-codes.js';
import { onlyModel } from './predict.js';
import { startProgress } from './progress.js';

interface Flags {
  readonly manifest?: string;
  readonly family?: string;
  readonly json?: true;
}

export function register(program: Command): void {
  program
    .command('verify')
    .description('Replay golden inputs and compare with the outputs of the library that made the model.')
    .argument('[model]', 'a folder or artefact with a golden file beside it')
    .option('--manifest <file>', 'a manifest of cases instead of one model')
    .option('--family <family>', 'only the cases of this family (keras, sklearn, hdbscan)')
    .option('--json', 'one JSON line a case: id, verdict, maxAbs, maxRel, maxOff, message')
    .addHelpText(
      'after',
      `
Verdicts: equal (every output within its tolerance), differs, refused (the artefact is not converted, and why), error; of
a clustering also ambiguous (the library has several answers, and this is none of those that the case lists).
Exit code 1 when a case differs or errs.

Examples:
  vitrina verify models/shock
  vitrina verify --manifest fixtures/manifest.json --family keras --json`,
    )
    .action(async (model: string | undefined, flags: Flags, command: Command) => {
      if (flags.manifest !== undefined) process.exitCode = await verifyManifest(flags.manifest, flags);
      else if (model !== undefined) await verifyModel(model, flags);
      else command.error('error: name a model, or a manifest with --manifest', { exitCode: exitCodes.usage });
    });
}

async function verifyManifest(file: string, { family, json }: Flags): Promise<number> {
  const cases = readManifest(file).filter((entry) => family === undefined || entry.family === family);
  const counts = { equal: 0, differs: 0, ambiguous: 0, refused: 0, error: 0 };
  const progress = startProgress('cases', cases.length);
  for (const entry of cases) {
    const result = await runCase(file, entry);
    counts[result.verdict]++;
    progress.step();
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else if (result.verdict !== 'equal') process.stdout.write(`${lineOf(result)}\n`);
  }
  progress.stop();
  const summary = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
  (json ? process.stderr : process.stdout).write(`${cases.length} cases: ${summary.join(', ')}\n`);
  return counts.differs + counts.error > 0 ? exitCodes.failed : exitCodes.done;
}

const lineOf = ({ id, verdict, message }: CaseResult) => `${verdict.padEnd(10)}${id}  ${message}`;

/** Loading replays the golden file: a model that loads with one has met it. */
async function verifyModel(path: string, { json }: Flags): Promise<void> {
  const models = new ModelRepository({ paths: [path], cacheFolder: undefined, maxQueueRows: 1 });
  try {
    await models.refresh();
    const model = onlyModel(models, path);
    for (const { version } of models.versions(model)) {
      const { golden } = models.get(model, version);
      const line = json
        ? JSON.stringify({ id: `${model}/${version}`, verdict: golden === 'passed' ? 'equal' : 'no golden file' })
        : `${model} version ${version}: ${golden === 'passed' ? 'meets its golden file' : 'has no golden file'}`;
      process.stdout.write(`${line}\n`);
      if (golden === 'none') process.exitCode = exitCodes.failed;
    }
  } finally {
    await models.close();
  }
}
