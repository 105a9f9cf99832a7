import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http';

/** The head of an answer whose body comes in one piece. */
export interface ResponseHead {
  readonly text: string;
  /** Bytes of the body. */
  readonly length: number;
  readonly headers: OutgoingHttpHeaders;
}

/** A header as it was last: most say the same each time. */
interface Known {
  /** The name, with what stands between it and the value. */
  readonly start: string;
  /** Whether every answer has it that does not say otherwise. */
  readonly isUsual: boolean;
  value: unknown;
  line: string;
}

/** Headers that Node reads or adds itself. */
const reserved = new Set(['connection', 'transfer-encoding', 'date', 'keep-alive', 'trailer']);
const unprintable = /[^\t -~]/;
/** Names that are remembered: they come from code, and are few. */
const mostNames = 1000;

/** Writes heads of answers, each header of which it has met before for a look at its value. */
export class ResponseHeads {
  private readonly known = new Map<string, Known>();
  private readonly statusLines = new Map<number, string>();
  private readonly usualText: string;

  /** @param usual headers that every answer has which does not say otherwise, by name in lower case */
  constructor(readonly usual: Readonly<Record<string, string>>) {
    let text = '';
    for (const name in usual) text += `${name}: ${usual[name]}\r\n`;
    this.usualText = text;
  }

  /** `undefined` for what is left to Node: no length, no body, headers that change how a message is to be read. */
  write(
    status: number,
    headers: OutgoingHttpHeaders,
    keepAlive: boolean,
    keepAliveSeconds: number,
  ): ResponseHead | undefined {
    const length = Number(headers['content-length'] ?? Number.NaN);
    if (!Number.isSafeInteger(length) || status < 200 || status === 204 || status === 304) return undefined;
    let text = this.statusLine(status);
    let isUsual = true;
    for (const name in headers) {
      const value = headers[name];
      const known = this.known.get(name) ?? this.learn(name);
      if (known === undefined) return undefined;
      if (known.isUsual) isUsual = false;
      if (known.value === value) {
        text += known.line;
        continue;
      }
      if (typeof value === 'string' ? unprintable.test(value) : typeof value !== 'number') return undefined;
      known.value = value;
      known.line = `${known.start}${value}\r\n`;
      text += known.line;
    }
    if (isUsual) text += this.usualText;
    else for (const name in this.usual) if (headers[name] === undefined) text += `${name}: ${this.usual[name]}\r\n`;
    text += keepAlive
      ? `Date: ${date()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n\r\n`
      : `Date: ${date()}\r\nConnection: close\r\n\r\n`;
    return { text, length, headers };
  }

  private learn(name: string): Known | undefined {
    if (this.known.size >= mostNames || reserved.has(name) || !/^[a-z][a-z0-9-]*$/.test(name)) return undefined;
    // NaN is no value's equal: what has no value yet must not pass for one that was written before.
    const known = { start: `${name}: `, isUsual: Object.hasOwn(this.usual, name), value: Number.NaN, line: '' };
    this.known.set(name, known);
    return known;
  }

  private statusLine(status: number): string {
    let line = this.statusLines.get(status);
    if (line === undefined) {
      line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
      if (this.statusLines.size < 100) this.statusLines.set(status, line);
    }
    return line;
  }
}

let today = '';
let todayUntil = 0;

/** Now, as a header says it. */
function date(): string {
  const now = Date.now();
  if (now >= todayUntil || now < todayUntil - 1000) {
    today = new Date(now).toUTCString();
    todayUntil = now - (now % 1000) + 1000;
  }
  return today;
}
