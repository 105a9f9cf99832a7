/**
 * `npm run bench:peers`: Vitrina and its rivals in turn, on the same models and bodies, each answer checked; prints
 * requests per second, latency in closed and open loop, processor time, memory and cold start, and how Vitrina compares.
 */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../src/version.js';
import { hasWrk, stopLoad } from './peers/closed-loop.js';
import type { Contender } from './peers/contender.js';
import { findPeers } from './peers/folder.js';
import { hasWorkers, makeCeiling, prepareVitrina, workloads } from './peers/ours.js';
import { findRivals, installRivals } from './peers/registry.js';
import { stopAllRigs } from './peers/rig.js';
import type { Line, Run } from './peers/standings.js';
import { describeRun, makeTables, replaceBetweenMarkers, writeMarkdown, writeText } from './peers/tables.js';
import { type Rate, type Settings, takeTurn } from './peers/turn.js';

const usage = `Usage: npm run bench:peers -- [options]
  --only linreg,knn        workloads: ${workloads.join(', ')}
  --peers fcv,mlserver     rivals, by folder or by name of a variant; "bare" is the ceiling; Vitrina always takes part
  --rounds 3  --seconds 8  --warm 8  --connections 1,16,64  --workers 1,2  --port 18100
  --load autocannon        makes the closed loop with autocannon also where there is wrk
  --closed-only            leaves out the open loop
  --out FILE               where the lines of JSON go
  --markdown FILE          puts the tables between the markers of this file
  --from FILE              prints the tables of an earlier run, and measures nothing
BENCH_PEERS names the folder of the rivals (default ../shared/peers, copied to the cache folder, and installed there).
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: workloads.join() },
    peers: { type: 'string', default: '' },
    rounds: { type: 'string', default: process.env.BENCH_ROUNDS ?? '3' },
    seconds: { type: 'string', default: process.env.BENCH_SECONDS ?? '8' },
    warm: { type: 'string', default: '8' },
    connections: { type: 'string', default: process.env.BENCH_CONNECTIONS ?? '1,16,64' },
    workers: { type: 'string', default: '1,2' },
    port: { type: 'string', default: '18100' },
    load: { type: 'string', default: hasWrk() ? 'wrk' : 'autocannon' },
    'closed-only': { type: 'boolean', default: false },
    out: { type: 'string' },
    markdown: { type: 'string' },
    from: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const print = (text: string) => process.stdout.write(`${text}\n`);
const listOf = (text: string) => text.split(',').filter((item) => item !== '');
const numbersOf = (name: 'connections' | 'workers' | 'rounds' | 'seconds' | 'warm' | 'port'): number[] => {
  const numbers = listOf(options[name]).map(Number);
  if (numbers.length > 0 && numbers.every((number) => Number.isInteger(number) && number > 0)) return numbers;
  throw new Error(`--${name} ${options[name]}: expected whole numbers above 0`);
};

// Said before the measurement, not an hour after it.
if (options.markdown !== undefined) replaceBetweenMarkers(readFileSync(options.markdown, 'utf8'), '');
if (options.help) print(usage);
else if (options.from === undefined) await measure();
else {
  const lines = readFileSync(options.from, 'utf8').split('\n');
  show(lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line));
}

async function measure(): Promise<void> {
  const chosen = listOf(options.only);
  const unknown = chosen.find((workload) => !workloads.includes(workload));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: the workloads are ${workloads.join(', ')}`);
  if (!['wrk', 'autocannon'].includes(options.load))
    throw new Error(`--load ${options.load}: expected wrk or autocannon`);
  const [rounds, seconds, warmSeconds, port] = (['rounds', 'seconds', 'warm', 'port'] as const).map(
    (name) => numbersOf(name)[0]!,
  ) as [number, number, number, number];
  const settings: Settings = {
    seconds,
    warmSeconds,
    connections: numbersOf('connections'),
    port,
    wrk: options.load === 'wrk',
  };
  const workers = numbersOf('workers').filter((count) => count === 1 || hasWorkers());
  const wanted = listOf(options.peers);
  const run: Run = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} cores (${cpus()[0]!.model})`,
    node: process.version,
    version,
    generator: settings.wrk ? 'wrk' : 'autocannon',
    seconds,
    rounds,
    connections: settings.connections,
    loadAverage: loadavg()[0]!,
  };
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-peers-'));
  process.once('exit', () => {
    stopLoad();
    stopAllRigs();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

  const out = options.out ?? `vitrina-peers-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.log`;
  const lines: Line[] = [];
  const keep = (line: Line) => {
    lines.push(line);
    appendFileSync(out, `${JSON.stringify(line)}\n`);
  };
  keep({ kind: 'run', ...run });
  print(`${describeRun(run)}\nLines of JSON go to ${out}\n`);
  const peers = findPeers();
  installRivals(peers, chosen, wanted);
  for (const workload of chosen) {
    const own = join(folder, workload);
    mkdirSync(own);
    const ceilings =
      wanted.length === 0 || wanted.includes('bare')
        ? workers.map((count) => makeCeiling(peers, workload, count, own))
        : [];
    const rivals = findRivals(peers, workload, wanted);
    const ours = await prepareVitrina(peers, workload, workers, own, port);
    // Vitrina comes last in each round, when the rates are known that the rivals were asked at.
    await takeRounds(workload, [...ceilings, ...rivals, ...ours], rounds, settings, own, keep);
  }
  show(lines);
}

/** Interleaved: what disturbs the machine for a while disturbs everybody. */
async function takeRounds(
  workload: string,
  contenders: readonly Contender[],
  rounds: number,
  settings: Settings,
  folder: string,
  keep: (line: Line) => void,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const rates: Rate[] = [];
    for (const contender of contenders) {
      const { name, family, role } = contender;
      /** A rival at half its own capacity; Vitrina at the same rates, as far as they are half of its own at most. */
      const chooseRates = (best: number): readonly Rate[] => {
        if (options['closed-only']) return [];
        if (role === 'ours') return rates.filter(({ perSecond }) => perSecond <= best / 2);
        const rate = { of: name, perSecond: best / 2 };
        if (role === 'rival') rates.push(rate);
        return role === 'rival' ? [rate] : [];
      };
      try {
        const turn = await takeTurn(contender, settings, folder, chooseRates);
        keep({ kind: 'turn', workload, round, ...turn });
        const figures = turn.closed.map(
          ({ connections, requestsPerSecond, p99, cpuMsPerRequest }) =>
            `${connections}: ${requestsPerSecond.toFixed(0)}/s p99 ${p99.toFixed(1)} ms ${cpuMsPerRequest.toFixed(3)} CPU ms`,
        );
        print(`${workload} ${round}/${rounds} ${name}: ${figures.join(', ')}`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        keep({ kind: 'absence', workload, round, contender: name, family, reason });
        print(`${workload} ${round}/${rounds} ${name}: not measured, ${reason}`);
      }
    }
  }
}

function show(lines: readonly Line[]): void {
  const { servers, targets } = makeTables(lines);
  print(`\n${[...servers, targets].map(writeText).join('\n')}`);
  if (options.markdown === undefined) return;
  const run = lines.find((line) => line.kind === 'run')!;
  const content = [describeRun(run), ...servers.map(writeMarkdown)].join('\n\n');
  writeFileSync(options.markdown, replaceBetweenMarkers(readFileSync(options.markdown, 'utf8'), content));
}
