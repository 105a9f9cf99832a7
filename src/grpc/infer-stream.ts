import type { ServerDuplexStream, StatusObject } from '@grpc/grpc-js';
import { VitrinaError } from '../errors.js';
import { contextOf } from './call-context.js';
import { decodeInfer, type InferDoor, infer } from './infer.js';
import { encodeStreamError, wrapResponse } from './infer-response.js';

export type InferStream = ServerDuplexStream<Buffer, Buffer>;

/** Requests of one stream that may be under way, and bytes of them and of their answers: beyond, nothing is read. */
const requestLimit = 256;
const byteLimit = 32 * 2 ** 20;

/** Characters of an error's text; the text may name what was sent. */
const textLimit = 4_000;

/** Streams that are open, so that a server that stops can end them. */
export class InferStreams {
  private readonly open = new Set<(status: StatusObject | undefined) => void>();

  constructor(private readonly door: InferDoor) {}

  /**
   * `ModelStreamInfer`: answers in the order of the requests, which compute together. A request that fails is answered
   * with its error, and the stream goes on, unless its metadata say `triton_grpc_error: true`. The stream ends with the
   * key or token that opened it.
   */
  serve(call: InferStream): void {
    const context = contextOf(call);
    const strict = context.headers.triton_grpc_error === 'true';
    let under = 0;
    let bytes = 0;
    let ended = false;
    let tail: Promise<unknown> = Promise.resolve();

    const end = (status?: StatusObject) => {
      if (ended) return;
      ended = true;
      this.open.delete(end);
      call.pause();
      tail = tail.then(() => {
        if (status !== undefined) return call.emit('error', status);
        context.done();
        return call.end();
      });
    };
    this.open.add(end);

    /** The answer, or `undefined` when the stream ends with it. */
    const answer = async (message: Buffer): Promise<Buffer | undefined> => {
      const own = context.request();
      let model = '';
      let id = '';
      try {
        const principal = context.renew();
        if (principal instanceof Promise) await principal;
      } catch (error) {
        end(context.refuse(error));
        return undefined;
      }
      try {
        const decoded = decodeInfer(message);
        ({ model_name: model, id } = decoded);
        return wrapResponse(await infer(this.door, decoded, call, own));
      } catch (cause) {
        if (strict) {
          end(context.refuse(cause));
          return undefined;
        }
        const text = own.failed(cause).message.slice(0, textLimit);
        return encodeStreamError(text, model.slice(0, textLimit), id.slice(0, textLimit));
      }
    };

    call.on('data', (message: Buffer) => {
      if (ended) return;
      under++;
      bytes += message.length;
      const pending = answer(message).then((written) => {
        bytes += written?.length ?? 0;
        return written;
      });
      tail = tail.then(async () => {
        const written = await pending;
        if (written !== undefined && !call.cancelled && !call.write(written)) await drained(call);
        under--;
        bytes -= message.length + (written?.length ?? 0);
        if (!ended && under < requestLimit && bytes < byteLimit) call.resume();
      });
      if (under >= requestLimit || bytes >= byteLimit) call.pause();
    });
    call.on('end', () => end());
    call.on('cancelled', () => {
      if (!ended) context.refuse(new VitrinaError('request-abandoned', {}));
      ended = true;
      this.open.delete(end);
    });
    call.on('error', () => undefined);
  }

  /** Answers what was read, and ends every stream with `status`. */
  close(status: StatusObject): void {
    for (const end of [...this.open]) end(status);
  }
}

/** Resolves once the caller has read on, or is gone. */
function drained(call: InferStream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      call.off('cancelled', done);
      resolve();
    };
    call.once('drain', done);
    call.once('cancelled', done);
    if (call.cancelled) done();
  });
}
