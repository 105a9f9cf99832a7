import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTime } from '../../../src/apps/shock/dates.js';

const noon = Date.UTC(2024, 5, 13, 12, 30, 5);

describe('parseTime reads', () => {
  it.each([
    ['2024-06-13 12:30:05', noon],
    ['2024-06-13T12:30:05', noon],
    ['2024-06-13T12:30:05Z', noon],
    ['2024-06-13t12:30:05z', noon],
    ['2024-06-13T12:30:05.25', noon + 250],
    ['2024-06-13 12:30:05,960', noon + 960],
    ['2024-06-13T12:30:05.000001', noon + 0.001],
    ['2024-06-13T07:30:05-05:00', noon],
    ['2024-06-13T07:30:05-0500', noon],
    ['2024-06-13 14:30:05+02', noon],
    ['2024-06-13T18:15:05+05:45', noon],
    ['2024-06-13 12:30', noon - 5000],
    ['2024-06-13', Date.UTC(2024, 5, 13)],
    ['13/06/2024 12:30:05', noon],
    ['13/06/2024 12:30', noon - 5000],
    ['13/06/2024', Date.UTC(2024, 5, 13)],
    ['29/02/2024 00:00:00', Date.UTC(2024, 1, 29)],
    [noon / 1000, noon],
    [noon, noon],
    [String(noon / 1000), noon],
    [String(noon), noon],
    [`${noon / 1000}.5`, noon + 500],
    ['1000000000000000000'.slice(0, 10), 1e12],
    [0, 0],
    [-300, -300_000],
    ['0001-01-01 00:00:00', -62_135_596_800_000],
    ['9999-12-31 23:59:59', 253_402_300_799_000],
  ])('%j', (written, expected) => expect(parseTime(written)).toBe(expected));
});

describe('parseTime does not guess', () => {
  it.each([
    '31/02/2024 10:00:00',
    '2024-02-30 10:00:00',
    '2023-02-29 10:00:00',
    '1900-02-29 10:00:00',
    '2024-06-31 10:00:00',
    '2024-13-01 10:00:00',
    '06/13/2024 10:00:00',
    '2024-00-10 10:00:00',
    '2024-06-00 10:00:00',
    '0000-01-01 00:00:00',
    '2024-06-13 24:00:00',
    '2024-06-13 10:60:00',
    '2024-06-13 10:00:60',
    '2024-06-13 1a:00:00',
    '2024-06-13T10:00:00+24:00',
    '2024-06-13T10:00:00+05:60',
    '2024-06-13T10:00:00.1234567890',
    '13/06/24 10:00:00',
    '13-06-2024 10:00:00',
    '2024/06/13 10:00:00',
    ' 2024-06-13 10:00:00',
    'yesterday',
    '',
    'NaN',
    'Infinity',
    '1e9',
    '0x10',
    '1718281805000000',
    1_718_281_805_000_000,
    1.7e18,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    true,
    undefined,
    {},
    ['2024-06-13'],
    '2'.repeat(1_000_000),
  ])('%j', (written) => expect(parseTime(written)).toBeNaN());
});

describe('laws', () => {
  const instants = fc
    .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
    .map((date) => Math.floor(date.getTime() / 1000) * 1000);

  it('every day of the calendar is read as Date reads it', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        const [day, time] = new Date(instant).toISOString().slice(0, 19).split('T') as [string, string];
        const [year, month, date] = day.split('-');
        expect(parseTime(`${day} ${time}`)).toBe(instant);
        expect(parseTime(`${day}T${time}+00:00`)).toBe(instant);
        expect(parseTime(`${date}/${month}/${year} ${time}`)).toBe(instant);
      }),
      { numRuns: 500 },
    );
  });

  it('any string gives a number or NaN, never a throw', () => {
    const characters = fc.constantFrom(...'0123456789-/: TZ+.,eE');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: characters, maxLength: 40 })), (text) => {
        expect(typeof parseTime(text)).toBe('number');
      }),
      { numRuns: 2000 },
    );
  });
});
