/**
 * The one catalogue of errors.
 *
 * Each entry has a code (stable, kebab-case, what clients may match), an HTTP status and a text that names the
 * offending value, what was expected and the next step. The platform's routes render an error as
 * `application/problem+json`, the Open Inference Protocol as `{"error"}`, the bundled apps as `{"detail"}`; the
 * command line prints the text. `docs/errors.md` is generated from this file.
 */
interface Entry<F> {
  readonly status: number;
  readonly text: (fields: F) => string;
}

const entry = <F = Record<never, never>>(status: number, text: (fields: F) => string): Entry<F> => ({ status, text });

export const catalogue = {
  // --- artefacts: formats/ -------------------------------------------------------------------------------------
  'artefact-unrecognised': entry<{ file: string; found: string }>(
    422,
    (f) =>
      `${f.file}: ${f.found}. Vitrina reads .h5, .keras, .onnx, and pickle or joblib files; save the whole model in one of these.`,
  ),
  'artefact-malformed': entry<{ format: string; what: string; offset?: number }>(
    422,
    (f) =>
      `The ${f.format} data is damaged: ${f.what}${f.offset === undefined ? '' : ` (byte ${f.offset})`}. Save the file again, or copy it in binary mode.`,
  ),
  'artefact-over-limit': entry<{ format: string; what: string; value: number; limit: number; setting: string }>(
    422,
    (f) =>
      `The ${f.format} data has ${f.what} of ${f.value}, over the limit of ${f.limit}; raise the limit ${f.setting} if you trust the file.`,
  ),
  'artefact-unsupported': entry<{ format: string; what: string; next: string }>(
    422,
    (f) => `The ${f.format} data uses ${f.what}, which Vitrina does not read; ${f.next}.`,
  ),
  // --- conversion: convert/ ------------------------------------------------------------------------------------
  'layer-unsupported': entry<{ layer: string; className: string; why: string }>(
    422,
    (f) => `Layer "${f.layer}" (${f.className}) cannot be converted: ${f.why}.`,
  ),
  'model-unsupported': entry<{ what: string; next: string }>(422, (f) => `${f.what}; ${f.next}.`),
  // --- anything that nobody foresaw ----------------------------------------------------------------------------
  internal: entry(500, () => 'The server met a fault of its own; its log names it under the request id.'),
} as const;

export type ErrorCode = keyof typeof catalogue;
export type ErrorFields<C extends ErrorCode> = Parameters<(typeof catalogue)[C]['text']>[0];

/** An error of the catalogue. `code` and `fields` are for programs, `message` is for people. */
export class VitrinaError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly status: number;
  readonly fields: ErrorFields<C>;

  constructor(code: C, fields: ErrorFields<C>, options?: ErrorOptions) {
    const { status, text } = catalogue[code] as Entry<ErrorFields<C>>;
    super(text(fields), options);
    this.name = 'VitrinaError';
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}
