/** One pass over the bytes of a JSON text, for what `JSON.parse` does not tell: depth and duplicate keys. */

const quote = 0x22;
const backslash = 0x5c;

export interface Scan {
  /** Deepest nesting met; scanning stops beyond `depthLimit`. */
  readonly depth: number;
  /** True when a key may occur twice in one object: `findDuplicateKey` then tells for certain. */
  readonly suspicious: boolean;
}

/** Levels that a scan keeps account of; a text nested deeper is not scanned to its end. */
export const depthLimit = 100;

// A scan runs to its end without giving way to another, so all share one set of stacks.
const isObject = new Uint8Array(depthLimit + 1);
const start = new Uint32Array(depthLimit + 1);
const lastInteger = new Float64Array(depthLimit + 1);
let hashes = new Uint32Array(256);

/**
 * Scans `bytes`, which need not be valid JSON. Keys are compared by hash, within their object; the integer keys of
 * column dictionaries (`"0"`, `"1"`, …) are known to differ while they ascend, and cost no hash. No duplicate is ever
 * missed; a false alarm costs a second, exact pass.
 */
export function scanJson(bytes: Uint8Array): Scan {
  const length = bytes.length;
  let depth = 0;
  let deepest = 0;
  let top = 0;
  let suspicious = false;
  let inObject = false;
  // The last integer key of the object at hand; those of the objects around it wait in `lastInteger`.
  let last = -1;
  for (let i = 0; i < length; i++) {
    const byte = bytes[i]!;
    if (byte === quote) {
      const from = i + 1;
      let end = from;
      let integer = 0;
      let inner = 0;
      for (; end < length; end++) {
        inner = bytes[end]!;
        if (inner < 0x30 || inner > 0x39) break;
        integer = integer * 10 + inner - 0x30;
      }
      const isInteger = inner === quote && end > from;
      let escaped = false;
      for (; end < length; end++) {
        inner = bytes[end]!;
        if (inner === quote) break;
        if (inner === backslash) {
          escaped = true;
          end++;
        }
      }
      i = end;
      if (!inObject) continue;
      let after = end + 1;
      while (after < length && bytes[after]! <= 0x20) after++;
      if (bytes[after] !== 0x3a) continue;
      i = after;
      if (escaped) suspicious = true;
      // Only canonical ones: "01" is another key than "1", and long ones lose digits.
      if (isInteger && end - from <= 9 && (bytes[from] !== 0x30 || end === from + 1)) {
        if (integer <= last) suspicious = true;
        last = integer;
      } else {
        if (top === hashes.length) hashes = grown(hashes);
        hashes[top++] = hashKey(bytes, from, end);
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      lastInteger[depth] = last;
      if (++depth > deepest) deepest = depth;
      if (depth > depthLimit) break;
      inObject = byte === 0x7b;
      isObject[depth] = inObject ? 1 : 0;
      start[depth] = top;
      last = -1;
    } else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) break;
      if (inObject && repeats(start[depth]!, top)) suspicious = true;
      top = start[depth]!;
      depth--;
      inObject = isObject[depth] === 1;
      last = lastInteger[depth]!;
    }
  }
  return { depth: deepest, suspicious };
}

/** FNV-1a. */
function hashKey(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function repeats(from: number, to: number): boolean {
  if (to - from > 16) {
    const sorted = hashes.slice(from, to).sort();
    for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return true;
    return false;
  }
  for (let i = from + 1; i < to; i++) for (let j = from; j < i; j++) if (hashes[i] === hashes[j]) return true;
  return false;
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** The first key that an object of the valid JSON `text` has twice, and the path of that object. */
export function findDuplicateKey(text: string): { key: string; path: string } | undefined {
  const frames: Frame[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    const frame = frames.at(-1);
    if (char === '{') frames.push({ keys: new Set(), name: '', index: 0 });
    else if (char === '[') frames.push({ keys: undefined, name: '', index: 0 });
    else if (char === '}' || char === ']') frames.pop();
    else if (char === ',') frame!.index++;
    else if (char === '"') {
      const end = closingQuote(text, i);
      if (frame?.keys !== undefined && followedByColon(text, end + 1)) {
        const key = JSON.parse(text.slice(i, end + 1)) as string;
        if (frame.keys.has(key)) return { key, path: pathOf(frames.slice(0, -1)) };
        frame.keys.add(key);
        frame.name = key;
      }
      i = end;
    }
  }
  return undefined;
}

interface Frame {
  /** Keys met so far; none in a list. */
  readonly keys: Set<string> | undefined;
  /** The key, or the index, of the value being read. */
  name: string;
  index: number;
}

function followedByColon(text: string, from: number): boolean {
  let i = from;
  while (text.charCodeAt(i) <= 0x20) i++;
  return text[i] === ':';
}

function closingQuote(text: string, open: number): number {
  for (let i = open + 1; ; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
}

function pathOf(frames: readonly Frame[]): string {
  let path = '';
  for (const frame of frames) {
    path += frame.keys === undefined ? `[${frame.index}]` : path === '' ? frame.name : `.${frame.name}`;
  }
  return path;
}
