import type { ErrorCode } from '../../../src/errors.js';

/** One hostile file: what it is called, its bytes, and the code that it must be refused with. */
export interface HostileFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
}

/** The table of one family: code → name → bytes. */
export type HostileTable = Readonly<Partial<Record<ErrorCode, Readonly<Record<string, Uint8Array>>>>>;

export function listTable(family: string, extension: string, table: HostileTable): HostileFile[] {
  return Object.entries(table).flatMap(([code, files]) =>
    Object.entries(files ?? {}).map(([name, bytes]) => ({
      name: `${family}-${name.replace(/[^\w.]+/g, '-')}${/\.\w+$/.test(name) ? '' : extension}`,
      bytes,
      code: code as ErrorCode,
    })),
  );
}
