/** Which form a caller sends and which one it wants: JSON or CSV, by Content-Type and Accept. */
import { type CsvRecord, readCsv, VitrinaError } from '../../index.js';

export type Form = 'json' | 'csv';

export const mediaTypes: Readonly<Record<Form, string>> = { json: 'application/json', csv: 'text/csv' };

/** A body of text/csv. */
export class CsvBody {
  constructor(
    readonly records: readonly CsvRecord[],
    /** What the parameter `header` of the media type says (RFC 7111: present or absent). */
    readonly header: boolean | undefined,
  ) {}
}

/** @throws VitrinaError `csv-malformed`, and `body-media-type` for a character set other than UTF-8 */
export function readCsvBody(contentType: string, bytes: Uint8Array): CsvBody {
  const charset = parameterOf(contentType, 'charset');
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) {
    throw new VitrinaError('body-media-type', { type: contentType.slice(0, 100), expected: 'text/csv in UTF-8' });
  }
  const header = parameterOf(contentType, 'header');
  return new CsvBody(readCsv(bytes), header === 'present' ? true : header === 'absent' ? false : undefined);
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
 * The form that `accept` likes best; `otherwise` where it likes both alike, or says nothing. RFC 9110, 12.5.1.
 *
 * @throws VitrinaError `not-acceptable`
 */
export function chooseForm(accept: string | undefined, otherwise: Form): Form {
  if (accept === undefined || accept.trim() === '') return otherwise;
  const ranges = accept.split(',').map((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, '');
    return { type: type!, weight: weight === undefined ? 1 : Number(weight) || 0 };
  });
  const other = otherwise === 'json' ? 'csv' : 'json';
  const [first, second] = [qualityOf(otherwise, ranges), qualityOf(other, ranges)];
  if (first === 0 && second === 0) {
    throw new VitrinaError('not-acceptable', { accept: accept.slice(0, 100), offered: Object.values(mediaTypes) });
  }
  return second > first ? other : otherwise;
}

/** The weight of the most specific range that covers the form. */
function qualityOf(form: Form, ranges: readonly { type: string; weight: number }[]): number {
  const type = mediaTypes[form];
  for (const pattern of [type, type.replace(/\/.*/, '/*'), '*/*']) {
    const range = ranges.find((candidate) => candidate.type === pattern);
    if (range !== undefined) return range.weight;
  }
  return 0;
}
