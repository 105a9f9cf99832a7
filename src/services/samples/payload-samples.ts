import type { Signature } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import type { Collector } from '../metrics/exposition.js';
import { bytesOf, keepInputs } from '../predictions/kept-tensors.js';
import type { Prediction, PredictionObserver, PredictionRequest } from '../predictions/prediction-service.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { Mask } from './mask.js';
import type { SampleFile } from './sample-file.js';

/** Samples that wait to be written, and their bytes; what comes beyond is dropped. */
const mostWaiting = 200;
const mostBytes = 16 * 2 ** 20;
/** Rows of a sample that are shown, and bytes of their tensors: what is beyond would keep the event loop busy. */
const mostRows = 100;
const shownBytes = 128 * 1024;
/** Until a disk that has not kept up is looked at again. */
const diskPauseMs = 10;

interface Waiting {
  readonly at: number;
  readonly request: string | undefined;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly prediction: Prediction;
  readonly totalMs: number;
  readonly bytes: number;
}

export interface PayloadSamplesOptions {
  /** Share of the predictions, from 0 to 1. */
  readonly fraction: number;
  readonly mask: readonly string[];
  readonly file: SampleFile;
  /** From 0 to 1, for tests; `Math.random` unless given. */
  readonly chance?: () => number;
}

/**
 * Writes a share of the predictions to a file, a line of JSON each: inputs, outputs, who asked what and how long it
 * took. The text is made after the answer, one sample a turn of the event loop; when samples come faster than they are
 * written, they are dropped and counted.
 */
export class PayloadSamples implements PredictionObserver {
  private readonly mask: Mask;
  private readonly chance: () => number;
  private readonly waiting: Waiting[] = [];
  private bytes = 0;
  private turn: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private written = 0;
  private dropped = 0;

  constructor(private readonly options: PayloadSamplesOptions) {
    this.mask = new Mask(options.mask);
    this.chance = options.chance ?? Math.random;
  }

  asked({ inputs, id }: PredictionRequest, ready: ReadyVersion): ((prediction: Prediction) => void) | undefined {
    const { fraction, file } = this.options;
    if (fraction < 1 && this.chance() >= fraction) return undefined;
    const size = bytesOf(inputs);
    if (!file.open || this.waiting.length >= mostWaiting || this.bytes + size > mostBytes) {
      this.dropped++;
      return undefined;
    }
    const kept = keepInputs(ready, inputs);
    const began = performance.now();
    return (prediction) => {
      const bytes = size + bytesOf(prediction.outputs);
      if (this.waiting.length >= mostWaiting || this.bytes + bytes > mostBytes) {
        this.dropped++;
        return;
      }
      const totalMs = performance.now() - began;
      this.waiting.push({ at: Date.now(), request: id, inputs: kept, prediction, totalMs, bytes });
      this.bytes += bytes;
      this.wake();
    };
  }

  /** The samples of this process, for metrics. */
  collect(into: Collector): void {
    into.add('vitrina_samples_total', { result: 'written' }, this.written);
    into.add('vitrina_samples_total', { result: 'dropped' }, this.dropped);
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    clearImmediate(this.turn);
    clearTimeout(this.timer);
    while (this.waiting.length > 0) this.writeOne();
    await this.options.file.close();
  }

  private wake(): void {
    if (this.turn !== undefined || this.timer !== undefined) return;
    this.turn = setImmediate(() => {
      this.turn = undefined;
      if (!this.options.file.busy) this.writeOne();
      if (this.waiting.length === 0) return;
      if (!this.options.file.busy) this.wake();
      else {
        this.timer = setTimeout(() => {
          this.timer = undefined;
          this.wake();
        }, diskPauseMs);
        this.timer.unref();
      }
    });
  }

  private writeOne(): void {
    const sample = this.waiting.shift();
    if (sample === undefined) return;
    this.bytes -= sample.bytes;
    if (this.options.file.open) {
      this.options.file.write(this.lineOf(sample));
      this.written++;
    } else this.dropped++;
  }

  private lineOf({ at, request, inputs, prediction, totalMs, bytes }: Waiting): string {
    const { version, outputs, report } = prediction;
    const { signature } = version;
    const head = {
      time: new Date(at).toISOString(),
      ...(request === undefined ? {} : { request }),
      model: version.model,
      version: version.version,
      rows: rowsOf(signature, inputs),
      ms: { wait: round(report.waitMs), run: round(report.runMs), total: round(totalMs) },
    };
    const rows = Math.min(head.rows, mostRows, Math.floor((shownBytes * head.rows) / bytes));
    const body =
      rows === 0
        ? { omitted: `inputs and outputs, of ${bytes} bytes` }
        : {
            ...(rows < head.rows ? { shownRows: rows } : {}),
            inputs: this.writeAll(signature.inputs, inputs, rows),
            outputs: this.writeAll(signature.outputs, outputs, rows),
          };
    return `${JSON.stringify({ ...head, ...body })}\n`;
  }

  private writeAll(specs: Signature['inputs'], tensors: Readonly<Record<string, Tensor>>, rows: number): object {
    const entries = Object.entries(tensors).map(([name, tensor]) => [
      name,
      this.mask.write(
        specs.find((spec) => spec.name === name),
        name,
        tensor,
        rows,
      ),
    ]);
    return Object.fromEntries(entries);
  }
}

function rowsOf({ inputs: specs }: Signature, inputs: Readonly<Record<string, Tensor>>): number {
  const batched = specs.find(({ shape }) => shape[0] === null);
  return batched === undefined ? 1 : (inputs[batched.name]?.shape[0] ?? 1);
}

const round = (ms: number) => Math.round(ms * 1_000) / 1_000;
