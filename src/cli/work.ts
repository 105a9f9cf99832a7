import { type Command, InvalidArgumentError } from 'commander';
import { environments } from '../apps/environments.js';
import { resolveConfig } from '../config.js';
import { stepBack } from '../thread.js';
import { attachWatchdog } from '../watchdog.js';
import { stopOnSignals } from './stop-on-signals.js';

interface Flags {
  readonly only?: string;
  readonly data?: string;
  readonly databaseUrl?: string;
  readonly concurrency?: number;
  readonly logLevel?: string;
}

export function register(program: Command): void {
  program
    .command('work')
    .description('Do the jobs of a server, in a process of its own.')
    .argument('[path...]', 'repository folders or artefacts, as the server has them')
    .option('--data <folder>', 'folder of the database and of the files of jobs (default ./data)')
    .option('--database-url <url>', 'a PostgreSQL in place of the database in that folder')
    .option('--concurrency <count>', 'jobs that run at a time (default 4)', readCount)
    .option('--only <app>', 'the app that the server mounts alone, for its names of settings')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default warn)')
    .addHelpText(
      'after',
      `
Any number of workers may run, on any machine that reaches the database, the data folder and, with the setting
queue-url, RabbitMQ. SIGTERM lets what runs end; what has not ended after stop-timeout goes to another worker.

Examples:
  vitrina work                                             jobs of the server on ./data
  vitrina work models/ --concurrency 8                     with the models that jobs ask for
  VITRINA_QUEUE_URL=amqp://… vitrina work --database-url postgres://vitrina@db.example/vitrina`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const { only, data, databaseUrl, concurrency, logLevel } = flags;
      const config = resolveConfig({
        flags: {
          ...(paths.length === 0 ? {} : { models: paths }),
          ...(only === undefined ? {} : { only }),
          ...(data === undefined ? {} : { data }),
          ...(databaseUrl === undefined ? {} : { 'database-url': databaseUrl }),
          ...(concurrency === undefined ? {} : { 'job-concurrency': concurrency }),
          ...(logLevel === undefined ? {} : { 'log-level': logLevel }),
        },
        env: process.env,
        folder: process.cwd(),
        environments,
      });
      const { jobNiceness, startWorker, usualConcurrency } = await import('../worker.js');
      stepBack(jobNiceness);
      const watchdog = attachWatchdog(process.env, (text) => void process.stderr.write(`vitrina: ${text}\n`));
      const worker = await startWorker(config, config['job-concurrency'] || usualConcurrency);
      stopOnSignals(() => worker.stop(config['stop-timeout'] * 1000), watchdog);
      const does = `Vitrina does jobs: ${worker.kinds.join(', ')}`;
      process.stdout.write(`${does}\n`);
      watchdog.ready(does);
    });
}

function readCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > 1000)
    throw new InvalidArgumentError('Expected a number from 1 to 1000.');
  return count;
}
