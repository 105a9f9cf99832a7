/**
 * A reader for bodies that are columns keyed by row, `{"id": 7, "value": {"0": 36.6, "1": 82}}` (pandas' `to_dict()`):
 * it gives each column in one pass over the bytes, for a third of what `JSON.parse` and the search for duplicate keys
 * cost together. What is not exactly of that form it leaves to them. The pass itself is `assembly/columns.ts`.
 */
import { TextColumn } from '../services/predictions/text-column.js';
import { allocateBriefly } from '../tensor.js';
import { type JsonAssembly, openAssembly } from './json-assembly.js';

/** Larger bodies are left: what the compiled code has once taken of memory, three times the body, it keeps. */
const mostBytes = 2 ** 23;

/** Kinds of fields. */
const ofNumber = 0;
const ofText = 1;
const ofNumbers = 2;

/**
 * The object that `bytes` hold, every dictionary whose keys are `"0"`, `"1"`, … in order given as a `Float64Array`, or as
 * a `TextColumn`. `undefined` when they hold anything else: a key twice, keys in another order, nesting, texts among
 * numbers, escapes, letters beyond ASCII, or no JSON.
 */
export function parseColumns(bytes: Buffer): Record<string, unknown> | undefined {
  if (bytes.length > mostBytes) return undefined;
  const assembly = openAssembly();
  return assembly === null ? undefined : readColumns(assembly, bytes);
}

/** Names of the fields of the body before, as V8 keeps names: looking each up among all of its names costs more. */
const names: string[] = [];

function readColumns(assembly: JsonAssembly, bytes: Buffer): Record<string, unknown> | undefined {
  const { call, places } = assembly;
  if (!assembly.reserve(call.bytesFor(bytes.length))) return undefined;
  assembly.bytes.set(bytes, places.body);
  const count = call.readColumns(bytes.length);
  if (count < 0) return undefined;
  const texts = readTexts(assembly);
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const field = places.fields / 4 + i * 6;
    const text = texts[assembly.words[field]!]!;
    if (names[i] !== text) names[i] = text;
    const name = names[i]!;
    // `__proto__` would be no field of the object.
    if (Object.hasOwn(fields, name) || name === '__proto__') return undefined;
    fields[name] = readValue(assembly, field, texts);
  }
  return fields;
}

/** Made of all texts at once: pieces of a string cost a fraction of strings of their own. */
function readTexts({ call, places, bytes, words }: JsonAssembly): string[] {
  const all = bytes.toString('latin1', places.gathered, places.gathered + call.countGathered());
  const texts = new Array<string>(call.countTexts());
  const lengths = places.texts / 4 + 1;
  for (let i = 0, from = 0; i < texts.length; i++) {
    const to = from + words[lengths + i * 4]!;
    texts[i] = all.slice(from, to);
    from = to;
  }
  return texts;
}

function readValue({ words, integers, numbers }: JsonAssembly, field: number, texts: readonly string[]): unknown {
  const kind = words[field + 1];
  const place = words[field + 2]!;
  const rows = words[field + 3]!;
  if (kind === ofNumber) return numbers[field / 2 + 2]!;
  if (kind === ofText) return texts[place]!;
  // The next body is read into the same memory.
  if (kind === ofNumbers) {
    const column = allocateBriefly('float64', rows);
    column.set(numbers.subarray(place / 8, place / 8 + rows));
    return column;
  }
  const codes = allocateBriefly('int32', rows);
  codes.set(integers.subarray(place / 4, place / 4 + rows));
  return new TextColumn(texts, codes);
}
