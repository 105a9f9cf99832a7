import type { ChildProcess } from 'node:child_process';
import { totalmem } from 'node:os';
import { residentBytes, startProcess } from '../child-process.js';
import { VitrinaError } from '../errors.js';
import type { Signature } from '../signature.js';
import type { Tensor } from '../tensor.js';
import type { Session, SessionOptions } from './session.js';
import type { Timing } from './timing.js';

/** What the process starts with. */
export interface ProcessTask {
  readonly graph: Uint8Array;
  readonly options: SessionOptions;
  /** Without this process there is nobody to wait for an answer. */
  readonly parent: number;
}
export type ToProcess = { readonly inputs: Readonly<Record<string, Tensor>> } | { readonly signature: Signature };
type Answer =
  | { readonly outputs: Record<string, Tensor> }
  | { readonly rejected: string }
  | { readonly timing: Timing | undefined };
export type FromProcess = { readonly ready: true } | { readonly refused: string } | Answer;

export interface ProcessLimits {
  /** Milliseconds to load the graph, the start of the process included. */
  readonly openMs?: number | undefined;
  /** Milliseconds that one run may take. */
  readonly runMs?: number | undefined;
  /** Bytes that the process may hold; looked at on Linux only. Half of what there is, unless given. */
  readonly maxMemory?: number | undefined;
}

export interface ProcessSession extends Session {
  readonly placement: 'process';
  /**
   * `timeSession` in the process, where no message is in the figures. Errors: those of `run`, but
   * `runtime-refused-graph` for `runtime-rejected`.
   */
  time(signature: Signature, withinMs: number): Promise<Timing | undefined>;
}

interface Call {
  readonly message: ToProcess;
  readonly withinMs: number;
  readonly refusal: 'runtime-rejected' | 'runtime-refused-graph';
  resolve(answer: Answer): void;
  reject(error: VitrinaError): void;
}

/** Megabytes of JavaScript's heap: vocabularies of featurizers are in it, weights are not. */
const heapMb = 1024;
const defaultOpenMs = 60_000;
const defaultRunMs = 60_000;
const looksEveryMs = 100;
/** Pauses before a process is started again, by how often the last ones ended without an answer. */
const restartDelaysMs = [0, 100, 500];

/**
 * A session in a process of its own, which computes one run after the other: for graphs that may end the process they
 * run in, never end themselves, or take all memory. A run that does is refused with `runtime-rejected`, as one that ONNX
 * Runtime refuses in good order, and the next one finds a new process. Tensors are copied on their way.
 *
 * Errors: `runtime-refused-graph` for one that is refused, takes too long to load, or ends the process meanwhile;
 * `runtime-crashed` where no process can be started.
 */
export async function openProcessSession(
  graph: Uint8Array,
  options: SessionOptions = {},
  { openMs = defaultOpenMs, runMs = defaultRunMs, maxMemory = halfOfMemory() }: ProcessLimits = {},
): Promise<ProcessSession> {
  const session = new OwnProcess(graph, options, { openMs, runMs, maxMemory });
  await session.start();
  return session;
}

/** Of the machine, or of the container where that is less. */
function halfOfMemory(): number {
  const constrained = process.constrainedMemory();
  return Math.min(totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY) / 2;
}

class OwnProcess implements ProcessSession {
  readonly placement = 'process';
  private readonly waiting: Call[] = [];
  private running: Call | undefined;
  private child: ChildProcess | undefined;
  private starting = false;
  private failures = 0;
  private closed = false;

  constructor(
    private readonly graph: Uint8Array,
    private readonly options: SessionOptions,
    private readonly limits: { readonly [limit in keyof ProcessLimits]-?: number },
  ) {}

