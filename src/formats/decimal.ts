/** Decimal notation, with spaces around it as people type them: what Python's `float()` takes, but for its words. */
const decimal = /^[ \t]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t]*$/;

/**
 * The number that `text` writes in decimal notation; nothing when it is anything else. Words (`nan`, `inf`), other
 * bases, separators of thousands and a comma as the decimal point are none of it, nor is what no double can hold.
 */
export function parseDecimal(text: string): number | undefined {
  if (!decimal.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
