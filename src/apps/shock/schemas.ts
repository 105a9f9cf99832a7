/** What `/openapi.json` says of the app. `/predict` is documented here and checked by hand (`body.ts`), for speed. */
import { Type } from 'typebox';
import { modelSignals } from './window.js';

const row = (value: object) => ({
  anyOf: [
    { type: 'object', additionalProperties: value },
    { type: 'array', items: value },
  ],
});
const integer = { type: 'integer' };
const time = { anyOf: [{ type: 'string' }, { type: 'number' }] };

function bodySchema(idAtencion: object, description: string) {
  return {
    type: 'object',
    description,
    required: ['idAtencion', 'idSigno', 'nomSigno', 'valor', 'fecRegistro'],
    additionalProperties: false,
    properties: {
      idAtencion,
      idSigno: { ...row(integer), description: 'Number of the signal; not used.' },
      nomSigno: {
        ...row({ type: 'string' }),
        description: `The model sees ${modelSignals.join(', ')}; others are ignored.`,
      },
      valor: { ...row({ type: 'number' }), description: 'Finite numbers.' },
      fecRegistro: {
        ...row(time),
        description:
          'ISO 8601, YYYY-MM-DD HH:MM:SS, DD/MM/YYYY HH:MM:SS, epoch in seconds or milliseconds. UTC unless a zone is given.',
      },
    },
  };
}

const oneBody = bodySchema(integer, 'Columns keyed by row: one record of one signal at one time each.');

const prediction = {
  type: 'object',
  required: ['idAtencion', 'inferences', 'State'],
  properties: {
    idAtencion: integer,
    inferences: { type: 'object', additionalProperties: { type: 'number' }, description: 'Probability of each state.' },
    State: { type: 'string', description: 'The likeliest state.' },
    imputed: {
      type: 'array',
      items: { type: 'string' },
      description: "Signals without a value in the window, put at the scaler's mean (setting impute: mean).",
    },
  },
};

const problem = {
  type: 'object',
  properties: {
    loc: { type: 'array', items: { anyOf: [{ type: 'string' }, integer] } },
    msg: { type: 'string' },
    type: { type: 'string' },
  },
};

const failed = {
  type: 'object',
  description: 'A patient who cannot be served, in a request of many.',
  properties: { idAtencion: integer, error: problem },
};

const detail = (of: object) => ({ type: 'object', properties: { detail: of } });
const words = detail({ type: 'string' });
const problems = detail({ type: 'array', items: problem });

export const predictBody = {
  anyOf: [
    oneBody,
    { type: 'array', items: oneBody, description: 'Many patients, one body each.' },
    bodySchema(row(integer), 'Many patients, idAtencion as a column.'),
  ],
  examples: [exampleBody()],
};

export const predictResponses = {
  200: {
    description: 'One object for one patient; a list, in the order of first appearance, for many.',
    anyOf: [prediction, { type: 'array', items: { anyOf: [prediction, failed] } }],
  },
  401: { description: 'No token, or none that counts', ...words },
  422: { description: 'No patient can be served', ...problems },
};

export const credentials = Type.Object(
  { username: Type.String(), password: Type.String() },
  { additionalProperties: false, examples: [{ username: 'ward', password: 'a long and synthetic password' }] },
);

/** The fields of OAuth2's password form; a client that posts JSON sends the first two. */
export const tokenRequest = Type.Object(
  {
    username: Type.String(),
    password: Type.String(),
    grant_type: Type.Optional(Type.String({ pattern: '^(password)?$' })),
    scope: Type.Optional(Type.String()),
    client_id: Type.Optional(Type.String()),
    client_secret: Type.Optional(Type.String()),
  },
  { additionalProperties: false, examples: [{ username: 'ward', password: 'a long and synthetic password' }] },
);

export const tokenResponse = Type.Object({ access_token: Type.String(), token_type: Type.Literal('bearer') });

/** A quiet patient's last hundred minutes: complete, and served by any model of twenty rows. */
export function exampleBody() {
  const level = [3.1, 74, 0, 170, 70.5, 74, 97, 36.7, 16];
  const swing = [0.2, 2, 0, 0, 0, 2, 0.6, 0.1, 1];
  const decimals = [2, 0, 0, 0, 1, 0, 0, 1, 0];
  const body = {
    idAtencion: 1_408_026,
    idSigno: {} as Record<string, number>,
    nomSigno: {} as Record<string, string>,
    valor: {} as Record<string, number>,
    fecRegistro: {} as Record<string, string>,
  };
  const first = Date.UTC(2024, 5, 13, 4, 55);
  for (let record = 0; record < 20 * modelSignals.length; record++) {
    const step = Math.floor(record / modelSignals.length);
    const column = record % modelSignals.length;
    const value = level[column]! + swing[column]! * Math.sin(step * 1.3 + column);
    body.idSigno[record] = column + 1;
    body.nomSigno[record] = modelSignals[column]!;
    body.valor[record] = Number(value.toFixed(decimals[column]!));
    body.fecRegistro[record] = new Date(first + step * 300_000).toISOString().slice(0, 19).replace('T', ' ');
  }
  return body;
}
