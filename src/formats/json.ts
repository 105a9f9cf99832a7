import { VitrinaError } from '../errors.js';
import { defaultLimits, type Limits } from './limits.js';

/** Parsed JSON. Objects have no prototype, so that no key (`__proto__`, `constructor`) means anything. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows no bare control character in a string
const plainTextPattern = /[^"\\\u0000-\u001f]*/y;
const spacePattern = /[ \t\n\r]*/y;
const words: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
];

class Parser {
  private position = 0;
  private met = 0;

  constructor(
    private readonly text: string,
    private readonly format: string,
    private readonly limits: Limits,
  ) {}

  document(): Json {
    this.space();
    const value = this.value(0);
    this.space();
    if (this.position < this.text.length) throw this.error('something follows the end of the JSON');
    return value;
  }

  private error(what: string): VitrinaError {
    return new VitrinaError('artefact-malformed', { format: this.format, what, offset: this.position });
  }

  private overLimit(what: string, value: number, setting: 'depth' | 'count'): VitrinaError {
    const limit = this.limits[setting];
    return new VitrinaError('artefact-over-limit', { format: this.format, what, value, limit, setting });
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.position += found.length;
    return found;
  }

  private space(): void {
    const code = this.text.charCodeAt(this.position);
    if (code <= 32) this.match(spacePattern);
  }

  private eat(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private expect(character: string): void {
    if (!this.eat(character)) throw this.error(`${JSON.stringify(character)} is expected`);
  }

  private value(depth: number): Json {
    if (++this.met > this.limits.count) throw this.overLimit('a number of values', this.met, 'count');
    const next = this.text[this.position];
    if (next === '"') return this.string();
    if (next === '{' || next === '[') {
      if (depth >= this.limits.depth) throw this.overLimit('a nesting', depth + 1, 'depth');
      return next === '{' ? this.object(depth + 1) : this.array(depth + 1);
    }
    for (const [word, value] of words) {
      if (this.text.startsWith(word, this.position)) {
        this.position += word.length;
        return value;
      }
    }
    const digits = this.match(numberPattern);
    if (digits === '') throw this.error('a value is expected');
    return Number(digits);
  }

  private object(depth: number): JsonObject {
    const result: Record<string, Json> = Object.create(null);
    this.expect('{');
    this.space();
    if (this.eat('}')) return result;
    do {
      this.space();
      const key = this.string();
      if (key in result) throw this.error(`the key ${JSON.stringify(key.slice(0, 80))} appears twice`);
      this.space();
      this.expect(':');
      this.space();
      result[key] = this.value(depth);
      this.space();
    } while (this.eat(','));
    this.expect('}');
    return result;
  }

  private array(depth: number): Json[] {
    const result: Json[] = [];
    this.expect('[');
    this.space();
    if (this.eat(']')) return result;
    do {
      this.space();
      result.push(this.value(depth));
      this.space();
    } while (this.eat(','));
    this.expect(']');
    return result;
  }

  private string(): string {
    this.expect('"');
    let result = this.match(plainTextPattern);
    while (!this.eat('"')) {
      if (!this.eat('\\')) throw this.error('a string does not end');
      const letter = this.text[this.position] ?? '';
      const plain = escapes[letter];
      this.position++;
      if (plain !== undefined) result += plain;
      else if (letter === 'u') result += this.unicode();
      else throw this.error('a backslash is followed by something unknown');
      result += this.match(plainTextPattern);
    }
    return result;
  }

  private unicode(): string {
    const digits = this.text.slice(this.position, this.position + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.error('\\u is not followed by four digits');
    this.position += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}

/**
 * Parses JSON as Python's `json` writes it (NaN, Infinity and -Infinity are values) into objects without prototypes.
 * Bytes must be UTF-8. A key that appears twice is an error, and nesting and the number of values are capped.
 * `format` is what errors call the text.
 *
 * @throws VitrinaError `artefact-malformed` with the offset (in characters), `artefact-over-limit`
 */
export function parseJson(source: string | Uint8Array, format = 'JSON', limits: Limits = defaultLimits): Json {
  return new Parser(typeof source === 'string' ? source : decode(source, format), format, limits).document();
}

function decode(bytes: Uint8Array, format: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new VitrinaError('artefact-malformed', { format, what: 'it is not UTF-8 text' }, { cause });
  }
}
