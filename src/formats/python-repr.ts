/** Writes values as Python's `repr` does: what is printed is one line, reads as Python prints it, and cannot be forged. */

/** What Python writes as an escape: controls, formats, surrogates, private and unassigned, and separators but a space. */
const unprintable = /[\p{C}\p{Z}\\]/gu;
const printableAscii = /^[ !#-&(-[\]-~]*$/;

/**
 * `repr` of a `str`: quotes, backslashes and everything that does not print is escaped, so that one value is one line
 * and ends where its quote ends. A lone surrogate is written as `\udXXX`.
 */
export function reprText(text: string): string {
  if (printableAscii.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unprintable, (character) =>
    character === ' ' ? character : escapeCharacter(character),
  );
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}

function escapeCharacter(character: string): string {
  const named = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
  if (named !== undefined) return named;
  const code = character.codePointAt(0)!;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}

/** `repr` of a `float`: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
export function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
  }
  const text = Object.is(value, -0) ? '-0' : String(value);
  return text.includes('.') ? text : `${text}.0`;
}

const byteTexts = Array.from({ length: 256 }, (_, byte) => {
  const named = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' }[byte];
  if (named !== undefined) return named;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
});

/** `repr` of `bytes`. */
export function reprBytes(bytes: Uint8Array): string {
  const quote = quoteFor(bytes);
  const parts = Array.from(bytes, (byte) => (byte === 0x27 && quote === "'" ? "\\'" : byteTexts[byte]!));
  return `b${quote}${parts.join('')}${quote}`;
}

/** `repr` of a `bytearray`, which escapes single quotes within double ones as well. */
export function reprByteArray(bytes: Uint8Array): string {
  const quote = quoteFor(bytes);
  const parts = Array.from(bytes, (byte) => (byte === 0x27 ? "\\'" : byteTexts[byte]!));
  return `bytearray(b${quote}${parts.join('')}${quote})`;
}

const quoteFor = (bytes: Uint8Array) => (bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'");
