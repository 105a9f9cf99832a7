import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generateWard, states } from '../../../examples/shock/ward.js';
import { parseBody } from '../../../src/apps/shock/body.js';
import { buildWindows, modelSignals } from '../../../src/apps/shock/window.js';

const files = new URL('../../../examples/models/shock/', import.meta.url);

describe('the synthetic ward', () => {
  const ward = generateWard({ patients: 200, seed: 3 });

  it('is the same for the same seed, and another for another', () => {
    expect(generateWard({ patients: 200, seed: 3 })).toEqual(ward);
    expect(generateWard({ patients: 1, seed: 4 })[0]!.body).not.toEqual(ward[0]!.body);
  });

  it('has patients of every state, each of whom can be served', () => {
    expect(new Set(ward.map((patient) => patient.state))).toEqual(new Set(states));
    const request = parseBody(JSON.parse(JSON.stringify(ward.map((patient) => patient.body))));
    const { count } = buildWindows(request, { signals: modelSignals, rows: 20, scaler: 'request', impute: 'refuse' });
    expect(count).toBe(ward.length);
  });

  it('has the flaws of real records: gaps, repeated values, rows out of order', () => {
    const flaws = { gaps: 0, repeated: 0, unordered: 0 };
    for (const { body } of ward) {
      const times = Object.values(body.fecRegistro);
      const cells = times.map((time, row) => `${time} ${body.nomSigno[row]}`);
      if (new Set(cells).size < cells.length) flaws.repeated++;
      if (new Set(cells).size < new Set(times).size * modelSignals.length) flaws.gaps++;
      if (times.some((time, row) => row > 0 && time < times[row - 1]!)) flaws.unordered++;
    }
    for (const count of Object.values(flaws)) expect(count).toBeGreaterThan(20);
  });
});

describe('the demo model', () => {
  it('has the labels of the ward, in its order, and stays small', () => {
    expect(parse(readFileSync(new URL('model.yaml', files), 'utf8')).labels).toEqual(states);
    expect(statSync(new URL('1/LSTM.h5', files)).size).toBeLessThan(400_000);
  });
});
