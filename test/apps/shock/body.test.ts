import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits, parseBody } from '../../../src/apps/shock/body.js';
import { BodyRefused, type Problem } from '../../../src/apps/shock/refusal.js';
import { buildWindows } from '../../../src/apps/shock/window.js';
import { parseColumns } from '../../../src/plugins/json-columns.js';
import { bodyOf, plan, readingsOf } from './bodies.js';

function problemsOf(body: unknown, limits = defaultLimits): readonly Problem[] {
  try {
    const request = parseBody(body, limits);
    return request.patients.flatMap((patient) => patient.problems);
  } catch (error) {
    if (error instanceof BodyRefused) return error.problems;
    throw error;
  }
}

const body = bodyOf(readingsOf(1408026, 4));

/** What becomes of a body: its windows, or what is wrong with it. */
function fateOf(given: unknown): unknown {
  const problems = problemsOf(given);
  return problems.length > 0 ? problems : buildWindows(parseBody(given), plan);
}

/** Bodies in which something may be wrong: keys that are missing, values of other types, other signals, times again. */
const spoilt = fc
  .record({
    patients: fc.integer({ min: 1, max: 2 }),
    column: fc.boolean(),
    spoils: fc.array(
      fc.record({
        column: fc.constantFrom('idSigno', 'nomSigno', 'valor', 'fecRegistro', 'idAtencion'),
        row: fc.nat(80),
        value: fc.constantFrom(
          undefined,
          null,
          7,
          1.5,
          -1,
          'MDC_TEMP',
          'OTHER',
          '',
          '2024-05-05 12:00:00',
          '05/05/2024 12:00:00',
          1714910400,
          true,
        ),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ patients, column, spoils }) => {
    const readings = Array.from({ length: patients }, (_, i) => readingsOf(i + 1, 4)).flat();
    const made = structuredClone(bodyOf(readings, column || patients > 1 ? 'column' : undefined)) as Record<
      string,
      unknown
    >;
    for (const { column: name, row, value } of spoils) {
      if (made[name] instanceof Object) (made[name] as Record<string, unknown>)[row] = value;
      else made[name] = value;
    }
    return JSON.stringify(made);
  });

describe('forms of a body', () => {
  it('mean the same to the reader of columns and to JSON.parse', () => {
    let readAsColumns = 0;
    fc.assert(
      fc.property(spoilt, (text) => {
        const columns = parseColumns(Buffer.from(text));
        if (columns === undefined) return;
        readAsColumns++;
        expect(fateOf(columns)).toEqual(fateOf(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
    expect(readAsColumns).toBeGreaterThan(100);
  });

  it('one body with a scalar idAtencion is one patient and no list', () => {
    const request = parseBody(body);
    expect(request.mass).toBe(false);
    expect(request.patients.map((patient) => patient.idAtencion)).toEqual([1408026]);
    expect(request.patients[0]!.records[0]!.keys).toBeNull();
  });

  it('a list of bodies and a column of patients are lists, in the order of first appearance', () => {
    const list = parseBody([bodyOf(readingsOf(9, 4)), bodyOf(readingsOf(2, 4)), bodyOf(readingsOf(9, 4))]);
    const column = parseBody(bodyOf([...readingsOf(9, 4), ...readingsOf(2, 4), ...readingsOf(9, 4)], 'column'));
    for (const request of [list, column]) {
      expect(request.mass).toBe(true);
      expect(request.patients.map((patient) => patient.idAtencion)).toEqual([9, 2]);
    }
    expect(parseBody(bodyOf(readingsOf(5, 4), 'column')).mass).toBe(true);
    expect(parseBody([body]).mass).toBe(true);
  });

  it('lists, and dictionaries with any keys in any order, give the same windows', () => {
    const lists = Object.fromEntries(
      Object.entries(body).map(([name, column]) => [
        name,
        name === 'idAtencion' ? column : Object.values(column as object),
      ]),
    );
    const renamed = (rename: (key: string) => string, reverse: boolean) =>
      Object.fromEntries(
        Object.entries(body).map(([name, column]) => {
          if (name === 'idAtencion') return [name, column];
          const entries = Object.entries(column as object).map(([key, value]) => [rename(key), value]);
          return [name, Object.fromEntries(reverse && name === 'valor' ? entries.reverse() : entries)];
        }),
      );
    const expected = buildWindows(parseBody(body), plan).data;
    expect(buildWindows(parseBody(lists), plan).data).toEqual(expected);
    expect(buildWindows(parseBody({ ...lists, valor: body.valor }), plan).data).toEqual(expected);
    expect(buildWindows(parseBody(renamed((key) => `row ${key}`, true)), plan).data).toEqual(expected);
    expect(buildWindows(parseBody(renamed((key) => String(Number(key) * 7 + 3), true)), plan).data).toEqual(expected);
  });

  it('a string of digits is an idAtencion, as pydantic reads it', () => {
    expect(parseBody({ ...body, idAtencion: '1408026' }).patients[0]!.idAtencion).toBe(1408026);
    expect(parseBody({ ...body, idAtencion: -3 }).patients[0]!.idAtencion).toBe(-3);
  });
});

describe('refusals of the structure', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['null', null, 'dict_type', /found null/],
    ['a string', 'x', 'dict_type', /found "x"/],
    ['a number', 5, 'dict_type', /found 5/],
    ['a list in a list', [[body]], 'dict_type', /found a list/],
    ['an empty list', [], 'too_short', /0 bodies or 0 records/],
    ['a column of no patients', bodyOf([], 'column'), 'too_short', /0 records/],
    ['a boolean patient', { ...body, idAtencion: true }, 'int_type', /found true/],
    ['a fractional patient', { ...body, idAtencion: 1.5 }, 'int_type', /found 1.5/],
    ['a patient beyond 2^53', { ...body, idAtencion: '9007199254740993' }, 'int_type', /"9007199254740993"/],
    ['no patient', { ...body, idAtencion: null }, 'int_type', /found null/],
    ['an unknown field', { ...body, unidad: {} }, 'extra_forbidden', /"unidad"/],
    ['a column that is a number', { ...body, valor: 5 }, 'dict_type', /Patient 1408026: valor .* found 5/],
    ['a column that is null', { ...body, idSigno: null }, 'dict_type', /idSigno .* found null/],
    ['a missing key', { ...body, valor: { 0: 1 } }, 'key_mismatch', /valor lacks "1".* and 30 more/],
    [
      'another key',
      { ...body, nomSigno: { ...(body.nomSigno as object), x: 'MDC_TEMP' } },
      'key_mismatch',
      /idSigno lacks "x", which nomSigno has/,
    ],
    [
      'the key of a prototype',
      { ...body, idSigno: { constructor: 1 }, nomSigno: [], valor: [], fecRegistro: [] },
      'key_mismatch',
      /nomSigno lacks "constructor"/,
    ],
    [
      'a length',
      { ...body, idSigno: { length: 1 }, nomSigno: [], valor: [], fecRegistro: [] },
      'key_mismatch',
      /nomSigno lacks "length"/,
    ],
  ])('%s', (_, hostile, type, text) => {
    const problems = problemsOf(hostile);
    expect(problems.map((problem) => problem.type)).toEqual([type]);
    expect(problems[0]!.msg).toMatch(text);
    expect(problems[0]!.loc[0]).toBe('body');
  });

  it('names every missing field', () => {
    expect(problemsOf({}).map((problem) => problem.loc)).toEqual(
      ['idAtencion', 'idSigno', 'nomSigno', 'valor', 'fecRegistro'].map((field) => ['body', field]),
    );
    expect(problemsOf({ idAtencion: 1, idSigno: {}, valor: {} }).map((problem) => problem.loc)).toEqual([
      ['body', 'nomSigno'],
      ['body', 'fecRegistro'],
    ]);
  });

  it('keeps to its caps before it looks at a record', () => {
    const limits = { maxRecords: 36, maxPatients: 2 };
    expect(problemsOf(body, limits)).toEqual([]);
    expect(problemsOf(bodyOf(readingsOf(1, 5)), limits)[0]!.msg).toMatch(/45 records or more, over the limit of 36/);
    expect(problemsOf([body, body], limits)[0]!.msg).toMatch(/72 records or more/);
    expect(problemsOf([{}, {}, {}], limits)[0]!.msg).toMatch(/3 patients or more, over the limit of 2/);
    const many = [1, 2, 3].flatMap((patient) => readingsOf(patient, 1));
    expect(problemsOf(bodyOf(many, 'column'), limits)[0]!.type).toBe('too_long');
  });

  it('in a list, a fault of one known patient stays with that patient', () => {
    const request = parseBody([{ ...body, idAtencion: 1, valor: 7 }, { idAtencion: 2 }, { ...body, idAtencion: 3 }]);
    expect(request.patients.map((patient) => patient.problems.length)).toEqual([1, 4, 0]);
    expect(problemsOf([{ ...body, idAtencion: 'x' }, body])[0]!.loc).toEqual(['body', 0, 'idAtencion']);
  });
});

describe('hostile bodies', () => {
  it('any JSON is read or refused with problems of the agreed shape', () => {
    const column = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.oneof(fc.nat(5).map(String), fc.string()), fc.jsonValue()),
    );
    const bodies = fc.record(
      { idAtencion: column, idSigno: column, nomSigno: column, valor: column, fecRegistro: column },
      { requiredKeys: [] },
    );
    const limits = { maxRecords: 50, maxPatients: 5 };
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), bodies, fc.array(bodies, { maxLength: 4 })), (hostile) => {
        const parsed = JSON.parse(JSON.stringify(hostile)) as unknown;
        try {
          for (const outcome of buildWindows(parseBody(parsed, limits), plan).outcomes) {
            if ('problems' in outcome) expect(outcome.problems[0]!.msg).toContain(String(outcome.idAtencion));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(BodyRefused);
          for (const problem of (error as BodyRefused).problems) {
            expect(Object.keys(problem)).toEqual(['loc', 'msg', 'type']);
            expect(problem.msg.length).toBeLessThan(1000);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
