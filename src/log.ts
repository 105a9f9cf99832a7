import { type Logger, pino } from 'pino';
import type { LogLevel } from './config.js';

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
    },
    // A reader that sleeps holds up no request; what it leaves behind is bounded. The end of the process writes the rest.
    pino.destination({ fd: 2, sync: false, maxLength: 16 * 2 ** 20 }),
  );
}
