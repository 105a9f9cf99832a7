import { fstatSync, write } from 'node:fs';
import { reprFloat, reprText, SharedLogFile } from '../../index.js';

export interface AccessLogOptions {
  /** Folder of `app.log`; made when it is not there. */
  readonly folder: string;
  /** A file that grows beyond this many bytes becomes `app.log.1`, the one before it `app.log.2`, … */
  readonly maxBytes: number;
  /** Old files that are kept. */
  readonly keep: number;
  /** File descriptor of the second copy, 1 for standard output; `null` for none. */
  readonly stdout: number | null;
  /** Told when the file cannot be written, once until it can be again; requests go on. */
  readonly onError: (error: Error) => void;
}

export interface AccessLog {
  /** `… , INFO , Starting FCV-MLAPI....`, and what else is worth saying at the start. */
  note(text: string, at?: Date): void;
  /** One line for one answered request. `path` may hold a query, which is left out; `seconds` is its duration. */
  request(path: string, method: string, seconds: number, at?: Date): void;
  /** Resolves when everything is on the disk. */
  close(): Promise<void>;
}

/** Lines wait this long, so that a thousand requests cost one write. */
const flushAfterMs = 50;

/**
 * Opens the request log of the original system, in its layout:
 *
 *     2024-06-13 06:36:41,960 , INFO , {'url': '/predict', 'method': 'POST', 'date': '13/06/2024 06:36:41', 'duration': 1.43}
 *
 * Times are local, as Python's logging writes them. A line holds the path, the method, the time and the duration:
 * never a query, a header or a body, so no token, no password and no vital sign. No request waits for a write: lines
 * are gathered and handed to the file, which all workers share, and to a pipe by asynchronous writes.
 */
export function openAccessLog(options: AccessLogOptions): AccessLog {
  const file = new SharedLogFile({ ...options, name: 'app.log' });
  const copy = options.stdout === null ? undefined : new DescriptorWriter(options.stdout);

  let pending = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (pending === '') return;
    file.append(pending);
    copy?.write(pending);
    pending = '';
  };
  const log = (message: string, stamp: Stamp) => {
    pending += `${stamp.asctime} , INFO , ${message}\n`;
    timer ??= setTimeout(flush, flushAfterMs);
  };
  const stampOf = makeStamps();

  return {
    note: (text, at = new Date()) => log(text.replace(/[\r\n]+/g, ' '), stampOf(at)),
    request(path, method, seconds, at = new Date()) {
      const stamp = stampOf(at);
      log(
        `{'url': ${reprText(pathOf(path))}, 'method': ${reprText(method)}, 'date': '${stamp.date}', 'duration': ${reprFloat(seconds)}}`,
        stamp,
      );
    },
    async close() {
      clearTimeout(timer);
      flush();
      await Promise.all([file.close(), copy?.drained()]);
    },
  };
}

/** The decoded path without the query, as the original's framework gives it; a path that does not decode stays raw. */
function pathOf(url: string): string {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

interface Stamp {
  /** `2024-06-13 06:36:41,960` */
  readonly asctime: string;
  /** `13/06/2024 06:36:41` */
  readonly date: string;
}

/** Writes the second once for all requests that end in it. */
function makeStamps(): (at: Date) => Stamp {
  let second = Number.NaN;
  let day = '';
  let date = '';
  const two = (value: number) => String(value).padStart(2, '0');
  return (at) => {
    const time = at.getTime();
    const milliseconds = ((time % 1000) + 1000) % 1000;
    if (time - milliseconds !== second) {
      second = time - milliseconds;
      const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
      day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
      date = `${two(at.getDate())}/${two(at.getMonth() + 1)}/${at.getFullYear()} ${clock}`;
    }
    return { asctime: `${day},${String(milliseconds).padStart(3, '0')}`, date };
  };
}

/** Up to this many bytes reach a pipe whole (POSIX: `PIPE_BUF` is 512 at least, 4096 on Linux), whoever else writes. */
const wholeInPipe = 4096;
/** Of a file all do; this bounds how long one write takes. */
const wholeInFile = 2 ** 18;
/** A reader of standard output that sleeps may hold this much back; lines beyond it are left to the file. */
const mostPending = 1 << 20;
const retryAfterMs = 20;
/** A reader that does not wake up must not keep the server from stopping. */
const drainForMs = 1000;

/**
 * Writes to a descriptor without blocking the event loop: `process.stdout` writes to pipes and files at once and waits.
 */
class DescriptorWriter {
  readonly #descriptor: number;
  readonly #wholeBytes: number;
  #pending: Buffer[] = [];
  #bytes = 0;
  #writing = false;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#wholeBytes = fstatSync(descriptor).isFile() ? wholeInFile : wholeInPipe;
  }

  write(text: string): void {
    if (this.#closed || this.#bytes > mostPending) return;
    const bytes = Buffer.from(text);
    this.#pending.push(bytes);
    this.#bytes += bytes.length;
    this.#next();
  }

  /** Resolves when all is written, or when the reader has not read for a second. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#writing) {
        resolve();
        return;
      }
      const timer = setTimeout(resolve, drainForMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #next(): void {
    if (this.#writing) return;
    const all = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    // Lines of several processes must not run into each other.
    const most = this.#wholeBytes;
    const end = all.length <= most ? all.length : all.lastIndexOf(10, most - 1) + 1 || all.length;
    const bytes = all.subarray(0, end);
    this.#pending = end < all.length ? [all.subarray(end)] : [];
    if (bytes.length === 0) {
      for (const done of this.#waiting.splice(0)) done();
      return;
    }
    this.#writing = true;
    write(this.#descriptor, bytes, 0, bytes.length, null, (error, written) => {
      this.#writing = false;
      const busy = error?.code === 'EAGAIN';
      // A closed pipe stays closed; the file still has every line.
      if (error !== null && !busy) this.#closed = true;
      const done = this.#closed ? bytes.length : busy ? 0 : written;
      this.#bytes -= done;
      if (done < bytes.length) this.#pending.unshift(bytes.subarray(done));
      if (!busy) {
        this.#next();
        return;
      }
      this.#writing = true;
      setTimeout(() => {
        this.#writing = false;
        this.#next();
      }, retryAfterMs).unref();
    });
  }
}
