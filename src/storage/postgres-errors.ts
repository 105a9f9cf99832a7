import pg from 'pg';
import { type DatabaseUrl, locationOf } from '../database-url.js';
import { VitrinaError } from '../errors.js';
import { systemReasons } from '../system-reasons.js';
import { unavailable } from './ping.js';

/** Why something may go well in a moment, by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const passing: Readonly<Record<string, string>> = {
  '25006': 'it takes no writes now (a standby, or read-only)',
  '25P03': 'it ended a transaction that was idle for too long',
  '40001': 'other transactions were in the way',
  '40P01': 'other transactions were in the way',
  '55P03': 'a lock was not free in time',
  '57014': 'the statement took too long',
  '57P01': 'it shuts down',
  '57P02': 'it crashed',
  '57P03': 'it starts or stops, and takes no connections now',
  '57P05': 'it ended an idle connection',
  '53300': 'it has too many connections already',
};

/** The same for whole classes: connections, resources, what an operator does, the system below. */
const passingClasses: Readonly<Record<string, string>> = {
  '08': 'the connection failed',
  '53': 'it has run out of resources',
  '57': 'an operator intervened',
  '58': 'its system has a fault',
};

/** The errors that `pg` makes without a code, when a connection ends, does not come, or says nothing. */
const silence = 'Query read timeout';
const unsent = [
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
];
const lost = [
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout expired',
  silence,
  ...unsent,
];
/** Said by the pool when every connection is in use. */
const exhausted = 'timeout exceeded when trying to connect';

const codeOf = (error: unknown): string => (error as { code?: unknown } | undefined)?.code as string;

/** Whether the connection is of no more use: nobody knows then whether what was sent has been done. */
export function isLost(error: unknown): boolean {
  // By code: the severity comes in the server's language.
  if (error instanceof pg.DatabaseError) return /^(57P0\d|25P03|08...)$/.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  return lost.includes(error.message) || isSystemError(error);
}

/** Whether the statement certainly never left this process. */
export const isUnsent = (error: unknown): boolean => error instanceof Error && unsent.includes(error.message);

/** Whether the server (or the network before it) said nothing in the time in which it says at least "too long". */
export const isSilence = (error: unknown): boolean => error instanceof Error && error.message === silence;

/** Whether the pool had nothing to give, which says nothing about the database. */
export const isExhausted = (error: unknown): boolean => error instanceof Error && error.message === exhausted;

/** `ECONNRESET` and its kind: what the system says of a socket. */
const isSystemError = (error: Error): boolean => /^E[A-Z]+$/.test(codeOf(error) ?? '') && 'syscall' in error;

/** What is wrong, in words for callers: without addresses, names or statements. The cause has those, for the log. */
export function reasonOf(error: unknown): string {
  if (error instanceof VitrinaError && error.code === 'storage-unavailable') {
    return (error as VitrinaError<'storage-unavailable'>).fields.why;
  }
  if (isExhausted(error)) return 'all connections to it are in use';
  const code = codeOf(error) ?? '';
  const known =
    passing[code] ??
    systemReasons[code] ??
    (error instanceof pg.DatabaseError ? passingClasses[code.slice(0, 2)] : undefined);
  if (known !== undefined) return known;
  const message = error instanceof Error ? error.message : '';
  if (message === silence) return 'it said nothing in time';
  if (/timeout/.test(message)) return 'the connection was not made in time';
  if (lost.includes(message)) return 'the connection ended';
  return 'no connection can be made';
}

/**
 * Says in the catalogue's words what a statement met: the database's absence and passing troubles as
 * `storage-unavailable`; a fault of the program (a constraint, a wrong statement) is given back as it is.
 */
export function toStorageError(error: unknown): unknown {
  if (error instanceof VitrinaError) return error;
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  const foreseen = code in passing || code.slice(0, 2) in passingClasses || isLost(error) || isExhausted(error);
  return foreseen ? unavailable(reasonOf(error), error) : error;
}

/** What waiting does not mend when a server starts: one clear line each; `undefined` for what it may. */
export function toFinalError(error: unknown, url: DatabaseUrl): VitrinaError | undefined {
  const location = locationOf(url);
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error) ?? '';
  const cause = { cause: error };
  if (code === 'ENOTFOUND') return new VitrinaError('storage-host-unknown', { location, host: url.host }, cause);
  if (code === '3D000') return new VitrinaError('storage-database-unknown', { location, why: message }, cause);
  if (code.startsWith('28') || message.startsWith('SASL')) {
    const why = url.password === undefined && message.startsWith('SASL') ? 'it asks for a password' : message;
    return new VitrinaError('storage-login-refused', { location, why }, cause);
  }
  // No right to do it, or no schema to do it in.
  if (code === '42501' || code === '3F000')
    return new VitrinaError('storage-forbidden', { location, why: message }, cause);
  if (/CERT|SIGNATURE|SSL|TLS|EPROTO/.test(code) || message === 'The server does not support SSL connections') {
    return new VitrinaError('storage-encryption-failed', { location, why: message }, cause);
  }
  return undefined;
}
