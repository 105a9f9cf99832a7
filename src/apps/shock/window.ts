import { allocateBriefly } from '../../index.js';
import { type Patient, type PatientRequest, type Records, valueAt } from './body.js';
import { parseTime } from './dates.js';
import { type Problem, refusals } from './refusal.js';
import { fitScaler, type Scaler } from './scaling.js';

/** The nine signals that the model sees, in the order of its columns. */
export const modelSignals = [
  'MDC_BLD_PERF_INDEX',
  'MDC_ECG_HEART_RATE',
  'MDC_ECG_V_P_C_RATE',
  'MDC_LEN_BODY_ACTUAL',
  'MDC_MASS_BODY_ACTUAL',
  'MDC_PULS_OXIM_PULS_RATE',
  'MDC_PULS_OXIM_SAT_02',
  'MDC_TEMP',
  'MDC_TTHOR_RESP_RATE',
] as const;

/** How records become the model's input. */
export interface WindowPlan {
  readonly signals: readonly string[];
  /** T: rows of a window, the time dimension of the model. */
  readonly rows: number;
  /** The scaler stored beside the model; `request` fits one on the rows of all patients of the request. */
  readonly scaler: Scaler | 'request';
  /** What happens to a signal without any value in the window: refused, or the mean of a stored scaler. */
  readonly impute: 'refuse' | 'mean';
}

/** What became of one patient. */
export type Outcome =
  | { readonly idAtencion: number; readonly position: number; readonly imputed: readonly string[] }
  | { readonly idAtencion: number; readonly problems: readonly Problem[] };

export interface Windows {
  /** The model's input: (`count`, T, signals), row-major. */
  readonly data: Float32Array;
  /** Patients that can be served; `position` of an outcome is the patient's place in `data`. */
  readonly count: number;
  /** One a patient, in the order of the request. */
  readonly outcomes: readonly Outcome[];
}

/**
 * Turns records into windows: pivot, sort by time, last T rows, fill, scale.
 *
 * - A row is one time at which a signal of the plan was measured; records of other signals are ignored. Several values
 *   of one signal at one time are averaged.
 * - A gap takes the signal's last value before it in the window, a gap at the start the first value after it. Nothing
 *   crosses from one patient to another, save through a scaler fitted on the request.
 * - The arithmetic is pandas' and scikit-learn's, in double precision, rounded to single precision once, at the end.
 */
export function buildWindows(request: PatientRequest, plan: WindowPlan): Windows {
  const width = plan.signals.length;
  const size = plan.rows * width;
  const pivoted: (Float64Array | Problem)[] = request.patients.map((patient) =>
    patient.problems.length > 0 ? patient.problems[0]! : pivotPatient(patient, plan),
  );
  const windows = pivoted.filter((window) => window instanceof Float64Array);
  const scaler = plan.scaler === 'request' ? fitScaler(concatenate(windows, size), width) : plan.scaler;

  const data = allocateBriefly('float32', windows.length * size);
  let count = 0;
  const outcomes = request.patients.map((patient, index): Outcome => {
    const { idAtencion } = patient;
    const window = pivoted[index]!;
    if (!(window instanceof Float64Array)) {
      return { idAtencion, problems: patient.problems.length > 0 ? patient.problems : [window] };
    }
    const imputed = imputeMissing(window, plan, scaler);
    const overflow = scaleInto(data, count * size, window, scaler, width);
    if (overflow >= 0) {
      const signal = plan.signals[overflow % width]!;
      return {
        idAtencion,
        problems: [refusals.outOfRange(locOf(patient), nameOf(patient), signal, window[overflow]!)],
      };
    }
    return { idAtencion, position: count++, imputed };
  });
  return { data: data.subarray(0, count * size), count, outcomes };
}

/** The patient's last T rows with gaps filled, (T, signals); a signal never seen is a column of NaN. */
function pivotPatient(patient: Patient, plan: WindowPlan): Float64Array | Problem {
  const located = locateRecords(patient, plan.signals);
  if ('msg' in located) return located;
  const { cells, times } = located;
  if (times.length < plan.rows) {
    return refusals.tooFewRows(locOf(patient), nameOf(patient), times.length, plan.rows, plan.signals);
  }
  const window = averageCells(patient, cells, rankLast(times, plan.rows), plan);
  const missing = fillGaps(window, plan.signals.length);
  if (missing.length > 0 && (plan.impute === 'refuse' || plan.scaler === 'request')) {
    const signals = missing.map((column) => plan.signals[column]!);
    return refusals.neverSeen(locOf(patient), nameOf(patient), signals, plan.rows, otherSignals(patient, plan.signals));
  }
  return window;
}

