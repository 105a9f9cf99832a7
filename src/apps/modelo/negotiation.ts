/** Which form a caller sends and which one it wants: JSON or CSV, by Content-Type and Accept. */
import { type CsvRecord, chooseAnswer, readContentType, readCsv } from '../../index.js';

const forms = ['json', 'csv'] as const;
export type Form = (typeof forms)[number];

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
  const { header } = readContentType(contentType);
  return new CsvBody(readCsv(bytes), header);
}

/**
 * The form that `accept` likes best; `otherwise` where it likes both alike, or says nothing.
 *
 * @throws VitrinaError `not-acceptable`
 */
export const chooseForm = (accept: string | undefined, otherwise: Form): Form => chooseAnswer(accept, otherwise, forms);
