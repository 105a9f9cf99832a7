import { type Logger, pino } from 'pino';
import type { LogLevel } from './config.js';

/** What databases add to an error beside its message: values of the row at fault, a password's hash among them. */
const ofRows = ['detail', 'where', 'parameters', 'internalQuery'];

/** An error as the log shows it: type, message, stack and code, and nothing of the row that the database refused. */
export function errorForLog(error: unknown): unknown {
  const shown = pino.stdSerializers.err(error as Error) as unknown;
  if (typeof shown !== 'object' || shown === null) return shown;
  return Object.fromEntries(Object.entries(shown).filter(([name]) => !ofRows.includes(name)));
}

/** JSON lines on standard error; credentials are never logged, whatever object they hang on. */
export function createLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: [
        'req.headers.authorization',
        'req.headers["x-api-key"]',
        'headers.authorization',
        'password',
        'token',
        'key',
      ],
      serializers: { err: errorForLog },
    },
    // A reader that sleeps holds up no request; what it leaves behind is bounded. The end of the process writes the rest.
    pino.destination({ fd: 2, sync: false, maxLength: 16 * 2 ** 20 }),
  );
}
