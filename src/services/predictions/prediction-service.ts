import { type Problem, VitrinaError } from '../../errors.js';
import type { Guard, Signature, TensorSpec } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import type { BatchReport, Caller } from '../batching/batcher.js';
import type { ModelRepository } from '../repository/model-repository.js';
import type { ReadyVersion } from '../repository/ready-version.js';

export interface PredictionRequest {
  readonly model: string;
  /** The highest ready version unless given. */
  readonly version?: string | undefined;
  /** What `select` gave and the inputs were read for; selected by the service when missing. */
  readonly ready?: ReadyVersion;
  /** Every input of the signature, by name. Their buffers belong to the service from then on. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** A request whose caller is gone when its batch forms costs nothing more. */
  readonly caller?: Caller;
  /** The id under which the caller finds the request in logs. */
  readonly id?: string;
}

/** Headers of a request, by name in lower case: what a traffic policy may keep callers with their version by. */
export type Affinity = Readonly<Record<string, unknown>>;

/** Says which version of a model answers requests that name none. */
export interface VersionChooser {
  /** Nothing where it is the default. */
  choose(model: string, affinity: Affinity | undefined): string | undefined;
}

export interface Prediction {
  readonly version: ReadyVersion;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly report: BatchReport;
}

/** Sees every prediction once it is settled. Called on the way of the answer: quick, and never throws. */
export interface PredictionObserver {
  /**
   * Called with every request whose inputs `ready` takes, before it computes. The inputs are given away then: an
   * observer that needs them later copies them here. What is given back is called with the prediction, if there is one.
   */
  asked?(request: PredictionRequest, ready: ReadyVersion): ((prediction: Prediction) => void) | undefined;
  answered?(request: PredictionRequest, prediction: Prediction): void;
  /** `ready` is the version that refused or failed, when the request got that far. */
  failed?(request: PredictionRequest, error: unknown, ready: ReadyVersion | undefined): void;
}

/** Holds callers to what they may use. */
export interface Meter {
  /** Takes `rows` of what the caller may use before they are computed; nothing where nothing limits the caller. */
  take(caller: Caller | undefined, rows: number): Promise<Metered> | undefined;
}

/** What was taken: it stays used once there is an answer, and is free again when there is none. */
export interface Metered {
  settle(): Promise<void>;
  giveBack(): Promise<void>;
}

/** Milliseconds for which a model that has refused a request is asked before the next bodies are read. */
const refusingMs = 250;

const isRefusal = (error: unknown): boolean =>
  error instanceof VitrinaError && (error.code === 'overloaded' || error.code === 'deadline-unmeetable');

/** The one function behind every door (HTTP, gRPC, apps, jobs): selects, checks, batches, answers. */
export class PredictionService {
  private readonly observers: PredictionObserver[] = [];
  /** Those that see requests before they are computed. */
  private readonly readers: PredictionObserver[] = [];
  private chooser: VersionChooser | undefined;
  private meter: Meter | undefined;
  /** Models that have refused a request lately, and until when that counts as lately. */
  private readonly refusing = new Map<string, number>();

  constructor(
    private readonly models: ModelRepository,
    private readonly maxRows: number,
  ) {}

  /** Without a chooser, the default answers what names no version. */
  chooseBy(chooser: VersionChooser): void {
    this.chooser = chooser;
  }

  /** Without a meter, nothing limits anybody. */
  meterBy(meter: Meter): void {
    this.meter = meter;
  }

  observe(observer: PredictionObserver): void {
    this.observers.push(observer);
    if (observer.asked !== undefined) this.readers.push(observer);
  }

  /**
   * The version that answers a request, by whose signature its inputs are read. Where none is named, the model's
   * traffic policy chooses, which may look at the headers in `affinity`; a chosen version that cannot answer leaves the
   * request to the default. A promise only where a version has to be loaded first, so that the usual way costs no turn.
   * Errors: those of `ModelRepository.acquire`.
   */
  select(model: string, version?: string, affinity?: Affinity, caller?: Caller): ReadyVersion | Promise<ReadyVersion> {
    const chosen = version === undefined ? this.chooser?.choose(model, affinity) : undefined;
    return chosen === undefined
      ? this.models.acquire(model, version, caller)
      : this.acquireChosen(model, chosen, caller);
  }

