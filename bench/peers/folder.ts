import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const beside = join(import.meta.dirname, '../../../shared/peers');

/**
 * The folder of the rivals: `BENCH_PEERS`, else a copy in the cache folder of `../shared/peers` beside the checkout,
 * since the rivals write into their folders and are installed there.
 */
export function findPeers(): string {
  const named = process.env.BENCH_PEERS;
  const source = resolve(named ?? beside);
  if (!existsSync(join(source, 'peers.json'))) {
    throw new Error(`${source} has no peers.json; name the folder of the rivals in BENCH_PEERS`);
  }
  if (named !== undefined) return source;
  const copy = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vitrina-peers');
  mkdirSync(copy, { recursive: true });
  run('cp', ['-r', `${source}/.`, copy]);
  run('chmod', ['-R', 'u+w', copy]);
  return copy;
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}
