import { describe, expect, it } from 'vitest';
import { parseExpiry } from '../../../src/services/accounts/expiry.js';

const now = Date.parse('2026-01-31T12:00:00Z');

describe('parseExpiry', () => {
  it.each([
    ['30m', '2026-01-31T12:30:00Z'],
    ['12h', '2026-02-01T00:00:00Z'],
    ['90d', '2026-05-01T12:00:00Z'],
    ['2w', '2026-02-14T12:00:00Z'],
    ['1y', '2027-01-31T12:00:00Z'],
    ['2026-02-01', '2026-02-01T00:00:00Z'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
    ['2026-02-01T10:00+02:00', '2026-02-01T08:00:00Z'],
    ['2026-02-01T10:00:00.5Z', '2026-02-01T10:00:00.5Z'],
  ])('%s is %s', (text, time) => {
    expect(parseExpiry(text, now)).toBe(Date.parse(time));
  });

  it.each([
    '',
    '0d',
    '-1d',
    '1.5d',
    '1',
    'd',
    '1 d',
    '999999d',
    'tomorrow',
    '2026-01-31',
    '2026-02-31',
    '2027-02-29',
    '2026-02-31T00:00:00Z',
    '2026-02-01T25:00:00Z',
    '2026-02-01T10:00:00',
    '2026-02-01 10:00:00Z',
    '31/12/2030',
    '2026-13-01',
  ])('"%s" is refused', (text) => {
    expect(() => parseExpiry(text, now)).toThrow(expect.objectContaining({ code: 'expiry-invalid' }));
  });
});
