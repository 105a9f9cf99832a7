/**
 * A place in [0, 1) that is always the same for the same text: whoever lies below a canary's weight is answered by it,
 * so that a growing weight lets callers in and sends none back.
 *
 * FNV-1a over the code units, then the finalizer of MurmurHash3, since FNV alone spreads short texts unevenly.
 * Specifications: https://datatracker.ietf.org/doc/html/rfc9923, https://github.com/aappleby/smhasher (fmix32)
 */
export function placeOf(salt: string, text: string): number {
  let hash = mix(mix(0x811c9dc5, salt), `\n${text}`);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function mix(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