  private acquireChosen(model: string, version: string, caller?: Caller): ReadyVersion | Promise<ReadyVersion> {
    try {
      const acquired = this.models.acquire(model, version, caller);
      return acquired instanceof Promise
        ? acquired.catch(() => this.models.acquire(model, undefined, caller))
        : acquired;
    } catch {
      return this.models.acquire(model, undefined, caller);
    }
  }

  /**
   * What a request would be refused with, before its body is read; nothing when it is let in, or when it is not known
   * yet. It looks only at models that have refused somebody a moment ago: others have room, and nothing is loaded here.
   */
  refusal(model: string, version: string | undefined, caller: Caller, affinity?: Affinity): VitrinaError | undefined {
    const until = this.refusing.get(model);
    if (until === undefined) return undefined;
    if (until < performance.now()) {
      this.refusing.delete(model);
      return undefined;
    }
    const ready = this.select(model, version, affinity);
    if (!(ready instanceof Promise)) return ready.batcher.refusal(1, caller);
    // Whoever is let in asks again, and hears why it failed.
    ready.catch(() => undefined);
    return undefined;
  }

  /**
   * Errors: those of `ModelRepository.get`, `request-invalid` for inputs that do not fit the signature,
   * `rows-over-limit`, those of `Batcher.submit`, and those of the meter.
   */
  predict(request: PredictionRequest): Promise<Prediction> {
    const { ready } = request;
    if (ready === undefined) return this.selectAndPredict(request);
    // One promise for all steps: a small graph costs less than a few of them.
    return new Promise((resolve, reject) => this.start(request, ready, true, undefined, resolve, reject));
  }

  private async selectAndPredict(request: PredictionRequest): Promise<Prediction> {
    let ready: ReadyVersion;
    try {
      ready = await this.select(request.model, request.version, undefined, request.caller);
    } catch (error) {
      this.tellFailed(request, error, undefined);
      throw error;
    }
    return this.predict({ ...request, ready });
  }

