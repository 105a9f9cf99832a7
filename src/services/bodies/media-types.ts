/** Which form a body has and which one its answer is to have, by Content-Type and Accept. */
import { VitrinaError } from '../../errors.js';

export type BodyFormat = 'json' | 'csv' | 'ndjson' | 'arrow-stream' | 'arrow-file';

/** What answers say, and what is asked for. */
export const mediaTypes: Readonly<Record<BodyFormat, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  'arrow-stream': 'application/vnd.apache.arrow.stream',
  'arrow-file': 'application/vnd.apache.arrow.file',
};

/** Types of answers that are texts, with their encoding. */
export const textTypes = {
  json: `${mediaTypes.json}; charset=utf-8`,
  csv: `${mediaTypes.csv}; charset=utf-8`,
  ndjson: `${mediaTypes.ndjson}; charset=utf-8`,
} as const;

/** Other names of the same. */
const aliases: Readonly<Record<string, BodyFormat>> = {
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
};

export const formats = Object.keys(mediaTypes) as BodyFormat[];

/** Every content type of a table, by its format. */
export const tableTypes: ReadonlyMap<string, BodyFormat> = new Map([
  ...formats.filter((format) => format !== 'json').map((format): [string, BodyFormat] => [mediaTypes[format], format]),
  ...Object.entries(aliases),
]);

export interface ContentType {
  readonly format: BodyFormat;
  /** Of CSV, whether its first line is one of names, where the type says so (RFC 7111). */
  readonly header: boolean | undefined;
}

/** @throws VitrinaError `body-media-type` for a type that is not read, and for a character set other than UTF-8 */
export function readContentType(contentType: string): ContentType {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  const format = type === mediaTypes.json ? 'json' : tableTypes.get(type);
  const charset = parameterOf(contentType, 'charset');
  const unread = charset !== undefined && !/^(utf-?8|us-ascii)$/.test(charset);
  if (format === undefined || unread) throw unknownType(contentType, format);
  const header = parameterOf(contentType, 'header');
  return { format, header: header === 'present' ? true : header === 'absent' ? false : undefined };
}

export function unknownType(contentType: string, format?: BodyFormat): VitrinaError {
  const expected = format === undefined ? Object.values(mediaTypes).join(', ') : `${mediaTypes[format]} in UTF-8`;
  return new VitrinaError('body-media-type', { type: contentType.slice(0, 100), expected });
}

function parameterOf(contentType: string, name: string): string | undefined {
  for (const parameter of contentType.split(';').slice(1)) {
    const [key, value = ''] = parameter.split('=', 2);
    if (key!.trim().toLowerCase() === name)
      return value
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .toLowerCase();
  }
  return undefined;
}

/**
 * The format of those `offered` that `accept` likes best; `otherwise`, one of them, where it likes that as much as any,
 * or says nothing. RFC 9110, 12.5.1.
 *
 * @throws VitrinaError `not-acceptable`
 */
export function chooseAnswer<F extends BodyFormat>(
  accept: string | undefined,
  otherwise: F,
  offered: readonly F[] = formats as F[],
): F {
  if (accept === undefined || accept === '*/*' || accept === mediaTypes[otherwise] || accept.trim() === '')
    return otherwise;
  const key = `${offered.join()} ${otherwise} ${accept}`;
  let format = chosen.get(key) as F | undefined;
  if (format === undefined) {
    format = choose(accept, otherwise, offered);
    if (chosen.size >= mostChosen) chosen.clear();
    if (key.length <= longestKey) chosen.set(key, format);
  }
  return format;
}

/** A client sends the same header with every request. */
const chosen = new Map<string, BodyFormat>();
const mostChosen = 200;
const longestKey = 300;

function choose<F extends BodyFormat>(accept: string, otherwise: F, offered: readonly F[]): F {
  const ranges = accept.split(',', 100).map((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, '');
    return { type: type!, weight: weight === undefined ? 1 : Math.min(1, Number(weight) || 0) };
  });
  let best = otherwise;
  let highest = qualityOf(otherwise, ranges);
  for (const format of offered) {
    const quality = qualityOf(format, ranges);
    if (quality > highest) [best, highest] = [format, quality];
  }
  if (highest > 0) return best;
  throw new VitrinaError('not-acceptable', {
    accept: accept.slice(0, 100),
    offered: offered.map((format) => mediaTypes[format]),
  });
}

/** The weight of the most specific range that covers the format. */
function qualityOf(format: BodyFormat, ranges: readonly { type: string; weight: number }[]): number {
  const type = mediaTypes[format];
  const names = Object.keys(aliases).filter((name) => aliases[name] === format);
  for (const pattern of [type, ...names, type.replace(/\/.*/, '/*'), '*/*']) {
    const range = ranges.find((candidate) => candidate.type === pattern);
    if (range !== undefined) return range.weight;
  }
  return 0;
}
