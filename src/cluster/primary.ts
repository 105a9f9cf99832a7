import cluster, { type Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import type { Config } from '../config.js';
import { VitrinaError } from '../errors.js';
import type { ConnectionHandle, SocketHandle } from '../listening.js';
import { createLogger } from '../log.js';
import { type Load, surplusOf } from './balance.js';
import { EndedWorkers } from './ended-workers.js';
import { beatMs, type FromWorker, type Greeting, type StartFault, type ToWorker } from './messages.js';
import { type Member, Relay } from './relay.js';
import { ThrottleKeeper } from './shared-throttle.js';
import { bindSockets } from './sockets.js';

/** A worker that lived shorter than this has not shown that its successor will fare better. */
const settledMs = 10_000;
/** The longest wait before a worker that dies again and again is replaced again. */
const longestBackoffMs = 5_000;
/** Milliseconds beyond the stop timeout after which a worker that does not end is killed. */
const killAfterMs = 5_000;

interface Process extends Member {
  /** @param sent told once the socket is on its way, or cannot be */
  send(message: ToWorker, socket?: SocketHandle | ConnectionHandle, sent?: () => void): void;
  readonly index: number;
  readonly worker: Worker;
  readonly ready: Promise<Greeting>;
  readonly exited: Promise<void>;
  /** `spare`: whoever started it decides what its end means. */
  state: 'spare' | 'serving' | 'leaving';
  /** `wanted`: to be told to serve once it listens to messages, which are lost before. */
  word: 'none' | 'wanted' | 'given';
  attending: boolean;
  lastBeat: number;
  load: Load | undefined;
  readonly began: number;
}

/**
 * The process that starts the workers and does nothing but watch them: one that dies or hangs is replaced, all are
 * rolled one by one, all are stopped together.
 *
 * It binds the sockets and keeps them, and every worker listens on them: the kernel hands connections out, at no cost
 * here, and what waits to be accepted when a worker dies is accepted by another, or by its successor.
 */
export class Primary {
  private readonly processes = new Set<Process>();
  private readonly relay = new Relay();
  private readonly ended = new EndedWorkers();
  private readonly throttle = new ThrottleKeeper();
  private readonly log;
  private sockets: readonly SocketHandle[] = [];
  /** Deaths in a row of workers that had not lived long. */
  private earlyDeaths = 0;
  private stopping: Promise<void> | undefined;
  private rolling: Promise<void> | undefined;
  private rollAgain = false;
  private watch: NodeJS.Timeout | undefined;
  private lastLook = performance.now();

  constructor(private readonly config: Config) {
    this.log = createLogger(config['log-level']);
  }

  /**
   * Starts all workers. The first loads the models before the others do, which then find the conversions made.
   * @param first told what the first worker says, before the others are ready
   * Errors: those of `startServer` in the first worker, and `worker-ended`.
   */
  async start(first: (greeting: Greeting) => void): Promise<Greeting> {
    // For the sockets that workers open by themselves (gRPC): shared, too, instead of dealt out by this process.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ serialization: 'advanced' });
    this.sockets = await bindSockets(this.config.host, this.config.port);
    const [leader, ...others] = Array.from({ length: this.config.workers }, () => this.fork());
    this.go(leader!);
    let greeting: Greeting;
    try {
      greeting = await leader!.ready;
    } catch (error) {
      for (const { worker } of this.processes) worker.process.kill('SIGKILL');
      throw error;
    }
    leader!.state = 'serving';
    first(greeting);
    this.watch = setInterval(() => {
      this.findHanging();
      this.balance();
    }, beatMs);
    for (const other of others) {
      other.state = 'serving';
      this.go(other);
    }
    await Promise.allSettled(others.map(({ ready }) => ready));
    return greeting;
  }

  /** Replaces every worker, one by one: a new one serves before an old one leaves. */
  roll(): Promise<void> {
    this.rollAgain = this.rolling !== undefined;
    this.rolling ??= this.rollAll().finally(() => {
      this.rolling = undefined;
      if (this.rollAgain && this.stopping === undefined) void this.roll();
    });
    return this.rolling;
  }

  /** Lets every worker answer what it has accepted. Safe to call twice. */
  stop(): Promise<void> {
    this.stopping ??= (async () => {
      clearInterval(this.watch);
      // The last worker that closes the socket is to be the last that has it.
      for (const socket of this.sockets) socket.close();
      await Promise.all([...this.processes].map((one) => this.dismiss(one, true)));
    })();
    return this.stopping;
  }

  private async rollAll(): Promise<void> {
    for (const old of [...this.processes].filter(({ state }) => state === 'serving')) {
      if (this.stopping !== undefined || !(await this.replace(old))) return;
    }
  }

  /** True when another serves in its place. */
  private async replace(old: Process): Promise<boolean> {
    const next = this.fork();
    this.go(next);
    try {
      await next.ready;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.stopping === undefined) this.log.error(`A new worker did not start; the old ones go on: ${reason}`);
      return false;
    }
    next.state = 'serving';
    this.ended.replace('rolled');
    await this.dismiss(old, this.stopping !== undefined);
    return true;
  }

  private async dismiss(one: Process, everybody: boolean): Promise<void> {
    one.state = 'leaving';
    if (one.word === 'given') one.send({ kind: 'stop', everybody });
    else one.worker.process.kill('SIGKILL');
    const patience = this.config['stop-timeout'] * 1000 + killAfterMs;
    const timer = setTimeout(() => one.worker.process.kill('SIGKILL'), patience);
    await one.exited;
    clearTimeout(timer);
  }

  private fork(): Process {
    const worker = cluster.fork();
    const taken = new Set([...this.processes].map(({ index }) => index));
    let index = 1;
    while (taken.has(index)) index++;
    let becomeReady: (greeting: Greeting) => void;
    let failToStart: (error: Error) => void;
    const ready = new Promise<Greeting>((resolve, reject) => {
      becomeReady = resolve;
      failToStart = reject;
    });
    ready.catch(() => undefined);
    const now = performance.now();
    const one: Process = {
      index,
      worker,
      ready,
      exited: new Promise((resolve) => worker.once('exit', () => resolve())),
      state: 'spare',
      word: 'none',
      attending: false,
      lastBeat: now,
      load: undefined,
      began: now,
      send: (message, socket, sent = () => undefined) => {
        // Node's types know no bare handle; its cluster module sends them the same way.
        if (worker.isConnected()) worker.process.send(message, socket as unknown as Socket | undefined, sent);
        else sent();
      },
    };
    this.processes.add(one);
    worker.on('message', (message: FromWorker, handle: unknown) => {
      if (message.kind === 'pass') this.pass(one, handle as ConnectionHandle);
      else if (message.kind === 'ready') becomeReady(message.greeting);
      else if (message.kind === 'failed') failToStart(revive(message.fault));
      else this.receive(one, message);
    });
    worker.once('exit', (code, signal) => {
      failToStart(new VitrinaError('worker-ended', { how: signal ?? `code ${code}` }));
      this.onExit(one, code, signal);
    });
    return one;
  }

  private go(one: Process): void {
    one.word = one.attending ? 'given' : 'wanted';
    if (!one.attending) return;
    for (const socket of this.sockets) one.send({ kind: 'socket' }, socket);
    one.send({ kind: 'go', index: one.index });
  }

  private receive(one: Process, message: Exclude<FromWorker, { kind: 'ready' | 'failed' | 'pass' }>): void {
    switch (message.kind) {
      case 'beat':
        one.lastBeat = performance.now();
        one.load = message.load;
        break;
      case 'attending':
        one.attending = true;
        if (one.word === 'wanted') this.go(one);
        break;
      case 'leaving':
        if (one.state === 'serving' && this.stopping === undefined) void this.replace(one);
        break;
      case 'counted':
        this.ended.tell(one, message.samples);
        break;
      case 'ask': {
        const others = [...this.processes].filter((other) => other !== one && other.word === 'given');
        const known = message.topic === 'metrics' ? [this.ended.metrics()] : [];
        this.relay.ask(one, message.id, message.topic, message.question, others, known);
        break;
      }
      case 'answer':
        this.relay.answer(one, message.id, message.answer);
        break;
      case 'admit':
        void this.throttle.admit(one, message);
        break;
      case 'settle':
        void this.throttle.settle(one, message.id, message.outcome);
        break;
    }
  }

  private onExit(one: Process, code: number | null, signal: string | null): void {
    this.processes.delete(one);
    this.relay.forget(one);
    this.ended.end(one);
    this.throttle.forget(one);
    if (one.state !== 'serving' || this.stopping !== undefined) return;
    const livedMs = performance.now() - one.began;
    this.earlyDeaths = livedMs < settledMs ? this.earlyDeaths + 1 : 0;
    const delay = this.earlyDeaths <= 1 ? 0 : Math.min(longestBackoffMs, 100 * 2 ** (this.earlyDeaths - 2));
    const pid = one.worker.process.pid;
    this.log.warn({ pid, code, signal }, `A worker died (${signal ?? code}); another takes its place in ${delay} ms.`);
    setTimeout(() => {
      if (this.stopping !== undefined) return;
      this.ended.replace('died');
      const next = this.fork();
      next.state = 'serving';
      this.go(next);
    }, delay);
  }

  private balance(): void {
    const serving = [...this.processes].filter(({ state, load }) => state === 'serving' && load !== undefined);
    const surplus = surplusOf(serving.map(({ load }) => load!));
    for (const [i, count] of surplus.entries()) {
      if (count > 0) serving[i]!.send({ kind: 'shed', count });
    }
  }

  /** Gives a connection that `one` has accepted to the worker with fewest. */
  private pass(one: Process, connection: ConnectionHandle): void {
    const others = [...this.processes].filter(
      (other) => other !== one && other.state === 'serving' && other.load !== undefined && other.worker.isConnected(),
    );
    const connectionsOf = ({ load }: Process) => load?.connections ?? 0;
    others.sort((a, b) => connectionsOf(a) - connectionsOf(b));
    // With nobody else left it goes back to where it came from.
    const chosen = others[0] ?? one;
    if (chosen.load !== undefined) chosen.load = { ...chosen.load, connections: chosen.load.connections + 1 };
    chosen.send({ kind: 'connection' }, connection, () => connection.close());
  }

  /** Kills workers whose event loop has not turned for too long; the end is then like any other. */
  private findHanging(): void {
    const now = performance.now();
    // A machine that slept, or a primary that was stopped, has missed the beats.
    const late = now - this.lastLook > 3 * beatMs;
    this.lastLook = now;
    for (const one of this.processes) {
      if (late) one.lastBeat = now;
      // One that starts may read large artefacts.
      const patience = one.load === undefined ? 10 : 1;
      if (now - one.lastBeat < patience * this.config['hang-timeout'] * 1000) continue;
      this.log.error({ pid: one.worker.process.pid }, 'A worker hangs; it is killed.');
      one.worker.process.kill('SIGKILL');
    }
  }
}

function revive(fault: StartFault): Error {
  if ('code' in fault) return new VitrinaError(fault.code as 'internal', fault.fields as Record<never, never>);
  const error = new Error(fault.text.split('\n')[0]);
  error.stack = fault.text;
  return error;
}
