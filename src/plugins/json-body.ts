import { isUtf8 } from 'node:buffer';
import type { FastifyContextConfig, FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { VitrinaError } from '../errors.js';
import { readWhole, tooLarge } from '../http/whole-body.js';
import { parseColumns } from './json-columns.js';
import { parseNumbers } from './json-numbers.js';
import { RowReader } from './json-row.js';
import { depthLimit, findDuplicateKey, scanJson } from './json-scan.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes a column as a dictionary keyed by row, a `Float64Array` or a `TextColumn`: it gets the last two in a third of the time. */
    columns?: boolean;
    /** The route takes a `NumberArray` for a list of numbers: large tensors are read in half the time. */
    numbers?: boolean;
    /** The route takes a `NumberRow` for an object of numbers. */
    row?: boolean;
  }
}

/**
 * Parses `application/json` bodies, strictly: UTF-8, no duplicate keys (which `JSON.parse` drops without a word), no
 * more than `depthLimit` levels. Errors: `body-not-json`, `body-duplicate-key`, `body-too-deep`.
 */
async function jsonBody(app: FastifyInstance): Promise<void> {
  const rows = new RowReader();
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', (request, payload, done) => {
    const { config, bodyLimit } = request.route;
    const limit = bodyLimit ?? Number.POSITIVE_INFINITY;
    if (Number(request.headers['content-length'] ?? 0) > limit) return done(tooLarge(limit));
    readWhole(payload, limit, (error, bytes) => {
      if (error !== null) return done(error);
      let body: unknown;
      try {
        body = readQuickly(bytes!, config) ?? parseBody(bytes!);
      } catch (fault) {
        return done(fault as Error);
      }
      done(null, body);
    });
  });

  /** By the reader for the form that the route expects; nothing for bodies of another. */
  function readQuickly(bytes: Buffer, { columns, numbers, row }: FastifyContextConfig): unknown {
    if (columns === true) return parseColumns(bytes);
    if (numbers === true) return parseNumbers(bytes);
    return row === true ? rows.read(bytes) : undefined;
  }
}

export function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) throw new VitrinaError('body-not-json', { problem: 'it is empty' });
  if (!isUtf8(bytes)) throw new VitrinaError('body-not-json', { problem: 'its bytes are not UTF-8' });
  const { depth, suspicious } = scanJson(bytes);
  if (depth > depthLimit) throw new VitrinaError('body-too-deep', { limit: depthLimit });
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new VitrinaError('body-not-json', { problem: problemOf(text, cause as SyntaxError) }, { cause });
  }
  if (suspicious) {
    const duplicate = findDuplicateKey(text);
    if (duplicate !== undefined) throw new VitrinaError('body-duplicate-key', duplicate);
  }
  return value;
}

/** Python's `json.dumps` writes NaN and Infinity by default: worth naming, since that is where such bodies come from. */
function problemOf(text: string, error: SyntaxError): string {
  const token = /[[,:]\s*(NaN|-?Infinity)\b/.exec(text);
  if (token !== null)
    return `${token[1]} is not a JSON value (character ${token.index + token[0].length - token[1]!.length})`;
  return withoutQuotation(error.message, text);
}

/**
 * Of V8's "Unexpected token" without its quotation: ten characters on either side of the fault, which may be those of a
 * password. They tell the place, unless the same twenty are there twice; other messages name it and quote nothing.
 */
function withoutQuotation(message: string, text: string): string {
  const [, fault, cut, quoted = ''] =
    /^(Unexpected token '.+?'), (\.{3})?"(.*)"(?:\.{3})? is not valid JSON$/su.exec(message) ?? [];
  if (fault === undefined) return message.slice(0, 200);
  const from = cut === undefined ? -1 : text.indexOf(quoted);
  return from < 0 || text.includes(quoted, from + 1) ? fault : `${fault} (character ${from + 10})`;
}

export default fp(jsonBody, { name: 'json-body' });
