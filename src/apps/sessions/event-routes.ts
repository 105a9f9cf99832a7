import type { FastifyInstance } from 'fastify';
import { addEvents, type NamedEvent, type Platform, readEvent } from '../../index.js';
import { type Fault, faults, refusal } from './refusal.js';
import { addResponses, addSchema } from './schemas.js';
import type { SessionsSettings } from './settings.js';

interface Parts {
  readonly platform: Platform;
  readonly settings: SessionsSettings;
}

/** `POST /events`: into the embedded store. Events that are there already, by their ids, are passed over. */
export async function eventRoutes(scope: FastifyInstance, { platform, settings }: Parts): Promise<void> {
  scope.post(
    '/events',
    {
      config: { scopes: ['events:write'] },
      schema: { summary: 'Add events', body: addSchema, response: addResponses },
      validatorCompiler: () => () => true,
    },
    async (request) => {
      const events = readEvents(request.body, settings.max_batch);
      return { received: events.length, new: await addEvents(platform.storage, events) };
    },
  );
}

/** All of them, or none. Errors: `request-invalid`. */
function readEvents(body: unknown, most: number): NamedEvent[] {
  const events = typeof body === 'object' && body !== null ? (body as { events?: unknown }).events : undefined;
  const loc = ['body', 'events'];
  if (events === undefined) throw refusal([faults.missing(loc)]);
  if (!Array.isArray(events)) throw refusal([faults.notList(loc)]);
  if (events.length > most) throw refusal([faults.tooMany(loc, most)]);
  const found: Fault[] = [];
  const read: NamedEvent[] = [];
  for (const [i, value] of events.entries()) {
    const event = readEvent(value);
    if (!('faults' in event)) read.push(event);
    else {
      for (const { field, expected } of event.faults) {
        found.push({
          loc: [...loc, i, ...(field === '' ? [] : [field])],
          msg: `expected ${expected}`,
          type: 'value_error',
        });
      }
    }
  }
  if (found.length > 0) throw refusal(found);
  return read;
}
