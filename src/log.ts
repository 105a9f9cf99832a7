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
    pino.destination({ fd: 2, sync: true }),
  );
}
