import { VitrinaError } from '../../errors.js';
import { defaultLimits, type Limits } from '../limits.js';

const MiB = 2 ** 20;

/** Caps of the readers of Python's formats: those of every reader, and what a pickle can ask for besides. */
export interface PythonLimits extends Limits {
  /** Bytes of one integer; NumPy's generators carry states of 16 to 64 bytes. */
  readonly integerBytes: number;
  /**
   * How many times its own size a pickle may take as objects in memory (a vocabulary takes 15 times); compressed
   * files four times as much. Small files may reach 96 MiB whatever their ratio.
   */
  readonly growth: number;
}

export const defaultPythonLimits: PythonLimits = Object.freeze({
  ...defaultLimits,
  integerBytes: 1024,
  growth: 20,
});

/**
 * Counts what reading costs in memory, by estimates of V8's objects, and refuses before the machine suffers.
 * One budget serves one artefact, nested pickles and object arrays included.
 */
export class Budget {
  private spent = 0;
  private objects = 0;
  private readonly limit: number;

  /** `size`: bytes of the artefact as it came; `inflated`: bytes after decompression. */
  constructor(
    size: number,
    readonly limits: PythonLimits,
    inflated = size,
  ) {
    this.limit = Math.min(limits.inflatedBytes, Math.max(96 * MiB, Math.min(inflated, size * 4) * limits.growth));
  }

  /** Takes note of `bytes` of memory. @throws artefact-over-limit */
  charge(bytes: number): void {
    this.spent += bytes;
    if (this.spent > this.limit) throw overLimit('pickle', 'decoded bytes', this.spent, this.limit, 'growth');
  }

  /** Takes note of one object more, of about `bytes`. @throws artefact-over-limit */
  object(bytes: number): void {
    this.objects++;
    if (this.objects > this.limits.count) {
      throw overLimit('pickle', 'a number of objects', this.objects, this.limits.count, 'count');
    }
    this.charge(bytes);
  }
}

export function malformed(format: string, what: string, offset?: number): VitrinaError {
  return new VitrinaError('artefact-malformed', offset === undefined ? { format, what } : { format, what, offset });
}

export function unsupported(format: string, what: string, next: string): VitrinaError {
  return new VitrinaError('artefact-unsupported', { format, what, next });
}

export function unsafe(format: string, what: string, next: string): VitrinaError {
  return new VitrinaError('artefact-unsafe', { format, what, next });
}

export function overLimit(format: string, what: string, value: number, limit: number, setting: string): VitrinaError {
  return new VitrinaError('artefact-over-limit', { format, what, value, limit, setting });
}

/** @throws artefact-over-limit when the artefact itself is too large. */
export function checkFileSize(format: string, bytes: Uint8Array, limits: Limits): void {
  if (bytes.length > limits.fileBytes) {
    throw overLimit(format, 'a file size in bytes', bytes.length, limits.fileBytes, 'fileBytes');
  }
}