  /**
   * Checks, takes what the caller may use (unless it was `taken` the first time), and submits; a version that was
   * replaced since it was selected is selected anew, once.
   */
  private start(
    request: PredictionRequest,
    version: ReadyVersion,
    again: boolean,
    taken: Promise<Metered> | undefined,
    resolve: (prediction: Prediction) => void,
    reject: (error: unknown) => void,
  ): void {
    const failed = (error: unknown) => {
      if (again && error instanceof VitrinaError && error.code === 'runtime-closed') {
        // The version was replaced between selection and submission: the new one answers, or the default.
        Promise.resolve()
          .then(() => this.models.acquire(request.model, request.version, request.caller))
          .then((ready) => this.start(request, ready, false, metered, resolve, reject))
          .catch(fail);
      } else fail(error);
    };
    const fail = (error: unknown) => {
      this.tellFailed(request, error, version);
      if (metered === undefined) reject(error);
      else
        metered
          .then((units) => units.giveBack())
          .then(
            () => reject(error),
            () => reject(error),
          );
    };
    const answered = (outputs: Record<string, Tensor>, report: BatchReport) => {
      let prediction: Prediction;
      try {
        prediction = { version, outputs: checkGuards(version.guards, outputs), report };
        if (followers !== undefined) for (const follow of followers) follow(prediction);
        for (const observer of this.observers) observer.answered?.(request, prediction);
      } catch (error) {
        fail(error);
        return;
      }
      if (metered === undefined) resolve(prediction);
      else metered.then((units) => units.settle()).then(() => resolve(prediction), reject);
    };
    let metered = taken;
    let followers: ((prediction: Prediction) => void)[] | undefined;
    try {
      const rows = checkInputs(version.signature, request.inputs);
      if (rows > this.maxRows) throw new VitrinaError('rows-over-limit', { rows, limit: this.maxRows });
      if (this.readers.length > 0) followers = this.show(request, version);
      const submit = () => version.batcher.enqueue(request.inputs, rows, request.caller, { answered, failed });
      metered ??= this.meter?.take(request.caller, rows);
      if (metered === undefined) submit();
      else metered.then(submit).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  private tellFailed(request: PredictionRequest, error: unknown, ready: ReadyVersion | undefined): void {
    if (isRefusal(error)) this.refusing.set(request.model, performance.now() + refusingMs);
    for (const observer of this.observers) observer.failed?.(request, error, ready);
  }

  private show(request: PredictionRequest, version: ReadyVersion): ((prediction: Prediction) => void)[] | undefined {
    let followers: ((prediction: Prediction) => void)[] | undefined;
    for (const reader of this.readers) {
      const follow = reader.asked!(request, version);
      if (follow === undefined) continue;
      if (followers === undefined) followers = [follow];
      else followers.push(follow);
    }
    return followers;
  }
}

/** Checks names, types and shapes, and gives the number of rows. */
export function checkInputs(signature: Signature, inputs: Readonly<Record<string, Tensor>>): number {
  let rows: number | undefined;
  let given = 0;
  for (const spec of signature.inputs) {
    const tensor = inputs[spec.name];
    if (tensor === undefined) throw invalid(`inputs.${spec.name}`, `is missing; expected ${describe(spec)}`);
    given++;
    if (tensor.dtype !== spec.dtype || !fits(tensor.shape, spec.shape)) {
      throw invalid(`inputs.${spec.name}`, `is ${tensor.dtype}${brackets(tensor.shape)}; expected ${describe(spec)}`);
    }
    refuseEmpty(spec, tensor);
    if (spec.finite) checkNumbers(spec, tensor);
    if (spec.shape[0] !== null) continue;
    rows ??= tensor.shape[0]!;
    if (tensor.shape[0] !== rows) {
      throw invalid(`inputs.${spec.name}`, `has ${tensor.shape[0]} rows, and the input before it ${rows}`);
    }
  }
  if (given !== Object.keys(inputs).length) {
    const known = signature.inputs.map((spec) => spec.name);
    const unknown = Object.keys(inputs).find((name) => !known.includes(name))!;
    throw invalid(`inputs.${unknown}`, `is unknown; the inputs are ${known.join(', ')}`);
  }
  if (rows === 0) throw invalid('inputs', 'has no rows; send at least one');
  return rows ?? 1;
}

/**
 * Refuses rows without elements where their size is the caller's: several kernels of ONNX Runtime (LSTM, GRU,
 * ConvTranspose, DFT among them) divide by such a size, or read beyond it, and end the process.
 */
function refuseEmpty(spec: TensorSpec, { shape }: Tensor): void {
  for (let axis = 1; axis < shape.length; axis++) {
    if (shape[axis] !== 0 || spec.shape[axis] === 0) continue;
    const is = `is ${spec.dtype}${brackets(shape)}, which has no elements`;
    throw invalid(`inputs.${spec.name}`, `${is}; expected ${describe(spec)} with every size at least 1`);
  }
}

/** Refuses what the library would refuse, whichever door it came through. */
function checkNumbers(
  { name, columns, missing, largest = Number.MAX_VALUE }: TensorSpec,
  { data, shape }: Tensor,
): void {
  const numbers = data as Float64Array;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    // False for NaN as well.
    if (Math.abs(value) <= largest || (missing !== undefined && Number.isNaN(value))) continue;
    const width = shape[1] ?? 1;
    const column = columns?.[i % width];
    const place =
      shape.length === 1
        ? `[${i}]`
        : `[${Math.floor(i / width)}]${column === undefined ? `[${i % width}]` : `.${column}`}`;
    throw invalid(`inputs.${name}${place}`, `is ${value}; expected a number within ±${largest}`);
  }
}

/** Takes the guards out of the outputs. Errors: `request-invalid` for a row that one of them refuses. */
export function checkGuards(
  guards: readonly Guard[],
  outputs: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  if (guards.length === 0) return outputs;
  const rest = { ...outputs };
  for (const { output, path, message } of guards) {
    const row = (outputs[output]!.data as Uint8Array).indexOf(0);
    if (row >= 0) throw invalid(path === '' ? `row ${row}` : `${path}[${row}]`, message);
    delete rest[output];
  }
  return rest;
}

function fits(shape: readonly number[], declared: readonly (number | null)[]): boolean {
  if (shape.length !== declared.length) return false;
  for (let i = 0; i < shape.length; i++) if (declared[i] !== null && declared[i] !== shape[i]) return false;
  return true;
}

const brackets = (shape: readonly (number | null)[]) => `[${shape.map((size) => size ?? '?').join(', ')}]`;

/** `float32[?, 20, 9]`: how messages and people write a type. */
export function describe(spec: TensorSpec): string {
  return `${spec.dtype}${brackets(spec.shape)}`;
}

function invalid(path: string, message: string): VitrinaError {
  return new VitrinaError('request-invalid', { problems: [{ path, message } satisfies Problem] });
}
