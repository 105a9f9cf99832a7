import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDigit, isCnpj, isCpf, readDocumentNumber } from '../../../src/apps/spam/document-number.js';

/** Appends check digits by their definition, written out with the weights that the revenue service prints. */
function complete(body: string, first: readonly number[]): string {
  const digit = (text: string, weights: readonly number[]) => {
    const sum = weights.reduce((total, weight, i) => total + weight * (text.charCodeAt(i) - 48), 0);
    return sum % 11 < 2 ? 0 : 11 - (sum % 11);
  };
  const one = `${body}${digit(body, first)}`;
  const second = [first.length === 9 ? 11 : 6, ...first];
  return `${one}${digit(one, second)}`;
}
const cpfWeights = [10, 9, 8, 7, 6, 5, 4, 3, 2];
const cnpjWeights = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];

const digits = (length: number) => fc.stringMatching(new RegExp(`^\\d{${length}}$`));
const roots = fc.stringMatching(/^[0-9A-Z]{12}$/).filter((root) => !/^0*$/.test(root));
const bodies = digits(9).filter((body) => !/^(\d)\1*$/.test(body));

describe('a CPF', () => {
  it.each(['52998224725', '11144477735', '12345678909', '00000000191'])('%s is one', (number) => {
    expect(isCpf(number)).toBe(true);
  });

  it.each([
    ['another check digit', '52998224724'],
    ['another first check digit', '52998224735'],
    ['two digits in each other’s place', '25998224725'],
    ['ten digits', '5299822472'],
    ['twelve digits', '052998224725'],
    ['a letter', '5299822472A'],
    ['digits of another script', '５２９９８２２４７２５'],
    ['nothing', ''],
  ])('with %s is none', (_what, number) => {
    expect(isCpf(number)).toBe(false);
  });

  it('never has eleven equal digits, though their check digits are right', () => {
    for (let digit = 0; digit <= 9; digit++) {
      const number = String(digit).repeat(11);
      expect(checkDigit(number.slice(0, 9), 11)).toBe(digit);
      expect(isCpf(number)).toBe(false);
    }
  });

  it('is whatever its definition makes', () => {
    fc.assert(fc.property(bodies, (body) => isCpf(complete(body, cpfWeights))));
  });

  // Remainders 0 and 1 are both written as 0: two numbers may then differ in one digit.
  it('is none any more after a change of one digit, unless a check digit is 0', () => {
    const valid = bodies.map((body) => complete(body, cpfWeights)).filter((number) => number[9] !== '0');
    fc.assert(
      fc.property(valid, fc.nat(10), fc.integer({ min: 1, max: 9 }), (number, at, by) => {
        const digit = (Number(number[at]) + by) % 10;
        return !isCpf(`${number.slice(0, at)}${digit}${number.slice(at + 1)}`);
      }),
    );
  });

  it('is none after a change of either check digit', () => {
    fc.assert(
      fc.property(bodies, fc.integer({ min: 9, max: 10 }), fc.integer({ min: 1, max: 9 }), (body, at, by) => {
        const number = complete(body, cpfWeights);
        return !isCpf(`${number.slice(0, at)}${(Number(number[at]) + by) % 10}${number.slice(at + 1)}`);
      }),
    );
  });
});

describe('a CNPJ', () => {
  it.each(['11222333000181', '00000000000191', '11444777000161', '12ABC34501DE35'])('%s is one', (number) => {
    expect(isCnpj(number)).toBe(true);
  });

  it.each([
    ['another check digit', '11222333000182'],
    ['another letter', '12ABD34501DE35'],
    ['a letter as check digit', '12ABC34501DE3A'],
    ['a letter in lower case', '12abc34501de35'],
    ['zeros alone', '00000000000000'],
    ['one digit alone', '11111111111111'],
    ['thirteen characters', '1122233300018'],
    ['a letter with an accent', '12ÁBC34501DE35'],
  ])('with %s is none', (_what, number) => {
    expect(isCnpj(number)).toBe(false);
  });

  it('is whatever its definition makes, of digits and of letters', () => {
    fc.assert(fc.property(roots, (root) => isCnpj(complete(root, cnpjWeights))));
  });

  it('is none after a change of one digit into another, unless a check digit is 0', () => {
    const valid = digits(12)
      .filter((root) => !/^0*$/.test(root))
      .map((root) => complete(root, cnpjWeights))
      .filter((number) => number[12] !== '0');
    fc.assert(
      fc.property(valid, fc.nat(13), fc.integer({ min: 1, max: 9 }), (number, at, by) => {
        const digit = (Number(number[at]) + by) % 10;
        return !isCnpj(`${number.slice(0, at)}${digit}${number.slice(at + 1)}`);
      }),
    );
  });
});

describe('a document number', () => {
  it('is read without its punctuation', () => {
    expect(readDocumentNumber('529.982.247-25', true)).toBe('52998224725');
    expect(readDocumentNumber(' 11.222.333/0001-81 ', true)).toBe('11222333000181');
    expect(readDocumentNumber('12.abc.345/01de-35', true)).toBe('12ABC34501DE35');
  });

  it('is refused where its check digits are looked at and wrong', () => {
    for (const number of ['529.982.247-26', '111.111.111-11', '11.222.333/0001-80', 'passport', '529_982_247_25', '']) {
      expect(readDocumentNumber(number, true)).toBeUndefined();
    }
  });

  it('is whatever it is where they are not', () => {
    expect(readDocumentNumber('123.456.789-00', false)).toBe('12345678900');
    expect(readDocumentNumber(' .-/ ', false)).toBeUndefined();
  });
});
