import { modelSignals, type WindowPlan } from '../../../src/apps/shock/window.js';

export interface Reading {
  patient: number;
  signal: string;
  value: unknown;
  time: unknown;
}

export const plan: WindowPlan = {
  signals: modelSignals,
  rows: 4,
  scaler: {
    offset: new Float64Array(9),
    scale: new Float64Array(9).fill(1),
    mean: Float64Array.from({ length: 9 }, (_, i) => i),
  },
  impute: 'refuse',
};

/** Complete readings of one patient: `rows` times, five minutes apart, value = 100 · row + column. */
export function readingsOf(patient: number, rows: number): Reading[] {
  return Array.from({ length: rows * modelSignals.length }, (_, i) => {
    const row = Math.floor(i / modelSignals.length);
    const column = i % modelSignals.length;
    return { patient, signal: modelSignals[column]!, value: 100 * row + column, time: 1_700_000_000 + 300 * row };
  });
}

/** One body: columns keyed by row; `idAtencion` a number, or a column. */
export function bodyOf(readings: readonly Reading[], form: 'scalar' | 'column' = 'scalar') {
  const column = <T>(pick: (reading: Reading, index: number) => T): Record<string, T> =>
    Object.fromEntries(readings.map((reading, index) => [String(index), pick(reading, index)]));
  return {
    idAtencion: (form === 'scalar' ? readings[0]!.patient : column((r) => r.patient)) as unknown,
    idSigno: column((r) => modelSignals.indexOf(r.signal as never) + 1) as unknown,
    nomSigno: column((r) => r.signal) as unknown,
    valor: column((r) => r.value) as unknown,
    fecRegistro: column((r) => r.time) as unknown,
  };
}
