import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { principalOf } from '../plugins/auth.js';
import { type Accounts, viewAudit } from '../services/accounts/index.js';
import type { UsageLedger } from '../services/quotas/index.js';
import { usageCsv } from '../services/quotas/usage-csv.js';
import { closed, nullable, Time, tags } from './account-schemas.js';

const Day = Type.String({ pattern: '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$', examples: ['2026-11-01'] });
const Query = Type.Object(
  {
    from: Type.Optional(Day),
    to: Type.Optional(Day),
    user: Type.Optional(
      Type.String({ pattern: '^([1-9][0-9]{0,14}|all)$', description: 'Number of a user, or all; yours unless given' }),
    ),
    format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('csv')])),
  },
  closed,
);
const Row = Type.Object({
  day: Type.String({ description: 'In UTC' }),
  userId: Type.Integer(),
  username: nullable(Type.String()),
  keyId: nullable(Type.String()),
  model: Type.String(),
  predictions: Type.Integer(),
  rows: Type.Integer(),
  failures: Type.Integer(),
});
const AuditPage = Type.Object(
  {
    before: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'Number of the last entry seen' })),
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$', description: '1 to 1000, default 100' })),
  },
  closed,
);
const Entry = Type.Object({
  id: Type.Integer(),
  at: Time,
  actorId: nullable(Type.Integer()),
  actor: Type.String(),
  keyId: nullable(Type.String()),
  action: Type.String(),
  subject: Type.String(),
  details: Type.Record(Type.String(), Type.Unknown()),
});

/** Who predicted how much, and who administered what. */
export async function usageRoutes(
  instance: FastifyInstance,
  { accounts, usage }: { accounts: Accounts; usage: UsageLedger },
): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.get(
    '/usage',
    {
      schema: {
        tags,
        summary: 'Who predicted how much, by day, user, key and model',
        description:
          'One’s own, or with the scope users that of others. As CSV with format=csv or "Accept: text/csv". Counts take two seconds to arrive here.',
        querystring: Query,
        response: { 200: Type.Object({ usage: Type.Array(Row) }) },
      },
    },
    async (request, reply) => {
      const { from, to, user, format } = request.query;
      const userId = accounts.usersToReport(principalOf(request), user);
      const rows = await usage.report({
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(userId === undefined ? {} : { userId }),
      });
      const isCsv = format === undefined ? /^text\/csv\b/i.test(request.headers.accept ?? '') : format === 'csv';
      if (!isCsv) return { usage: rows };
      return reply
        .type('text/csv; charset=utf-8; header=present')
        .serializer((text: string) => text)
        .send(usageCsv(rows) as never);
    },
  );

  app.get(
    '/audit',
    {
      config: { scopes: ['admin'] },
      schema: {
        tags,
        summary: 'Administrative acts, the newest first',
        querystring: AuditPage,
        response: { 200: Type.Object({ entries: Type.Array(Entry) }) },
      },
    },
    async (request) => {
      const { before, limit = '100' } = request.query;
      const page = { limit: Number(limit), ...(before === undefined ? {} : { before: Number(before) }) };
      return { entries: (await accounts.listAudit(principalOf(request), page)).map(viewAudit) };
    },
  );
}
