import type { Command } from 'commander';
import { type Config, resolveConfig } from '../config.js';
import type { RunningServer } from '../server.js';
import type { ModelRepository } from '../services/model-repository.js';
import { exampleBody } from '../services/model-schemas.js';
import { exitCodes } from './exit-codes.js';

interface Flags {
  readonly only?: string;
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly watch?: true;
  readonly logLevel?: string;
}

export function register(program: Command): void {
  program
    .command('serve')
    .description('Serve models and apps over HTTP.')
    .argument('[path...]', 'repository folders or artefacts')
    .option('--only <app>', 'mount one app at /, and nothing but health and documentation beside it')
    .option('--host <host>', 'address to listen on (default 127.0.0.1)')
    .option('--port <port>', 'port to listen on; 0 takes a free one (default 8000)')
    .option('--data <folder>', 'folder of the database, the conversion cache and the logs (default ./data)')
    .option('--watch', 'reload models that change on disk')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default warn)')
    .addHelpText(
      'after',
      `
Examples:
  vitrina serve models/                    every model of a repository folder
  vitrina serve model.h5 iris.keras        artefacts, each a model named after its file
  vitrina serve models/ --only shock       one app, as its clients know it
  vitrina serve models/ --watch            reload while training writes`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const { logLevel, ...rest } = flags;
      const config = resolveConfig({
        flags: {
          ...rest,
          ...(logLevel === undefined ? {} : { 'log-level': logLevel }),
          ...(paths.length === 0 ? {} : { models: paths }),
        },
        env: process.env,
        folder: process.cwd(),
      });
      await serve(config);
    });
}

async function serve(config: Config): Promise<void> {
  const { startServer } = await import('../server.js');
  const server = await startServer(config);
  // Stopping is bounded by the stop timeout, so a second signal (npm passes on what the terminal sent already) changes nothing.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stopAndExit(server));
  const print = (line: string) => process.stdout.write(`${line}\n`);
  for (const problem of problemsOf(server.models)) process.stderr.write(`vitrina: ${problem}\n`);
  if (server.firstKey !== undefined) print(`First admin key (shown once): ${server.firstKey}`);
  else print(`Keys: made with "vitrina keys create --scope predict --data ${config.data}"`);
  print(`Try it: ${curlLine(server.url, server.firstKey ?? '$VITRINA_KEY', server.models, config)}`);
  print(`Vitrina serves ${countOf(server.models)} at ${server.url} (documentation: ${server.url}/docs)`);
}

async function stopAndExit(server: RunningServer): Promise<void> {
  try {
    await server.stop();
    process.exit(exitCodes.done);
  } catch (error) {
    process.stderr.write(`vitrina: ${String(error)}\n`);
    process.exit(exitCodes.failed);
  }
}

/** A broken model keeps only itself from being ready; its reason is printed once, in one line. */
function problemsOf(models: ModelRepository): string[] {
  return models
    .list()
    .flatMap(({ model, version, state }) =>
      state.status === 'failed' ? [`model "${model}" version ${version} is not ready: ${state.error.message}`] : [],
    );
}

function countOf(models: ModelRepository): string {
  const ready = models.names().filter((name) => models.versions(name).some(({ state }) => state.status === 'ready'));
  return ready.length === 1
    ? `the model ${ready[0]}`
    : `${ready.length} models${ready.length === 0 ? '' : ` (${ready.join(', ')})`}`;
}

/** A line that answers a prediction when it is pasted; shown with a key or, on later starts, with a place for one. */
function curlLine(url: string, key: string, models: ModelRepository, { only }: Config): string {
  const name = only ?? shortest(models);
  if (name === undefined || only !== undefined) return `curl ${url}/livez`;
  const body = JSON.stringify(exampleBody(models.get(name)));
  return `curl ${url}/models/${name}/predict -H "X-Api-Key: ${key}" -H "Content-Type: application/json" -d '${body.replaceAll("'", "'\\''")}'`;
}

/** The model whose example is shortest: a line to be pasted should be read at a glance. */
function shortest(models: ModelRepository): string | undefined {
  const length = (name: string) => JSON.stringify(exampleBody(models.get(name)) ?? '').length;
  return models
    .names()
    .filter((name) => models.versions(name).some(({ state }) => state.status === 'ready'))
    .filter((name) => exampleBody(models.get(name)) !== undefined)
    .sort((a, b) => length(a) - length(b))[0];
}
