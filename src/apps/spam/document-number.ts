/** CPF and CNPJ: the numbers by which Brazil's revenue service (Receita Federal) knows people and firms. */

/**
 * The number without its punctuation, letters in upper case; nothing where it is none. Unless `verified`, anything that
 * is left of it counts, as the source has it on a developer's machine.
 */
export function readDocumentNumber(text: string, verified: boolean): string | undefined {
  const number = text.replace(/[\s./-]/g, '').toUpperCase();
  if (number === '') return undefined;
  return !verified || isCpf(number) || isCnpj(number) ? number : undefined;
}

/**
 * Eleven digits of which the last two check those before: each the sum of the digits before it, weighed 2, 3, … from the
 * right, modulo 11. Eleven equal digits pass that check, and belong to nobody.
 */
export function isCpf(number: string): boolean {
  if (!/^\d{11}$/.test(number) || /^(\d)\1*$/.test(number)) return false;
  return hasCheckDigits(number, 9, 11);
}

/**
 * Twelve digits or capital letters, and two digits that check them: weights 2 to 9 from the right, then from 2 again,
 * modulo 11. A character counts as its ASCII code less 48, so that numbers of digits alone are what they always were.
 * Source: Instrução Normativa RFB 2.229/2024, Anexo Único, 5 (letters from July 2026 on).
 */
export function isCnpj(number: string): boolean {
  if (!/^[0-9A-Z]{12}\d\d$/.test(number) || /^0*$/.test(number)) return false;
  return hasCheckDigits(number, 12, 9);
}

/** Whether the two characters from `length` on check those before them; weights go from 2 to `heaviest`, again and again. */
function hasCheckDigits(number: string, length: number, heaviest: number): boolean {
  return [length, length + 1].every((end) => checkDigit(number.slice(0, end), heaviest) === Number(number[end]));
}

export function checkDigit(text: string, heaviest: number): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) {
    const weight = 2 + ((text.length - 1 - i) % (heaviest - 1));
    sum += weight * (text.charCodeAt(i) - 48);
  }
  const rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}
