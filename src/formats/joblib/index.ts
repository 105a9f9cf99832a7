import { VitrinaError } from '../../errors.js';
import { type Compression, detectCompression, inflate } from '../compression/index.js';
import { type PickleFile, readPickles } from '../pickle/index.js';
import {
  Budget,
  checkFileSize,
  defaultPythonLimits,
  type PythonLimits,
  unsafe,
  unsupported,
} from '../pickle/limits.js';
import { createArrayReader } from './array-wrapper.js';

export interface JoblibFile extends PickleFile {
  /** `pickle` when the file holds nothing that only joblib writes. */
  readonly format: 'joblib' | 'pickle';
  readonly compression: Compression | undefined;
}

/** Bytes before the hexadecimal length in a file that joblib below 0.10 compressed. */
const oldMagic = Buffer.from('ZF');

/**
 * Reads what `joblib.dump` or `pickle.dump` wrote, whatever the file is called: plain or compressed (gzip, zlib,
 * bzip2, xz, lzma, lz4), arrays inside the stream or inside the pickle. Arrays may view `bytes`.
 * Reference: https://github.com/joblib/joblib/blob/main/joblib/numpy_pickle.py
 * `names` is filled with the globals that are met.
 * @throws pickle-global-refused, artefact-malformed, artefact-over-limit, artefact-unsupported
 */
export function readJoblib(
  bytes: Uint8Array,
  limits: Partial<PythonLimits> = {},
  names: Set<string> = new Set(),
): JoblibFile {
  const all = { ...defaultPythonLimits, ...limits };
  checkFileSize('joblib', bytes, all);
  if (oldMagic.equals(bytes.subarray(0, 2))) {
    throw unsupported('joblib', 'the compression of joblib before 0.10', resave);
  }
  const compression = detectCompression(bytes);
  const stream = compression === undefined ? bytes : inflate(compression, bytes, all);
  return readJoblibStream(stream, { size: bytes.length, compression, limits: all, names });
}

export interface StreamOptions {
  /** Bytes of the artefact as it came. */
  readonly size: number;
  readonly compression: Compression | undefined;
  readonly limits: PythonLimits;
  readonly names: Set<string>;
}

/** `readJoblib` of what was inflated already. */
export function readJoblibStream(stream: Uint8Array, options: StreamOptions): JoblibFile {
  const { size, compression, limits, names } = options;
  const reader = createArrayReader();
  try {
    const file = readPickles(stream, new Budget(size, limits, stream.length), names, reader.hook);
    const format = compression !== undefined || reader.arrays > 0 ? 'joblib' : 'pickle';
    return { ...file, format, compression };
  } catch (error) {
    if (refersToFiles(error)) throw unsafe('joblib', 'arrays in files of their own (joblib before 0.10)', resave);
    throw error;
  }
}

const resave = 'load it with the joblib that wrote it and save it again with joblib 0.10 or later';

function refersToFiles(error: unknown): boolean {
  if (!(error instanceof VitrinaError) || error.code !== 'pickle-global-refused') return false;
  const { global, others } = (error as VitrinaError<'pickle-global-refused'>).fields;
  return [global, ...others].some((name) => /joblib\.numpy_pickle(_compat)?\.Z?NDArrayWrapper$/.test(name));
}
