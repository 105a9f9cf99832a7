/** A posted package as lists of values by field, whichever of three forms it came in. */
import { isUtf8 } from 'node:buffer';
import { boundaryOf, parseJsonBody, readMultipart, VitrinaError } from '../../index.js';
import { numberTexts } from './number-texts.js';

/**
 * What one field was given: every value of a form's field; of a JSON member its only value, or the elements of its list.
 * Texts, but for what JSON has besides: a whole number is its digits, as they stand in the body; anything else is itself.
 */
export interface FieldValues {
  readonly values: readonly unknown[];
  /** Whether it was a list in so many words. */
  readonly listed: boolean;
}

export type Fields = ReadonlyMap<string, FieldValues>;

/** Repeated fields, and a few beside them. */
const mostParts = 10_100;

/**
 * @param contentType the header's value
 * @throws VitrinaError `body-media-type`, `request-malformed`, `request-invalid`, and of JSON `body-not-json`,
 *   `body-duplicate-key`, `body-too-deep`
 */
export async function readFields(contentType: string | undefined, body: Buffer): Promise<Fields> {
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'application/json') return jsonFields(body);
  if (type === 'application/x-www-form-urlencoded') return collect(new URLSearchParams(utf8(body)));
  const boundary = boundaryOf(contentType ?? '');
  if (boundary === undefined) {
    throw new VitrinaError('body-media-type', {
      type: (contentType ?? '').slice(0, 100),
      expected: 'application/json, application/x-www-form-urlencoded or multipart/form-data',
    });
  }
  const pairs: [string, string][] = [];
  for await (const part of readMultipart(once(body), boundary, mostParts)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.body) chunks.push(chunk);
    pairs.push([part.name, utf8(Buffer.concat(chunks))]);
  }
  return collect(pairs);
}

async function* once(body: Buffer): AsyncGenerator<Uint8Array> {
  yield body;
}

function utf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new VitrinaError('request-malformed', { problem: 'The form has bytes that are not UTF-8' });
}

/** PHP's and jQuery's way of naming a field that is repeated. */
const listSuffix = '[]';

function collect(pairs: Iterable<readonly [string, string]>): Fields {
  const fields = new Map<string, { values: string[]; listed: boolean }>();
  for (const [given, value] of pairs) {
    const listed = given.endsWith(listSuffix);
    const name = listed ? given.slice(0, -listSuffix.length) : given;
    const field = fields.get(name) ?? { values: [], listed };
    field.values.push(value);
    fields.set(name, { values: field.values, listed: field.listed || listed });
  }
  return fields;
}

function jsonFields(bytes: Buffer): Fields {
  const body = parseJsonBody(bytes);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const message = 'is not an object; expected the fields of a package';
    throw new VitrinaError('request-invalid', { problems: [{ path: 'body', message }] });
  }
  const members = Object.entries(body as Record<string, unknown>).filter(([, value]) => value !== null);
  const numbers = members.some(([, value]) => typeof value === 'number')
    ? numberTexts(bytes.toString('utf8'))
    : undefined;
  return new Map(
    members.map(([name, value]): [string, FieldValues] => {
      if (Array.isArray(value)) return [name, { values: value, listed: true }];
      const digits = numbers?.get(name);
      return [name, { values: [digits !== undefined && /^-?\d+$/.test(digits) ? digits : value], listed: false }];
    }),
  );
}
