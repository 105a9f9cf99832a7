/** Vitrina on the artefacts that training left, and the bare ceiling: one contender for each number of workers. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { modelSignals } from '../../src/apps/shock/window.js';
import type { Contender, Question } from './contender.js';
import { isAlive, waitForEnd } from './process-tree.js';
import { probesOf, readBody, readExpected } from './registry.js';
import { openRig, stopRig } from './rig.js';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'bin/vitrina.js');

/** What Vitrina serves for each workload, and the question: the rivals' bytes where it takes them. */
interface Serving {
  readonly artefact: string;
  /** The name of the model: that of the file in its repository. */
  readonly model: string;
  readonly path: string;
  readonly body: string;
  readonly expect: string;
  readonly form: Question['form'];
  /** The body in the names that Vitrina knows; the values and the work stay the same. */
  readonly adapt?: (body: string) => string;
  /** Settings of `vitrina.yaml`. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The modelo app speaks the contract of the rivals' `/modelo`, `/knn` and `/predict_text`. */
const modelo = (model: string) => ({ apps: { modelo: { model, predict: 'key' } } });

const servings: Readonly<Record<string, Serving>> = {
  linreg: {
    artefact: 'linreg.pkl',
    model: 'linreg',
    path: '/modelo',
    body: 'linreg_flat.json',
    expect: 'linreg.json',
    form: 'num',
    settings: modelo('linreg'),
  },
  knn: {
    artefact: 'knn.pkl',
    model: 'knn',
    path: '/modelo',
    body: 'linreg_flat.json',
    expect: 'knn.json',
    form: 'num',
    settings: modelo('knn'),
  },
  spam: {
    artefact: 'spam.joblib',
    model: 'spam',
    path: '/modelo',
    body: 'spam.json',
    expect: 'spam.json',
    form: 'label',
    settings: modelo('spam'),
  },
  lstm: {
    artefact: 'LSTM.h5',
    model: 'lstm',
    path: '/models/lstm/predict',
    body: 'lstm_x2.json',
    expect: 'lstm.json',
    form: 'row',
    // The input has the name of its layer.
    adapt: (body) => body.replace('"x":', '"input_1":'),
    settings: {},
  },
  fcv: {
    artefact: 'LSTM.h5',
    model: 'shock',
    path: '/predict',
    body: 'fcv.json',
    expect: 'fcv.json',
    form: 'fcv',
    adapt: renameSignals,
    settings: { only: 'shock', 'token-minutes': 1440 },
  },
};

/** The rivals take any nine signals; the app takes those of its contract. Both sort them by name into columns. */
function renameSignals(body: string): string {
  const names = Object.values((JSON.parse(body) as { nomSigno: Record<string, string> }).nomSigno);
  const sorted = [...new Set(names)].sort();
  return sorted.reduce((text, name, i) => text.replaceAll(`"${name}"`, `"${modelSignals[i]}"`), body);
}

export const workloads = Object.keys(servings);

/** Whether this build of Vitrina can serve with several processes. */
export const hasWorkers = () =>
  execFileSync(process.execPath, [program, 'serve', '--help'], { encoding: 'utf8' }).includes('--workers');

/** Flags of Node for Vitrina's processes, to profile them: `--cpu-prof --cpu-prof-dir=…`. */
const nodeFlags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '');

