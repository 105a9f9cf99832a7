/** Checkers of what others define, which `scripts/python/make-venv.sh` installs at pinned releases. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
const bin = join(root, '.venv/deploy/bin');

export interface Said {
  readonly status: number | null;
  readonly text: string;
}

export type Tool = 'check-jsonschema' | 'hadolint' | 'kubernetes-validate';

export const hasTools = existsSync(join(bin, 'hadolint'));
if (!hasTools) {
  console.warn('\nSKIPPED: the checks of deploy/ by its tools; scripts/python/make-venv.sh installs them\n');
}

/** Runs a tool to its end, without a network. */
export function check(tool: Tool, words: readonly string[], input = ''): Said {
  const { status, stdout, stderr } = spawnSync(join(bin, tool), words, { encoding: 'utf8', input, cwd: root });
  return { status, text: `${stdout}${stderr}` };
}
