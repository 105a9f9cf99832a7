import { VitrinaError } from '../errors.js';

interface CodedError extends Error {
  readonly code: string;
}

const isCoded = (error: unknown): error is CodedError =>
  error instanceof Error && typeof (error as Partial<CodedError>).code === 'string';

/** Whether SQLite refused because another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return isCoded(error) && (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED'));
}

/**
 * Says in the catalogue's words what SQLite or the file system reports about the file `path`; anything that is a
 * fault of the program (a constraint, a wrong statement) is given back as it is.
 *
 * Result codes: https://www.sqlite.org/rescode.html
 */
export function toStorageError(error: unknown, path: string): unknown {
  if (!isCoded(error) || error instanceof VitrinaError) return error;
  const [, kind] = /^SQLITE_([A-Z]+)/.exec(error.code) ?? [];
  switch (kind) {
    case 'NOTADB':
      return new VitrinaError('storage-not-a-database', { path, why: 'it is not a SQLite file' }, { cause: error });
    case 'CORRUPT':
      return new VitrinaError('storage-damaged', { path, why: error.message }, { cause: error });
    case 'READONLY':
    case 'CANTOPEN':
    case 'PERM':
    case 'AUTH':
      return new VitrinaError('storage-unwritable', { path, why: error.message }, { cause: error });
    case 'BUSY':
    case 'LOCKED':
    case 'FULL':
    case 'IOERR':
    case 'NOMEM':
    case 'PROTOCOL':
      return new VitrinaError(
        'storage-unavailable',
        { why: error.message },
        { cause: error, headers: { 'Retry-After': '1' } },
      );
    default:
      return error;
  }
}

const systemReasons: Readonly<Record<string, string>> = {
  ENOENT: 'a folder of the path is missing and cannot be made',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a file is where the folder should be',
  EISDIR: 'it is a folder',
  ENOSPC: 'no space is left',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links go in a circle',
};

/** `storage-unwritable` for what `mkdir`, `open` or `access` said. */
export function toUnwritable(error: unknown, path: string): VitrinaError {
  const code = isCoded(error) ? error.code : '';
  const why = systemReasons[code] ?? (error instanceof Error ? error.message : String(error));
  return new VitrinaError('storage-unwritable', { path, why }, { cause: error });
}
