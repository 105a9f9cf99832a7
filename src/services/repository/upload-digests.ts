/** Digests that a sender names, compared with what arrived. Specification: RFC 9530; `X-Content-SHA256` as others use it. */
import { createHash, type Hash } from 'node:crypto';
import { VitrinaError } from '../../errors.js';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Expected {
  readonly header: string;
  readonly algorithm: 'sha256' | 'sha512';
  readonly digest: Buffer;
}

const algorithms = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const;
const bytesOf = { sha256: 32, sha512: 64 } as const;

/** What `Content-Digest` and `Repr-Digest` say of the whole body. Errors: `request-malformed`. */
export class UploadDigests {
  private readonly expected: readonly Expected[];
  private readonly hashes = new Map<string, Hash>();

  constructor(headers: Headers) {
    this.expected = ['content-digest', 'repr-digest'].flatMap((header) => readDigests(header, textOf(headers[header])));
    for (const { algorithm } of this.expected) this.hashes.set(algorithm, createHash(algorithm));
  }

  /** Passes the body on, and learns its digests meanwhile. */
  async *pass(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      for (const hash of this.hashes.values()) hash.update(chunk);
      yield chunk;
    }
  }

  /** To be called once, when the body has ended. Errors: `digest-differs`. */
  check(): void {
    const got = new Map([...this.hashes].map(([algorithm, hash]) => [algorithm, hash.digest()]));
    for (const { header, algorithm, digest } of this.expected) compare(header, digest, got.get(algorithm)!);
  }
}

/** Compares `X-Content-SHA256`, in hexadecimal or base64, with the artefact's. Errors: `request-malformed`, `digest-differs`. */
export function checkSha256(headers: Headers, sha256: string): void {
  const header = 'x-content-sha256';
  const text = textOf(headers[header]);
  if (text === undefined) return;
  const sent = Buffer.from(text.trim(), /^[0-9a-f]{64}$/i.test(text.trim()) ? 'hex' : 'base64');
  if (sent.length !== 32) throw malformed(header, text);
  compare(header, sent, Buffer.from(sha256, 'hex'));
}

/** `sha-256=:…:, sha-512=:…:`; algorithms that are not known say nothing, as the specification has it. */
function readDigests(header: string, text: string | undefined): Expected[] {
  if (text === undefined) return [];
  return text.split(',').flatMap((member) => {
    const [, name, value] = /^\s*([a-z][a-z0-9-]*)\s*=\s*:([A-Za-z0-9+/=]*):\s*$/i.exec(member) ?? [];
    if (name === undefined) throw malformed(header, text);
    const algorithm = algorithms[name.toLowerCase() as keyof typeof algorithms];
    if (algorithm === undefined) return [];
    const digest = Buffer.from(value!, 'base64');
    if (digest.length !== bytesOf[algorithm]) throw malformed(header, text);
    return [{ header, algorithm, digest }];
  });
}

function compare(header: string, sent: Buffer, got: Buffer): void {
  if (sent.equals(got)) return;
  throw new VitrinaError('digest-differs', { header, sent: sent.toString('hex'), got: got.toString('hex') });
}

function malformed(header: string, text: string): VitrinaError {
  return new VitrinaError('request-malformed', {
    problem: `${header} is ${JSON.stringify(text.slice(0, 120))}, and no digest can be read from it`,
  });
}

const textOf = (value: string | readonly string[] | undefined) =>
  typeof value === 'string' ? value : value === undefined ? undefined : value.join(',');