/** A repository and a key or a token in `folder`, and a contender for each number in `workers`. */
export async function prepareVitrina(
  peers: string,
  workload: string,
  workers: readonly number[],
  folder: string,
  port: number,
): Promise<Contender[]> {
  const serving = servings[workload]!;
  const data = join(folder, 'data');
  for (const made of [data, join(folder, 'models')]) mkdirSync(made);
  const ending = serving.artefact.slice(serving.artefact.lastIndexOf('.'));
  copyFileSync(join(peers, 'models', serving.artefact), join(folder, 'models', `${serving.model}${ending}`));
  // JSON is YAML.
  writeFileSync(join(folder, 'vitrina.yaml'), JSON.stringify({ models: ['models'], data, ...serving.settings }));
  const given = readQuestion(peers, serving);
  const question = adapted(serving, given);
  const probes = probesOf(peers, workload, serving.expect, given).map((probe) => adapted(serving, probe));
  const make = (count: number, authorization: string | undefined): Contender => ({
    name: `vitrina-w${count}`,
    family: 'vitrina',
    role: 'ours',
    question,
    probes,
    authorization,
    closed: true,
    launch: async (at) => {
      // The first answer includes the conversion of the artefact: nothing is there that an earlier start left.
      rmSync(join(data, 'cache'), { recursive: true, force: true });
      const flags = count === 1 ? [] : ['--workers', String(count)];
      return launch([...nodeFlags, program, 'serve', '--port', String(at), ...flags], folder, at, {});
    },
    halt: (_port, pid) => terminate(pid),
    logFile: (at) => logFile(folder, at),
  });
  const authorization =
    workload === 'fcv' ? await logIn(make(1, undefined), port) : `Bearer ${createKey(folder, data)}`;
  return workers.map((count) => make(count, authorization));
}

/** `node:http` that parses the same body and answers the right constant. */
export function makeCeiling(peers: string, workload: string, workers: number, folder: string): Contender {
  const question = adapted(servings[workload]!, readQuestion(peers, servings[workload]!));
  const answer = JSON.stringify(
    question.form === 'row' ? { output: (question.expected as { predict: unknown }).predict } : question.expected,
  );
  const script = join(import.meta.dirname, 'bare.js');
  return {
    name: `bare-w${workers}`,
    family: 'bare',
    role: 'ceiling',
    question,
    probes: [],
    authorization: undefined,
    closed: false,
    launch: async (port) => launch([script], folder, port, { WORKERS: String(workers), ANSWER: answer }),
    halt: (_port, pid) => terminate(pid),
    logFile: (port) => logFile(folder, port),
  };
}

function readQuestion(peers: string, { path, body, form, expect }: Serving): Question {
  return { path, body: readBody(peers, body), form, expected: readExpected(peers, expect) };
}

const adapted = ({ adapt }: Serving, question: Question): Question =>
  adapt === undefined ? question : { ...question, body: Buffer.from(adapt(question.body.toString())) };

const createKey = (folder: string, data: string) =>
  execFileSync(process.execPath, [program, 'keys', 'create', '--scope', 'predict', '--data', data], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

/** A user of the shock app and an access token, as its clients get them. The secret that signs it stays in the data folder. */
async function logIn(contender: Contender, port: number): Promise<string> {
  const rig = await openRig(contender, port);
  try {
    const url = `http://127.0.0.1:${port}`;
    while ((await fetch(`${url}/livez`).catch(() => undefined))?.status !== 200) {
      if (!isAlive(rig.root)) throw new Error('Vitrina ended while it started');
      await sleep(20);
    }
    const body = JSON.stringify({ username: 'bench', password: 'bench-password-1' });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/auth/create_user`, { method: 'POST', body, headers });
    const login = await fetch(`${url}/auth/token`, { method: 'POST', body, headers });
    return `Bearer ${((await login.json()) as { access_token: string }).access_token}`;
  } finally {
    stopRig(rig);
  }
}

const logFile = (folder: string, port: number) => join(folder, `server.${port}.log`);

/** In a session of its own, so that all its processes are found, and the terminal's signals come through us. */
function launch(command: readonly string[], cwd: string, port: number, env: Readonly<Record<string, string>>): number {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITRINA_')));
  const log = openSync(logFile(cwd, port), 'w');
  const child = spawn(process.execPath, command, {
    cwd,
    env: { ...inherited, ...env, PORT: String(port), PEER_TAG: `ours.${port}.${process.pid}` },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => undefined);
  if (child.pid === undefined) throw new Error(`${command.join(' ')} does not start`);
  return child.pid;
}

/** Twelve seconds at most: the stop timeout and a little more. */
function terminate(pid: number | undefined): void {
  if (pid === undefined || !isAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  waitForEnd([pid], 12_000);
}
