import type { Worker } from 'node:worker_threads';
import type { ArtefactPart, PartOrder } from '../../convert/index.js';
import { VitrinaError } from '../../errors.js';
import type { Conversion } from '../../signature.js';
import { startThread } from '../../thread.js';
import { type FromConversion, fileOf, type ToConversion } from './conversion-task.js';

/** An artefact that takes longer than this is refused: no honest one came near it. */
const deadlineMs = 300_000;

/**
 * Reads and converts artefacts in a thread of its own: a hostile or huge one cannot block the event loop, exhaust the
 * server's heap or outlive its deadline, and the memory that reading took goes back when the thread ends. One thread
 * serves the conversions that are asked for together, one after the other.
 */
export class Converter {
  private worker: Worker | undefined;
  private tail: Promise<unknown> = Promise.resolve();
  private pending = 0;

  /**
   * Converts an artefact, or several as one model. Errors: those of the readers and converters.
   */
  convert(parts: readonly ArtefactPart[], order: PartOrder = 'given'): Promise<Conversion> {
    this.pending++;
    const result = this.tail.then(() => this.ask({ parts, order }));
    this.tail = result
      .catch(() => undefined)
      .then(async () => {
        if (--this.pending === 0) await this.close();
      });
    return result;
  }

  async close(): Promise<void> {
    const worker = this.worker;
    this.worker = undefined;
    await worker?.terminate();
  }

  private ask(task: ToConversion): Promise<Conversion> {
    this.worker ??= startThread('converter-thread', {
      name: 'vitrina-converter',
      resourceLimits: { maxOldGenerationSizeMb: 4096, stackSizeMb: 4 },
    });
    const worker = this.worker;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        settle();
      };
      const fail = (reason: string, cause?: unknown) => {
        this.worker = undefined;
        void worker.terminate();
        finish(() => reject(new VitrinaError('conversion-failed', { file: fileOf(task), reason }, { cause })));
      };
      const onMessage = (message: FromConversion) =>
        finish(() => ('conversion' in message ? resolve(message.conversion) : reject(revive(message.error))));
      const onError = (cause: Error) => fail(cause.message, cause);
      const onExit = () => fail('the converter ended');
      const timer = setTimeout(() => fail(`it took longer than ${deadlineMs / 1000} s`), deadlineMs);
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(task);
    });
  }
}

/** Errors cross threads as plain objects. */
function revive(error: { code: string; fields: unknown }): VitrinaError {
  return new VitrinaError(error.code as 'internal', error.fields as Record<never, never>);
}
