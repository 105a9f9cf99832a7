import cluster from 'node:cluster';
import type { Command } from 'commander';
import { environments } from '../apps/environments.js';
import type { Greeting } from '../cluster/messages.js';
import { type Config, resolveConfig } from '../config.js';
import type { RunningServer } from '../server.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import { exampleBody } from '../services/repository/model-schemas.js';
import { attachWatchdog, type Watchdog } from '../watchdog.js';
import { stopOnSignals } from './stop-on-signals.js';

interface Flags {
  readonly only?: string;
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly databaseUrl?: string;
  readonly workers?: string;
  readonly watch?: true;
  readonly load?: string;
  readonly memoryBudget?: string;
  readonly logLevel?: string;
  readonly grpcPort?: string;
}

export function register(program: Command): void {
  program
    .command('serve')
    .description('Serve models and apps over HTTP.')
    .argument('[path...]', 'repository folders or artefacts')
    .option('--only <app>', 'mount one app at /, and nothing but health and documentation beside it')
    .option('--host <host>', 'address to listen on (default 127.0.0.1)')
    .option('--port <port>', 'port to listen on; 0 takes a free one (default 8000)')
    .option('--grpc-port <port>', 'port of the Open Inference Protocol over gRPC; 0 takes a free one (default: none)')
    .option('--data <folder>', 'folder of the database, the conversion cache and the logs (default ./data)')
    .option('--database-url <url>', 'a PostgreSQL in place of the database in that folder (see docs/postgres.md)')
    .option('--workers <count>', 'processes that share the port; auto is one for each core (default 1)')
    .option('--load <when>', 'eager, lazy (when a model is asked for) or auto (lazy beyond 100 versions; the default)')
    .option('--memory-budget <MB>', 'what loaded models may take, a process; those not used lately leave')
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
      const given = Object.entries(flags).map(([name, value]) => [settingOf(name), value]);
      const config = resolveConfig({
        flags: { ...Object.fromEntries(given), ...(paths.length === 0 ? {} : { models: paths }) },
        env: process.env,
        folder: process.cwd(),
        environments,
      });
      await serve(config);
    });
}

/** `logLevel`, as the parser of flags has it, is the setting `log-level`. */
const settingOf = (flag: string): string => flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

async function serve(config: Config): Promise<void> {
  const greet = (server: RunningServer) => greetingOf(server, config);
  if (cluster.isWorker) return (await import('../cluster/worker.js')).runWorker(config, greet);
  const watchdog = attachWatchdog(process.env, complain);
  if (config.workers > 1) return servePrimary(config, watchdog);
  // A unit has one way to reload, whatever the number of processes; to this one, SIGHUP would be the end.
  if (process.env.NOTIFY_SOCKET) process.on('SIGHUP', () => complain('one process cannot be rolled; restart it.'));
  const { startServer } = await import('../server.js');
  const server = await startServer(config);
  stopOnSignals(() => server.stop(), watchdog);
  const greeting = greet(server);
  printStart(greeting);
  print(greeting.served);
  watchdog.ready(greeting.served);
}

/** Several processes: this one watches, its workers serve. */
async function servePrimary(config: Config, watchdog: Watchdog): Promise<void> {
  const { Primary } = await import('../cluster/primary.js');
  const primary = new Primary(config);
  stopOnSignals(() => primary.stop(), watchdog);
  process.on('SIGHUP', () => void primary.roll());
  // The first key is shown as soon as it exists, whatever becomes of the other workers.
  const { served } = await primary.start(printStart);
  print(served);
  watchdog.ready(served);
}

function greetingOf({ models, firstKey, url, grpcAddress }: RunningServer, config: Config): Greeting {
  const where = config['database-url'] === undefined ? `--data ${config.data}` : '--database-url …';
  const access =
    firstKey === undefined
      ? `Keys: made with "vitrina keys create --scope predict ${where}"`
      : `First admin key (shown once): ${firstKey}`;
  const grpc = grpcAddress === undefined ? '' : `, gRPC: ${grpcAddress}`;
  return {
    problems: problemsOf(models),
    access,
    example: `Try it: ${curlLine(url, firstKey ?? '$VITRINA_KEY', models, config)}`,
    served: `Vitrina serves ${countOf(models)} at ${url} (documentation: ${url}/docs${grpc})`,
  };
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const complain = (line: string) => process.stderr.write(`vitrina: ${line}\n`);

function printStart({ problems, access, example }: Greeting): void {
  for (const problem of problems) complain(problem);
  print(access);
  print(example);
}

/** A broken model keeps only itself from being ready; its reason is printed once, in one line. */
function problemsOf(models: ModelRepository): string[] {
  return models
    .list()
    .flatMap(({ model, version, state }) =>
      state.status === 'failed' ? [`model "${model}" version ${version} is not ready: ${state.error.message}`] : [],
    );
}

/** Names of models beyond this many are not printed. */
const longestList = 20;

function countOf(models: ModelRepository): string {
  const names = models.names().filter((name) => models.answers(name));
  if (names.length === 1) return `the model ${names[0]}`;
  const shown = names.length > longestList ? `${names.slice(0, longestList).join(', ')}, …` : names.join(', ');
  return `${names.length} models${names.length === 0 ? '' : ` (${shown})`}`;
}

/** A line that answers a prediction when it is pasted; shown with a key or, on later starts, with a place for one. */
function curlLine(url: string, key: string, models: ModelRepository, { only }: Config): string {
  if (only !== undefined) return `curl ${url}/livez`;
  const [shortest] = models
    .names()
    .slice(0, longestList)
    .flatMap((name) => exampleOf(models, name) ?? [])
    .sort((a, b) => a.body.length - b.body.length);
  if (shortest === undefined) return `curl ${url}/models -H "X-Api-Key: ${key}"`;
  const { name, body } = shortest;
  return `curl ${url}/models/${name}/predict -H "X-Api-Key: ${key}" -H "Content-Type: application/json" -d '${body.replaceAll("'", "'\\''")}'`;
}

/** A body that the model answers, where it is known: a line to be pasted should be read at a glance. */
function exampleOf(models: ModelRepository, name: string): { name: string; body: string } | undefined {
  const state = models.versions(name).find(({ version }) => version === models.defaultVersion(name))?.state;
  const known = state?.status === 'ready' ? state.ready : state?.status === 'unloaded' ? state.card : undefined;
  const example = known === undefined ? undefined : exampleBody(known);
  return example === undefined ? undefined : { name, body: JSON.stringify(example) };
}