  async run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const answer = await this.ask({ inputs }, this.limits.runMs, 'runtime-rejected');
    return 'outputs' in answer ? answer.outputs : {};
  }

  async time(signature: Signature, withinMs: number): Promise<Timing | undefined> {
    const answer = await this.ask({ signature }, withinMs, 'runtime-refused-graph');
    return 'timing' in answer ? answer.timing : undefined;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const call of this.waiting.splice(0)) call.reject(new VitrinaError('runtime-closed', {}));
    const { child } = this;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Errors: those of `openProcessSession`. */
  async start(): Promise<void> {
    this.starting = true;
    try {
      this.child = await this.open();
    } finally {
      this.starting = false;
    }
    if (this.closed) this.child.kill('SIGKILL');
  }

  private ask(message: ToProcess, withinMs: number, refusal: Call['refusal']): Promise<Answer> {
    if (this.closed) throw new VitrinaError('runtime-closed', {});
    return new Promise((resolve, reject) => {
      this.waiting.push({ message, withinMs, refusal, resolve, reject });
      this.next();
    });
  }

  private next(): void {
    if (this.running !== undefined || this.starting || this.waiting.length === 0) return;
    if (this.child === undefined) {
      this.startAgain();
      return;
    }
    const call = this.waiting.shift()!;
    this.running = call;
    this.compute(this.child, call);
  }

  /** Sends a call, and waits for the answer, the end of its time, too much memory, or the end of the process. */
  private compute(child: ChildProcess, call: Call): void {
    const watch = new Watch(child, call.withinMs, this.limits.maxMemory);
    const settle = () => {
      watch.stop();
      child.off('message', onMessage);
      child.off('exit', onExit);
      this.running = undefined;
    };
    const onMessage = (answer: Answer) => {
      settle();
      this.failures = 0;
      if ('rejected' in answer) call.reject(new VitrinaError(call.refusal, { reason: answer.rejected }));
      else call.resolve(answer);
      this.next();
    };
    const onExit = (code: number | null, signal: string | null) => {
      settle();
      if (this.closed) return call.reject(new VitrinaError('runtime-closed', {}));
      call.reject(new VitrinaError(call.refusal, { reason: watch.reason ?? diedOf(code, signal) }));
      this.next();
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send(call.message, () => undefined);
  }

  /** For the calls that wait, which fail where that is not possible. */
  private startAgain(): void {
    const delay = restartDelaysMs[Math.min(this.failures++, restartDelaysMs.length - 1)]!;
    this.starting = true;
    setTimeout(() => {
      if (this.closed) return;
      this.start().then(
        () => this.next(),
        (cause) => {
          for (const call of this.waiting.splice(0)) call.reject(new VitrinaError('runtime-crashed', {}, { cause }));
        },
      );
    }, delay);
  }

  private open(): Promise<ChildProcess> {
    const child = startProcess('session-process', { maxOldSpaceMb: heapMb });
    child.stderr!.resume();
    return new Promise((resolve, reject) => {
      const watch = new Watch(child, this.limits.openMs, this.limits.maxMemory);
      const refuse = (reason: string) => reject(new VitrinaError('runtime-refused-graph', { reason }));
      child.once('message', (message: FromProcess) => {
        watch.stop();
        if ('refused' in message) {
          refuse(message.refused);
          child.kill('SIGKILL');
        } else resolve(child);
      });
      child.on('exit', (code, signal) => {
        watch.stop();
        this.child = undefined;
        // Of no effect once it was opened.
        refuse(watch.reason ?? diedOf(code, signal));
      });
      // Without a number there was no process; with one, its exit follows.
      child.on('error', (cause) => {
        if (child.pid !== undefined) return;
        watch.stop();
        reject(new VitrinaError('runtime-crashed', {}, { cause }));
      });
      const task: ProcessTask = { graph: this.graph, options: this.options, parent: process.pid };
      child.send(task, () => undefined);
    });
  }
}

const diedOf = (code: number | null, signal: string | null) =>
  `ONNX Runtime ended its process (${signal ?? `code ${code}`})`;

/** Kills a process that takes too long over what it does, or too much memory; then `reason` says which. */
class Watch {
  reason: string | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly looks: NodeJS.Timeout;

  constructor(child: ChildProcess, ms: number, maxMemory: number) {
    const kill = (reason: string) => {
      this.reason = reason;
      child.kill('SIGKILL');
    };
    this.timer = setTimeout(() => kill(`there was no answer after ${ms / 1000} s`), ms);
    this.looks = setInterval(() => {
      if (residentBytes(child.pid) > maxMemory) kill(`it took more than ${Math.round(maxMemory / 2 ** 20)} MiB`);
    }, looksEveryMs);
  }

  stop(): void {
    clearTimeout(this.timer);
    clearInterval(this.looks);
  }
}
