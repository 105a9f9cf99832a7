import { type Command, InvalidArgumentError } from 'commander';
import { JobDesk, type JobState, jobStates, viewJob } from '../services/jobs/index.js';
import {
  type DatabaseFlags,
  databaseCommand,
  print,
  printTable,
  report,
  timeOrDash,
  withStorage,
} from './accounts-on-disk.js';

interface ListFlags extends DatabaseFlags {
  readonly state?: JobState;
  readonly name?: string;
  readonly limit: number;
}

export function register(program: Command): void {
  const jobs = program
    .command('jobs')
    .description('Jobs that a server was asked for: look at them, end them, let them run anew.')
    .addHelpText(
      'after',
      `
Examples:
  vitrina jobs list --state failed
  vitrina jobs show 019a8c1e-5f00-7000-8000-000000000000
  vitrina jobs retry 019a8c1e-5f00-7000-8000-000000000000`,
    );

  databaseCommand(jobs, 'list', 'List jobs, the newest first.')
    .option('--state <state>', `only those that are ${jobStates.join(', ')}`, readState)
    .option('--name <name>', 'only those of one kind')
    .option('--limit <count>', 'jobs shown', readLimit, 100)
    .addHelpText('after', '\nExamples:\n  vitrina jobs list --state failed --name artwork.callback')
    .action(({ state, name, limit, ...flags }: ListFlags) =>
      withDesk(flags, async (desk) => {
        const filter = { limit, ...(state === undefined ? {} : { state }), ...(name === undefined ? {} : { name }) };
        const rows = await desk.list(filter);
        if (flags.json) return print(JSON.stringify(rows.map(viewJob)));
        printTable(
          ['id', 'name', 'state', 'attempts', 'created', 'finished'],
          rows.map((row) => [
            row.id,
            row.name,
            row.state,
            String(row.attempts),
            timeOrDash(row.created_at),
            timeOrDash(row.finished_at),
          ]),
        );
      }),
    );

  databaseCommand(jobs, 'show', 'Show a job, its input and its attempts that failed, as JSON.')
    .argument('<id>', 'the job')
    .addHelpText('after', '\nExamples:\n  vitrina jobs show 019a8c1e-5f00-7000-8000-000000000000')
    .action((id: string, flags: DatabaseFlags) =>
      withDesk(flags, async (desk) => {
        const row = await desk.find(id);
        const failures = (await desk.attempts(row.id)).map(({ attempt, finished_at, error }) => ({
          attempt,
          finishedAt: new Date(finished_at).toISOString(),
          error: JSON.parse(error) as unknown,
        }));
        const shown = { ...viewJob(row), input: JSON.parse(row.input) as unknown, failures };
        print(JSON.stringify(shown, null, flags.json ? undefined : 2));
      }),
    );

  databaseCommand(jobs, 'retry', 'Let a job that failed or was cancelled run anew.')
    .argument('<id...>', 'the jobs')
    .addHelpText('after', '\nExamples:\n  vitrina jobs retry 019a8c1e-5f00-7000-8000-000000000000')
    .action((ids: string[], flags: DatabaseFlags) =>
      withDesk(flags, async (desk) => {
        for (const id of ids) {
          const row = await desk.retry(id);
          report(flags, viewJob(row), `Job ${id} runs anew.`);
        }
      }),
    );

  databaseCommand(jobs, 'cancel', 'End a job before its time.')
    .argument('<id...>', 'the jobs')
    .addHelpText('after', '\nExamples:\n  vitrina jobs cancel 019a8c1e-5f00-7000-8000-000000000000')
    .action((ids: string[], flags: DatabaseFlags) =>
      withDesk(flags, async (desk) => {
        for (const id of ids) {
          const row = await desk.cancel(id);
          const what = row.state === 'cancelled' ? 'is cancelled' : 'is told to stop';
          report(flags, viewJob(row), `Job ${id} ${what}.`);
        }
      }),
    );
}

const withDesk = (flags: DatabaseFlags, act: (desk: JobDesk) => Promise<void>): Promise<void> =>
  withStorage(flags, (storage) => act(new JobDesk(storage)));

function readState(text: string): JobState {
  const state = jobStates.find((one) => one === text);
  if (state === undefined) throw new InvalidArgumentError(`Expected one of ${jobStates.join(', ')}.`);
  return state;
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,5}$/.test(text) || limit < 1) throw new InvalidArgumentError('Expected a number from 1 to 99999.');
  return limit;
}
