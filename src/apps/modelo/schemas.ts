/** What `/openapi.json` says of the app. Bodies are documented here and checked against the model that answers. */
import type { TabularModel } from './tabular-model.js';

const value = { anyOf: [{ type: 'number' }, { type: 'string' }, { type: 'boolean' }, { type: 'null' }] };
const row = {
  type: 'object',
  additionalProperties: value,
  description: 'One value a feature: a number, or a text that writes one.',
};

/** The examples are of the model that answers when the server starts. */
export function bodySchema(model: TabularModel | undefined): object {
  const features =
    model?.representation.features ?? ['feature1', 'feature2', 'feature3'].map((name) => ({ name, type: 'number' }));
  const example = Object.fromEntries(features.map(({ name, type }, i) => [name, exampleOf(type, i)]));
  const csv = `${features.map(({ name }) => name).join(',')}\n${Object.values(example).join(',')}\n`;
  return {
    content: {
      'application/json': {
        schema: {
          anyOf: [
            row,
            {
              type: 'array',
              items: { anyOf: [row, { type: 'array', items: value }] },
              description: 'One answer a row.',
            },
          ],
          examples: [example],
        },
      },
      'text/csv': {
        schema: { type: 'string', description: 'One row a line, with or without a line of names.', examples: [csv] },
      },
    },
  };
}

function exampleOf(type: string, place: number): unknown {
  if (type === 'string') return 'text';
  if (type === 'boolean') return true;
  return place % 2 === 0 ? '1' : '0';
}

export const artefactSchema = {
  content: {
    'application/octet-stream': {
      schema: { type: 'string', format: 'binary', description: 'A .pkl, .joblib, .onnx, .h5 or .keras file.' },
    },
  },
};

export const querySchema = {
  type: 'object',
  properties: {
    proba: { type: 'string', enum: ['true', 'false'], description: 'Probabilities by class name as well.' },
  },
};

const detail = { type: 'object', properties: { detail: {} } };

const prediction = {
  type: 'object',
  required: ['predict'],
  properties: {
    predict: { description: 'The number, or the label of the class.' },
    proba: { type: 'object', additionalProperties: { type: 'number' } },
  },
};

const representation = {
  type: 'object',
  properties: {
    estimator: { type: 'string' },
    library: { type: 'string' },
    components: { type: 'array', items: { type: 'string' } },
    features: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, type: { type: 'string' }, optional: { type: 'boolean' } },
      },
    },
    target: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    classes: { type: 'array', items: { type: 'string' } },
    version: { type: 'string' },
    created: { type: 'string', format: 'date-time' },
    sha256: { type: 'string' },
  },
};

const both = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema }, 'text/csv': { schema: { type: 'string' } } },
});
const failed = (description: string) => ({ description, content: { 'application/json': { schema: detail } } });

const gone = { 404: failed('There is no model') };
const conditions = { 412: failed('If-Match or If-None-Match excludes the change') };

export const responses = {
  describe: {
    200: both('The model', representation),
    304: { description: 'The model is the one of If-None-Match' },
    ...gone,
    406: failed('Neither JSON nor CSV'),
  },
  predict: {
    200: both('One answer for one row, a list for a list', {
      anyOf: [prediction, { type: 'array', items: prediction }],
    }),
    ...gone,
    406: failed('Neither JSON nor CSV'),
    415: failed('Neither JSON nor CSV'),
    422: failed('A feature is missing, unknown or no number'),
  },
  replace: {
    200: both('The new model', representation),
    ...conditions,
    413: failed('The artefact is too large'),
    415: failed('A type that no artefact has'),
    422: failed('The artefact cannot be served; the old model goes on'),
  },
  remove: { 204: { description: 'Removed' }, ...gone, ...conditions },
};
