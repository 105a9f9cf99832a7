/** Tables in the OpenAPI document: which content types there are, and an example of each that can be shown. */
import { VitrinaError } from '../../errors.js';
import { writeCsv } from '../../formats/index.js';
import type { Signature } from '../../signature.js';
import { FeatureReader } from '../predictions/features.js';
import { mediaTypes } from './media-types.js';

type Content = Readonly<Record<string, { readonly schema: object; readonly example?: unknown }>>;

const text = { type: 'string' };
const binary = { type: 'string', format: 'binary' };

/** Bodies of a model beside JSON; `example` is one of its JSON bodies, by input, whose first row is shown. */
export function tableBodies(signature: Signature, example: Readonly<Record<string, unknown>> | undefined): Content {
  const row = example === undefined ? undefined : firstRow(signature, example);
  const csv = row === undefined ? undefined : csvExample(signature, row);
  return {
    ...(takesFeatures(signature)
      ? { [mediaTypes.csv]: { schema: text, ...(csv === undefined ? {} : { example: csv }) } }
      : {}),
    [mediaTypes.ndjson]: {
      schema: text,
      ...(row === undefined ? {} : { example: `${JSON.stringify(row)}\n` }),
    },
    [mediaTypes['arrow-stream']]: { schema: binary },
    [mediaTypes['arrow-file']]: { schema: binary },
  };
}

/** Answers beside JSON. */
export const tableAnswers: Content = {
  [mediaTypes.csv]: { schema: text },
  [mediaTypes.ndjson]: { schema: text },
  [mediaTypes['arrow-stream']]: { schema: binary },
  [mediaTypes['arrow-file']]: { schema: binary },
};

/** As a row of JSON. */
function firstRow({ inputs }: Signature, example: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const rows = inputs.map(({ name, shape }): [string, unknown] => {
    const value = example[name];
    return [name, shape[0] === null && Array.isArray(value) ? value[0] : value];
  });
  const columns = inputs.length === 1 ? inputs[0]!.columns : undefined;
  if (columns === undefined) return Object.fromEntries(rows);
  const values = rows[0]![1] as readonly unknown[];
  return Object.fromEntries(columns.map((name, i) => [name, values[i]]));
}

function takesFeatures(signature: Signature): boolean {
  try {
    return new FeatureReader(signature).features.length > 0;
  } catch (error) {
    if (error instanceof VitrinaError) return false;
    throw error;
  }
}

function csvExample(signature: Signature, row: Readonly<Record<string, unknown>>): string | undefined {
  if (!takesFeatures(signature) || signature.inputs.some(({ json }) => json !== undefined)) return undefined;
  const names = new FeatureReader(signature).features.map(({ name }) => name);
  const values = Object.values(row).flat(2);
  if (values.length !== names.length) return undefined;
  return writeCsv([names, values.map((value) => (value === null || value === undefined ? '' : String(value)))]);
}
