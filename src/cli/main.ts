import { Command, CommanderError } from 'commander';
import { VitrinaError } from '../errors.js';
import { version } from '../version.js';
import { exitCodes } from './exit-codes.js';

interface CommandModule {
  register(program: Command): void;
}

/** One file a command; only the one that is called is loaded. */
const commands: Readonly<Record<string, () => Promise<CommandModule>>> = {
  serve: () => import('./serve.js'),
  work: () => import('./work.js'),
  predict: () => import('./predict.js'),
  bench: () => import('./bench.js'),
  train: () => import('./train.js'),
  profile: () => import('./profile.js'),
  convert: () => import('./convert.js'),
  inspect: () => import('./inspect.js'),
  scan: () => import('./scan.js'),
  verify: () => import('./verify.js'),
  users: () => import('./users.js'),
  keys: () => import('./keys.js'),
  usage: () => import('./usage.js'),
  jobs: () => import('./jobs.js'),
  events: () => import('./events.js'),
  audit: () => import('./audit.js'),
  migrate: () => import('./migrate.js'),
  backup: () => import('./backup.js'),
  restore: () => import('./restore.js'),
};

const epilogue = `
Exit codes: 0 done, 1 the command failed or found a difference, 2 wrong usage.
Every setting is also read from VITRINA_<NAME>, .env and vitrina.yaml; see docs/configuration.md.`;

async function main(args: readonly string[]): Promise<void> {
  const program = new Command('vitrina')
    .description('A self-hosted model server: hand over the file that training left, get a production API.')
    .version(version)
    .addHelpText('after', epilogue)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) });
  const called = commands[args[0] ?? ''];
  for (const load of called === undefined ? Object.values(commands) : [called]) (await load()).register(program);
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** One clear line for what is foreseen, a trace for what is not. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof VitrinaError) process.stderr.write(`vitrina: ${error.message}\n`);
  else process.stderr.write(`vitrina: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed;
}

// A reader that closes the pipe early (head, less) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  throw error;
});

await main(process.argv.slice(2));
