/** The rivals of a peers folder: `peers.json` and `peers.d/*.json`, each a folder with `start.sh` and `stop.sh`. */
import { spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import type { AnswerForm } from './answers.js';
import type { Contender, Question } from './contender.js';

interface Peer {
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly w: Readonly<Record<string, Work>>;
  /** A variant that is left out unless it is asked for by name. */
  readonly extra?: boolean;
}

interface Work {
  readonly path: string;
  readonly body: string;
  readonly expect: string;
  readonly cmp: AnswerForm;
  readonly auth?: boolean;
}

/** They parse the body and answer a constant: what no server that computes can beat. */
const constants = ['node-raw', 'fastify-hello'];

export function readRegistry(folder: string): Record<string, Peer> {
  const more = join(folder, 'peers.d');
  const files = existsSync(more) ? readdirSync(more).filter((name) => name.endsWith('.json')) : [];
  const parts = [join(folder, 'peers.json'), ...files.sort().map((name) => join(more, name))];
  return Object.assign({}, ...parts.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, Peer>));
}

export const readBody = (folder: string, name: string) => readFileSync(join(folder, 'bodies', name));
export const readExpected = (folder: string, name: string): unknown =>
  JSON.parse(readFileSync(join(folder, 'expected', name), 'utf8'));

const folderOf = (folder: string, { dir }: Peer) => (isAbsolute(dir) ? dir : join(folder, dir));

/**
 * Installs what the rivals need and is not there yet: from PyPI, as the folder's `install.sh` does it, or from npm. What
 * cannot be installed is said by its start.
 */
export function installRivals(folder: string, workloads: readonly string[], only: readonly string[]): void {
  const wanted = Object.entries(readRegistry(folder))
    .filter(([name, peer]) => isWanted(name, peer, only) && workloads.some((workload) => workload in peer.w))
    .map(([, peer]) => folderOf(folder, peer));
  const output = ['ignore', 'inherit', 'inherit'] as const;
  for (const own of new Set(wanted)) {
    const python = environmentOf(own);
    if (python !== undefined && !existsSync(join(folder, python, 'venv'))) {
      process.stdout.write(`Installing ${python} in ${folder}\n`);
      spawnSync(join(folder, 'install.sh'), [python], { stdio: [...output] });
    }
    if (existsSync(join(own, 'package-lock.json')) && !existsSync(join(own, 'node_modules'))) {
      process.stdout.write(`Installing ${own}\n`);
      spawnSync('npm', ['ci', '--ignore-scripts', '--silent'], { cwd: own, stdio: [...output] });
    }
  }
}

/** The peer whose Python environment this one runs in: its own, or one that its `start.sh` names. */
function environmentOf(own: string): string | undefined {
  const borrowed = /\$ROOT\/([\w-]+)\/venv/.exec(readFileSync(join(own, 'start.sh'), 'utf8'))?.[1];
  return borrowed ?? (existsSync(join(own, 'requirements.txt')) ? basename(own) : undefined);
}

/** The rivals for `workload`, in the order of the registry; `only` names those that take part, all but extras if empty. */
export function findRivals(folder: string, workload: string, only: readonly string[]): Contender[] {
  return Object.entries(readRegistry(folder)).flatMap(([name, peer]) => {
    const work = peer.w[workload];
    if (work === undefined || !isWanted(name, peer, only)) return [];
    return [rivalOf(folder, workload, name, peer, work)];
  });
}

/** A family's name takes in its variants. */
function isWanted(name: string, { dir, extra }: Peer, only: readonly string[]): boolean {
  return only.length === 0 ? extra !== true : only.includes(name) || (only.includes(dir) && extra !== true);
}

function rivalOf(folder: string, workload: string, name: string, peer: Peer, work: Work): Contender {
  const own = folderOf(folder, peer);
  const env = { ...process.env, MODEL: workload, ...peer.env, NO_WAIT: '1' };
  const question = questionOf(folder, work);
  return {
    name,
    family: basename(own),
    role: constants.includes(name) ? 'ceiling' : 'rival',
    question,
    probes: probesOf(folder, workload, work.expect, question),
    authorization: work.auth === true ? `Bearer ${signToken()}` : undefined,
    closed: work.auth === true,
    logFile: (port) => join(folder, 'run', `${basename(own)}.${port}.log`),
    launch: (port) => runStart(join(own, 'start.sh'), port, env),
    halt: (port) => {
      spawnSync(join(own, 'stop.sh'), [String(port)], { env, stdio: 'ignore', timeout: 20_000 });
    },
  };
}

function questionOf(folder: string, { path, body, cmp, expect }: Work): Question {
  return { path, body: readBody(folder, body), form: cmp, expected: readExpected(folder, expect) };
}

/** Texts of both classes; a patient with gaps. */
export function probesOf(folder: string, workload: string, expect: string, question: Question): Question[] {
  if (workload === 'spam') {
    const labels = readExpected(folder, 'spam_probe.json') as string[];
    const texts = JSON.parse(readBody(folder, 'spam_probe.json').toString()) as string[];
    return texts.map((text, i) => ({
      ...question,
      body: Buffer.from(JSON.stringify({ text })),
      expected: { predict: labels[i] },
    }));
  }
  if (workload !== 'fcv') return [];
  const expected = readExpected(folder, expect.replace('fcv', 'fcv_gaps'));
  return [{ ...question, body: readBody(folder, 'fcv_gaps.json'), expected }];
}

/** The token that the rivals of the shock body take: HS256 with the secret that their services read. */
function signToken(): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 86_400;
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: 'bench', id: 1, exp })}`;
  const secret = process.env.FCV_SECRET ?? 'peers-bench-secret';
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** `start.sh` puts its server in the background and prints its process last. */
function runStart(script: string, port: number, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(script, [String(port)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaints += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const pid = Number(text.trim().split(/\s+/).at(-1));
      if (code === 0 && pid > 0) resolve(pid);
      else reject(new Error(`start.sh ended with ${code}: ${complaints.trim()}`));
    });
  });
}