/** Values beyond it reach the model as infinity; below it, no sum over a request overflows double precision. */
const greatestFloat32 = 3.4028234663852886e38;

interface Located {
  /** For each record in turn: row × signals + column, or -1 for a record that is ignored. */
  readonly cells: Int32Array;
  /** The time of each row, in order of first appearance. */
  readonly times: readonly number[];
}

/** A code that has not been met. */
const unmet = -2;

/** Checks every record of the plan's signals and finds its row and column. */
function locateRecords(patient: Patient, signals: readonly string[]): Located | Problem {
  const width = signals.length;
  let count = 0;
  for (const records of patient.records) count += records.values.length;
  const cells = allocateBriefly('int32', count);
  const rows = new Rows();
  let cell = 0;
  for (const records of patient.records) {
    const { names, values, times } = records;
    const columns = allocateBriefly('int32', names.values.length).fill(unmet);
    const rowOf = allocateBriefly('int32', times.values.length).fill(unmet);
    for (let i = 0; i < values.length; i++, cell++) {
      const name = names.codes[i]!;
      if (columns[name] === unmet) {
        const signal = names.values[name];
        if (typeof signal !== 'string') return refuseRecord('notASignal', patient, records, i);
        columns[name] = signals.indexOf(signal);
      }
      const column = columns[name]!;
      if (column < 0) {
        cells[cell] = -1;
        continue;
      }
      const value = values[i];
      if (typeof value !== 'number' || !(Math.abs(value) <= greatestFloat32))
        return refuseRecord('notAValue', patient, records, i);
      const time = times.codes[i]!;
      if (rowOf[time] === unmet) {
        const row = rows.find(times.values[time]);
        if (row < 0) return refuseRecord('notADate', patient, records, i);
        rowOf[time] = row;
      }
      cells[cell] = rowOf[time]! * width + column;
    }
  }
  return { cells, times: rows.times };
}

/** The rows of a patient by their times, numbered as they appear. */
class Rows {
  readonly times: number[] = [];
  private latest = Number.NEGATIVE_INFINITY;
  private rowOfTime: Map<number, number> | undefined;

  /** The row of a time, however it is written; -1 for what is no time. Times mostly come in order: nothing is looked up then. */
  find(text: unknown): number {
    const { times } = this;
    const time = parseTime(text);
    if (Number.isNaN(time)) return -1;
    if (time > this.latest) {
      this.latest = time;
      this.rowOfTime?.set(time, times.length);
      return times.push(time) - 1;
    }
    if (this.rowOfTime === undefined) this.rowOfTime = new Map(times.map((at, row) => [at, row]));
    let row = this.rowOfTime.get(time);
    if (row === undefined) {
      row = times.push(time) - 1;
      this.rowOfTime.set(time, row);
    }
    return row;
  }
}

/** The place of each row among the last `wanted` by time, or -1. */
function rankLast(times: readonly number[], wanted: number): Int32Array {
  const ranks = allocateBriefly('int32', times.length);
  const first = times.length - wanted;
  if (isAscending(times)) {
    for (let row = 0; row < ranks.length; row++) ranks[row] = Math.max(row - first, -1);
    return ranks;
  }
  const order = Uint32Array.from(times.keys()).sort((a, b) => times[a]! - times[b]!);
  for (const [place, row] of order.entries()) ranks[row] = Math.max(place - first, -1);
  return ranks;
}

function isAscending(times: readonly number[]): boolean {
  for (let row = 1; row < times.length; row++) if (times[row]! < times[row - 1]!) return false;
  return true;
}

/**
 * Averages the values of each cell of the window; a cell without a value is NaN. The sum is compensated as pandas'
 * (`group_mean` in pandas/_libs/groupby.pyx), so that duplicates give its number to the last bit.
 */
