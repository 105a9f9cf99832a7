import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readQueryString, readQuestion } from '../../../src/apps/sessions/question.js';
import type { Refused } from '../../../src/apps/sessions/refusal.js';
import { VitrinaError } from '../../../src/index.js';
import { readInstant } from '../../../src/services/events/index.js';

/** The value of `detail` that a body is answered with. */
function detailOf(read: () => unknown): unknown {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(VitrinaError);
    expect((error as VitrinaError).status).toBe(422);
    return ((error as VitrinaError).cause as Refused).faults;
  }
  throw new Error('It was not refused');
}
const bodyDetail = (body: unknown) => detailOf(() => readQuestion(body, 3));

const good = { utils: ['romain'], date_min: '2022-09-22 11:00Z', date_max: '2022-09-28T12:00+02:00' };

describe('the question', () => {
  it('is read as the source reads its own example', () => {
    expect(readQuestion(good, 3)).toEqual({
      utils: ['romain'],
      from: Date.UTC(2022, 8, 22, 11),
      to: Date.UTC(2022, 8, 28, 10),
    });
  });

  it('is refused as the source refuses its own example', () => {
    const { utils, ...rest } = good;
    expect(bodyDetail({ ...rest, util: utils, date_max: '2022-09-28 / 12:00+02:00' })).toEqual([
      { loc: ['body', 'utils'], msg: 'field required', type: 'value_error.missing' },
      { loc: ['body', 'date_max'], msg: 'invalid datetime format', type: 'value_error.datetime' },
    ]);
  });

  it.each<[unknown, readonly [loc: (string | number)[], msg: string, type: string][]]>([
    [null, [[['body'], 'field required', 'value_error.missing']]],
    [[], [[['body'], 'value is not a valid dict', 'type_error.dict']]],
    ['romain', [[['body'], 'value is not a valid dict', 'type_error.dict']]],
    [{}, ['utils', 'date_min', 'date_max'].map((name) => [['body', name], 'field required', 'value_error.missing'])],
    [{ ...good, utils: 'romain' }, [[['body', 'utils'], 'value is not a valid list', 'type_error.list']]],
    [{ ...good, utils: null }, [[['body', 'utils'], 'none is not an allowed value', 'type_error.none.not_allowed']]],
    [
      { ...good, utils: ['a', {}, null] },
      [
        [['body', 'utils', 1], 'str type expected', 'type_error.str'],
        [['body', 'utils', 2], 'none is not an allowed value', 'type_error.none.not_allowed'],
      ],
    ],
    [
      { ...good, utils: ['a', 'b', 'c', 'd'] },
      [[['body', 'utils'], 'ensure this value has at most 3 items', 'value_error.list.max_items']],
    ],
    [
      { ...good, date_min: [], date_max: null },
      [
        [['body', 'date_min'], 'invalid type; expected datetime, string, bytes, int or float', 'type_error'],
        [['body', 'date_max'], 'none is not an allowed value', 'type_error.none.not_allowed'],
      ],
    ],
    [
      { ...good, date_min: good.date_max, date_max: good.date_min },
      [[['body', 'date_max'], 'date_max is before date_min', 'value_error']],
    ],
  ])('%j is refused, with every fault', (body, expected) => {
    expect(bodyDetail(body)).toMatchObject(expected.map(([loc, msg, type]) => ({ loc, msg, type })));
    expect(bodyDetail(body)).toHaveLength(expected.length);
  });

  it('comes by parameters as well', () => {
    const query = { utils: 'romain', date_min: '1663844400', date_max: '1663844400000.5' };
    const time = 1_663_844_400_000;
    expect(readQueryString(query, 3)).toEqual({ utils: ['romain'], from: time, to: time });
    expect(readQueryString({ ...query, utils: ['b', 'a', 'b'] }, 3).utils).toEqual(['b', 'a']);
    expect(detailOf(() => readQueryString({ date_min: '1', date_max: 'x' }, 3))).toEqual([
      { loc: ['query', 'utils'], msg: 'field required', type: 'value_error.missing' },
      { loc: ['query', 'date_max'], msg: 'invalid datetime format', type: 'value_error.datetime' },
    ]);
  });
});

describe('an instant', () => {
  const noon = Date.UTC(2022, 8, 22, 12);
  it.each<[unknown, number]>([
    ['2022-09-22T12:00:00Z', noon],
    ['2022-09-22 12:00', noon],
    ['2022-9-22 12:0', noon],
    ['2022-09-22T14:00:00.0000+02:00', noon],
    ['2022-09-22T14:00+02', noon],
    ['2022-09-22T09:30:00-0230', noon],
    ['2022-09-22', Date.UTC(2022, 8, 22)],
    ['2022-09-22T12:00:00.001499Z', noon + 1.499],
    [noon / 1000, noon],
    [noon, noon],
    [String(noon), noon],
    [` ${noon / 1000}.25 `, noon + 250],
    [noon * 1000, noon],
    [0, 0],
    [-1.5, -1500],
    ['0001-01-01', Date.UTC(-1, 0, 1) + (Date.UTC(2002, 0, 1) - Date.UTC(2000, 0, 1))],
    ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ])('is read from %j', (value, time) => {
    expect(readInstant(value)).toBe(time);
  });

  it.each<unknown>([
    '2022-02-29',
    '2022-13-01',
    '2022-09-22T24:00',
    '2022-09-22T12:60',
    '2022-09-22T12:00+24:00',
    '2022-09-22T12:00 Europe/Paris',
    '22/09/2022',
    '0000-01-01',
    '9999-12-31T23:59:59.999-01:00',
    'noon',
    '',
    '1e9',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    null,
    {},
    '9'.repeat(1_000_000),
  ])('is not read from %j', (value) => {
    expect(readInstant(value)).toBeNaN();
  });

  it('is the same however it is written', () => {
    // Larger numbers are microseconds.
    const times = fc.integer({ min: Date.UTC(1972, 0, 1), max: 2e13 });
    fc.assert(
      fc.property(times, fc.integer({ min: -1439, max: 1439 }), (time, offset) => {
        const pad = (n: number) => String(Math.trunc(Math.abs(n))).padStart(2, '0');
        const zone = `${offset < 0 ? '-' : '+'}${pad(offset / 60)}:${pad(offset % 60)}`;
        const text = new Date(time + offset * 60_000).toISOString().replace('Z', zone);
        expect([readInstant(text), readInstant(time), readInstant(String(time))]).toEqual([time, time, time]);
      }),
    );
  });
});
