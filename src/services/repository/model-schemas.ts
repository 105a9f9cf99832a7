/** JSON schemas and examples of a model's prediction routes, from its signature. */
import type { Signature, TensorSpec } from '../../signature.js';
import type { DataType } from '../../tensor.js';
import { tableAnswers, tableBodies } from '../bodies/table-examples.js';
import type { ModelRepository, VersionEntry } from './model-repository.js';
import type { ReadyVersion } from './ready-version.js';
import type { VersionCard } from './version-cards.js';

interface Schema {
  readonly [keyword: string]: unknown;
}

/** The size that an example gives to a free dimension. */
const exampleSize = 2;
/** Models beyond this many are not in the document: anybody may ask for it, and it is written anew after every change. */
const mostModels = 100;
/** A list of an example is not written out beyond this many elements; the example is then left out. */
const exampleElements = 20_000;

/** Paths of an OpenAPI document, for each version whose signature is known. */
export function modelPaths(models: ModelRepository): Record<string, unknown> {
  const paths: Record<string, unknown> = {};
  for (const name of models.names().slice(0, mostModels)) {
    const known = models.versions(name).flatMap((entry) => describedBy(entry) ?? []);
    const serving = known.find(({ version }) => version === models.defaultVersion(name)) ?? known.at(-1);
    if (serving === undefined) continue;
    paths[`/models/${name}/predict`] = { post: operation(serving, `predict_${name}`) };
    for (const version of known) {
      const path = `/models/${name}/versions/${version.version}/predict`;
      paths[path] = { post: operation(version, `predict_${name}_${version.version}`) };
    }
  }
  return paths;
}

/** A version that is in memory, or was once. */
type Described = { readonly model: string; readonly version: string } & (ReadyVersion | VersionCard);

function describedBy({ model, version, state }: VersionEntry): Described | undefined {
  if (state.status === 'ready') return state.ready;
  return state.status === 'unloaded' && state.card !== undefined ? { ...state.card, model, version } : undefined;
}

function operation(version: Described, operationId: string): Schema {
  const { signature, model, labels } = version;
  const row = rowSchema(signature);
  const body = { oneOf: [tensorsSchema(signature.inputs, 'inputs'), { type: 'array', items: row, minItems: 1 }, row] };
  const answerRow = objectOf([
    ...signature.outputs.map((spec): [string, Schema] => [spec.name, nested(spec, spec.shape.slice(1))]),
    ...(labels === undefined
      ? []
      : signature.outputs.map((spec): [string, Schema] => [`${spec.name}_label`, { type: 'string', enum: labels }])),
  ]);
  const answer = {
    oneOf: [tensorsSchema(signature.outputs, 'outputs'), { type: 'array', items: answerRow }, answerRow],
  };
  const example = exampleBody(version);
  return {
    operationId,
    tags: ['predictions'],
    summary: `Predict with ${model}, version ${version.version}`,
    description:
      version.description ?? `${version.provenance.library} ${version.provenance.libraryVersion ?? ''}`.trim(),
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: body, ...(example === undefined ? {} : { example }) },
        ...tableBodies(signature, example?.inputs),
      },
    },
    responses: {
      200: {
        description: 'The outputs, in the form of the question, or as Accept asks',
        content: { 'application/json': { schema: answer }, ...tableAnswers },
      },
      422: {
        description: 'The inputs do not fit the signature',
        content: { 'application/problem+json': { schema: problem } },
      },
    },
  };
}

const problem: Schema = {
  type: 'object',
  properties: { code: { type: 'string' }, detail: { type: 'string' }, status: { type: 'integer' } },
};

function tensorsSchema(specs: readonly TensorSpec[], key: string): Schema {
  const tensors = objectOf(specs.map((spec): [string, Schema] => [spec.name, nested(spec, spec.shape)]));
  return { type: 'object', properties: { [key]: tensors }, required: [key] };
}

/** One row: a value per named column, or per input without its batch dimension. */
function rowSchema({ inputs, ignored = [] }: Signature): Schema {
  const columns = inputs.length === 1 ? inputs[0]!.columns : undefined;
  if (columns !== undefined) return objectOf(columns.map((name): [string, Schema] => [name, scalar(inputs[0]!)]));
  const row = objectOf(inputs.map((spec): [string, Schema] => [spec.name, nested(spec, spec.shape.slice(1))]));
  if (ignored.length === 0) return row;
  const unread = Object.fromEntries(ignored.map((name) => [name, { description: 'not read by the model' }]));
  return { ...row, properties: { ...(row.properties as Schema), ...unread } };
}

function objectOf(fields: readonly [string, Schema][]): Schema {
  return {
    type: 'object',
    properties: Object.fromEntries(fields),
    required: fields.map(([name]) => name).filter((name) => !name.endsWith('_label')),
    additionalProperties: false,
  };
}

function nested(spec: TensorSpec, shape: readonly (number | null)[]): Schema {
  const [size, ...inner] = shape;
  if (size === undefined) return scalar(spec);
  return {
    type: 'array',
    items: nested(spec, inner),
    ...(size === null ? { minItems: 1 } : { minItems: size, maxItems: size }),
  };
}

/** One element; `null` where a missing value is taken. */
function scalar({ dtype, json, missing }: TensorSpec): Schema {
  const type = json === 'list' ? 'array' : json === 'object' ? 'object' : typeOf(dtype);
  const format = type === 'number' || type === 'integer' ? { format: dtype } : {};
  return { type: missing === undefined ? type : [type, 'null'], ...format };
}

function typeOf(dtype: DataType): string {
  if (dtype === 'string') return 'string';
  if (dtype === 'bool') return 'boolean';
  return dtype.startsWith('float') ? 'number' : 'integer';
}

/** A body that the model answers: the first row of the golden file, else one row of zeros. */
export function exampleBody({
  signature: { inputs },
  example,
}: Pick<ReadyVersion, 'signature' | 'example'> | VersionCard):
  | { inputs: Readonly<Record<string, unknown>> }
  | undefined {
  const sizes = inputs.map((spec) => spec.shape.map((size, axis) => size ?? (axis === 0 ? 1 : exampleSize)));
  const elements = sizes.reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
  if (elements > exampleElements) return undefined;
  return { inputs: example ?? Object.fromEntries(inputs.map((spec, i) => [spec.name, zeros(spec, sizes[i]!)])) };
}

function zeros(spec: TensorSpec, [size, ...inner]: readonly number[]): unknown {
  if (size !== undefined) return Array.from({ length: size }, () => zeros(spec, inner));
  if (spec.json !== undefined) return spec.json === 'list' ? [] : {};
  return spec.dtype === 'string' ? 'text' : spec.dtype === 'bool' ? false : 0;
}