function averageCells(patient: Patient, cells: Int32Array, ranks: Int32Array, plan: WindowPlan): Float64Array {
  const width = plan.signals.length;
  const sums = allocateBriefly('float64', plan.rows * width).fill(Number.NaN);
  let counts: Uint32Array | undefined;
  let lost: Float64Array | undefined;
  let index = 0;
  for (const { values } of patient.records) {
    for (let i = 0; i < values.length; i++, index++) {
      const cell = cells[index]!;
      if (cell < 0) continue;
      const row = (cell / width) | 0;
      const rank = ranks[row]!;
      if (rank < 0) continue;
      const at = rank * width + (cell - row * width);
      const value = values[i] as number;
      const before = sums[at]!;
      if (Number.isNaN(before)) {
        sums[at] = value;
        continue;
      }
      counts ??= new Uint32Array(sums.length).fill(1);
      lost ??= new Float64Array(sums.length);
      counts[at]!++;
      const addend = value - lost[at]!;
      const sum = before + addend;
      lost[at] = sum - before - addend;
      sums[at] = sum;
    }
  }
  if (counts !== undefined) for (let at = 0; at < sums.length; at++) sums[at]! /= counts[at]!;
  return sums;
}

/** Fills gaps forwards, then the start backwards, in place; answers the columns that hold no value at all. */
function fillGaps(window: Float64Array, width: number): number[] {
  const missing: number[] = [];
  for (let column = 0; column < width; column++) {
    let first = column;
    while (first < window.length && Number.isNaN(window[first]!)) first += width;
    if (first >= window.length) {
      missing.push(column);
      continue;
    }
    for (let at = column; at < first; at += width) window[at] = window[first]!;
    for (let at = first + width; at < window.length; at += width) {
      if (Number.isNaN(window[at]!)) window[at] = window[at - width]!;
    }
  }
  return missing;
}

function concatenate(windows: readonly Float64Array[], size: number): Float64Array {
  if (windows.length === 1) return windows[0]!;
  const rows = new Float64Array(windows.length * size);
  for (const [index, window] of windows.entries()) rows.set(window, index * size);
  return rows;
}

/** Puts the scaler's mean into the columns without a value; answers their signals. */
function imputeMissing(window: Float64Array, plan: WindowPlan, scaler: Scaler): string[] {
  const width = plan.signals.length;
  const missing = plan.signals.filter((_, column) => Number.isNaN(window[column]!));
  for (const signal of missing) {
    const column = plan.signals.indexOf(signal);
    for (let at = column; at < window.length; at += width) window[at] = scaler.mean[column]!;
  }
  return missing;
}

/** Writes the scaled window at `start`; answers the first element that single precision cannot hold, or -1. */
function scaleInto(data: Float32Array, start: number, window: Float64Array, scaler: Scaler, width: number): number {
  const { offset, scale } = scaler;
  let column = 0;
  for (let at = 0; at < window.length; at++) {
    data[start + at] = (window[at]! - offset[column]!) / scale[column]!;
    if (!Number.isFinite(data[start + at]!)) return at;
    if (++column === width) column = 0;
  }
  return -1;
}

function refuseRecord(
  what: 'notASignal' | 'notAValue' | 'notADate',
  patient: Patient,
  records: Records,
  index: number,
): Problem {
  const key = records.keys?.[index] ?? index;
  const name = valueAt(records.names, index);
  const signal = String(name);
  const at = (field: string) => [...records.loc, field, key];
  if (what === 'notASignal') {
    return refusals.notASignal(at('nomSigno'), nameOf(patient), String(key), name);
  }
  if (what === 'notADate') {
    return refusals.notADate(at('fecRegistro'), nameOf(patient), signal, String(key), valueAt(records.times, index));
  }
  const value = records.values[index];
  return Number.isFinite(value)
    ? refusals.outOfRange(at('valor'), nameOf(patient), signal, value as number)
    : refusals.notFinite(at('valor'), nameOf(patient), signal, String(key), value);
}

function otherSignals(patient: Patient, signals: readonly string[]): string[] {
  const names = new Set(
    patient.records.flatMap(({ names }) => Array.from(names.codes, (code) => names.values[code] as string)),
  );
  return [...names].filter((name) => !signals.includes(name));
}

const locOf = (patient: Patient) => patient.records[0]?.loc ?? ['body'];
const nameOf = (patient: Patient) => `Patient ${patient.idAtencion}`;
