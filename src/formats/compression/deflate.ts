import { gunzipSync, inflateSync } from 'node:zlib';
import { malformed, overLimit } from '../pickle/limits.js';

/**
 * Inflates gzip members or one zlib stream; zlib verifies their checksums.
 * @throws artefact-malformed, artefact-over-limit beyond `cap` bytes
 */
export function inflateDeflate(format: 'gzip' | 'zlib', bytes: Uint8Array, cap: number): Uint8Array {
  const inflate = format === 'gzip' ? gunzipSync : inflateSync;
  try {
    const result = inflate(bytes, { maxOutputLength: cap, chunkSize: 1 << 18 });
    // Small results come from a pool that others share.
    return new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
  } catch (error) {
    if (error instanceof RangeError || (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw overLimit(format, 'inflated bytes', cap + 1, cap, 'inflationRatio');
    }
    throw malformed(format, (error as Error).message);
  }
}
