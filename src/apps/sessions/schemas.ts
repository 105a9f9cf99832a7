/** What `/openapi.json` says of the app. Bodies are checked by hand, in the words of the system before. */

const date = {
  anyOf: [{ type: 'string' }, { type: 'number' }],
  description: 'ISO 8601 with T or a space (UTC unless a zone is given), a date, or epoch seconds or milliseconds.',
};

const properties = {
  utils: { type: 'array', items: { type: 'string' }, description: 'Whose events.' },
  date_min: date,
  date_max: date,
};

export const usersSchema = {
  type: 'object',
  title: 'Users',
  required: ['utils', 'date_min', 'date_max'],
  properties,
  examples: [{ utils: ['romain'], date_min: '2022-09-22 11:00Z', date_max: '2022-09-28T12:00+02:00' }],
};

export const querySchema = { type: 'object', required: ['utils', 'date_min', 'date_max'], properties };

const instant = { type: 'string', format: 'date-time' };
const text = { type: 'string' };

const session = {
  type: 'object',
  title: 'Session',
  required: ['debut', 'fin', 'instance', 'personne'],
  properties: { debut: instant, fin: instant, instance: text, personne: text },
};

const screen = {
  type: 'array',
  title: 'Ecran',
  description: 'Milliseconds since 1970, util, ecran, instance.',
  items: { anyOf: [{ type: 'integer' }, text] },
  minItems: 4,
  maxItems: 4,
};

const usage = {
  type: 'object',
  title: 'Summary',
  required: ['personne', 'instance', 'sessions', 'total_seconds', 'median_seconds'],
  properties: {
    personne: text,
    instance: text,
    sessions: { type: 'integer' },
    total_seconds: { type: 'number' },
    median_seconds: { type: 'number' },
  },
};

const fault = {
  type: 'object',
  required: ['loc', 'msg', 'type'],
  properties: {
    loc: { type: 'array', items: { anyOf: [text, { type: 'integer' }] } },
    msg: text,
    type: text,
  },
};

const detail = (of: object) => ({ type: 'object', required: ['detail'], properties: { detail: of } });
const failed = (description: string, of: object = text) => ({
  description,
  content: { 'application/json': { schema: detail(of) } },
});

const answer = (description: string, member: string, item: object) => ({
  200: {
    description,
    headers: {
      'X-Skipped-Events': { type: 'integer', description: 'Documents of another shape, which were passed over.' },
    },
    content: {
      'application/json': {
        schema: { type: 'object', required: [member], properties: { [member]: { type: 'array', items: item } } },
      },
      'application/x-ndjson': { schema: item },
      'text/csv': { schema: { type: 'string' } },
    },
  },
  406: failed('Neither JSON, CSV nor NDJSON'),
  413: failed('Somebody has more events than one request may read'),
  422: failed('What is wrong with the question', { type: 'array', items: fault }),
  502: failed('The store of events refuses the question'),
  503: failed('The store of events does not answer, or too many wait'),
  504: failed('It took too long'),
});

export const sessionResponses = answer('Sessions by person, then start', 'sessions', session);
export const eventResponses = answer('Events by person, then time', 'ecrans', screen);
export const summaryResponses = answer('Sessions by person and instance', 'summary', usage);

export const addSchema = {
  type: 'object',
  required: ['events'],
  properties: {
    events: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'util', 'ecran', 'instance', '@timestamp'],
        properties: {
          id: { type: 'string', description: 'The same one again is the same event.' },
          util: text,
          ecran: text,
          instance: text,
          '@timestamp': { anyOf: [{ type: 'integer' }, { type: 'string' }], description: 'Epoch ms, or ISO 8601.' },
        },
      },
    },
  },
  examples: [
    {
      events: [
        {
          id: '1660119206971bdcad61d5b',
          util: 'romain',
          ecran: 'connexion',
          instance: 'instance589',
          '@timestamp': 1_660_119_206_971,
        },
      ],
    },
  ],
};

export const addResponses = {
  200: {
    description: 'How many there were, and how many of them were new',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['received', 'new'],
          properties: { received: { type: 'integer' }, new: { type: 'integer' } },
        },
      },
    },
  },
  422: failed('What is wrong with the events; none was added', { type: 'array', items: fault }),
};
