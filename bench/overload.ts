/**
 * `npm run bench:overload`: an LSTM at three times what the server can answer, each request with a deadline. Prints
 * what came through of the capacity, how long it took, what memory it took, and how health was answered meanwhile.
 */
import { cpus } from 'node:os';
import { startLstm } from './lstm-rig.js';
import { coresApart } from './process.js';
import { median, rateOf } from './run-raw-load.js';

const seconds = Number(process.env.BENCH_SECONDS ?? 60);
const times = Number(process.env.BENCH_TIMES ?? 3);
const connections = Number(process.env.BENCH_CONNECTIONS ?? 256);
const deadlineMs = Number(process.env.BENCH_DEADLINE_MS ?? 500);
/** model.yaml; `placement: worker` moves the graph to a thread. */
const batching = process.env.BENCH_MODEL_YAML ?? '{}';

// Three times the load must not leave the server fewer cores than it had when its capacity was measured.
const apart = coresApart();
const rig = await startLstm(batching, [], apart);
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Asks for health ten times a second until it is stopped; milliseconds. */
function watchHealth(): () => number[] {
  const found: number[] = [];
  const timer = setInterval(() => {
    const before = performance.now();
    void fetch(`${rig.url}/livez`).then(
      ({ ok }) => found.push(ok ? performance.now() - before : Number.POSITIVE_INFINITY),
      () => found.push(Number.POSITIVE_INFINITY),
    );
  }, 100);
  return () => {
    clearInterval(timer);
    return found;
  };
}

function watchMemory(): () => number {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, rig.residentMb());
  }, 250);
  return () => {
    clearInterval(timer);
    return most;
  };
}

interface Loop {
  /** Answers a second. */
  readonly rate: number;
  /** Of the server, for each. */
  readonly cpuMs: number;
}

/** A closed loop: a server that is never idle, and never has more than it can answer. */
async function loop(): Promise<Loop> {
  const before = rig.cpuMs();
  const figures = await rig.load({ connections: 64, seconds: 5 });
  const rate = rateOf(figures);
  return { rate, cpuMs: (rig.cpuMs() - before) / (rate * figures.seconds) };
}

const rateOfAll = (loops: readonly Loop[]) => median(loops.map(({ rate }) => rate));

try {
  say(`${cpus()[0]!.model}, ${cpus().length} cores, Node ${process.version}`);
  say(
    apart.length > 0
      ? `the server with ${apart.join(' ')}, the load on the last core`
      : 'the server and its load on all cores',
  );
  await rig.load({ connections: 64, seconds: 3 });
  const calm: Loop[] = [await loop(), await loop(), await loop()];
  const memory = rig.residentMb();

  const health = watchHealth();
  const most = watchMemory();
  const before = rig.cpuMs();
  const figures = await rig.load({
    connections,
    seconds,
    rate: times * rateOfAll(calm),
    // Who finds all connections in use has been slowed down already.
    patienceMs: 20,
    headers: { 'x-timeout-ms': `${deadlineMs}` },
  });
  const cpuMs = rig.cpuMs() - before;
  const cores = cpuMs / 1000 / figures.seconds;
  const goodCost = cpuMs / (rateOf(figures) * figures.seconds);
  const answered = health().sort((a, b) => a - b);
  // The machine is not as fast in one minute as in the next.
  calm.push(await loop(), await loop(), await loop());
  const capacity = rateOfAll(calm);
  const cost = median(calm.map(({ cpuMs: own }) => own));
  say(
    `capacity ${capacity.toFixed(0)} requests/s (before ${calm.map(({ rate }) => rate.toFixed(0)).join(', ')} after), ${memory.toFixed(0)} MB`,
  );
  say(`${times} times that for ${seconds} s on ${connections} connections, ${deadlineMs} ms for each request:`);
  for (const { status, count, p50, p99, max } of figures.answers) {
    const shown = [p50, p99, max].map((ms) => ms.toFixed(1)).join(', ');
    say(`  ${status}: ${(count / figures.seconds).toFixed(0)}/s, p50, p99 and most ${shown} ms`);
  }
  say(
    `  no connection in time: ${(figures.unsent / figures.seconds).toFixed(0)}/s; broken connections: ${figures.broken}`,
  );
  say(
    `  goodput: ${((100 * rateOf(figures)) / capacity).toFixed(0)} % of the capacity, the server on ${cores.toFixed(2)} cores`,
  );
  // On a machine that others use too, what a second of processor time gives is the steadier figure.
  say(
    `  an answer takes ${goodCost.toFixed(3)} ms of processor time, refusals included, and took ${cost.toFixed(3)}: ${((100 * cost) / goodCost).toFixed(0)} %`,
  );
  say(`  memory: ${most().toFixed(0)} MB at most, ${rig.residentMb().toFixed(0)} MB in the end`);
  say(
    `  /livez: median ${median(answered).toFixed(1)} ms, most ${answered.at(-1)!.toFixed(1)} ms of ${answered.length}`,
  );
} finally {
  await rig.stop();
}
