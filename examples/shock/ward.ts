/**
 * A synthetic intensive care ward: patients who stay well, sink into low cardiac output, into cardiogenic shock, or
 * towards cardiac arrest. Nine signals every five minutes, in the units of the monitors, with the flaws of real
 * records: missing values, repeated values, clocks that are a few seconds off, rows in any order.
 *
 * The physiology is invented and coarse. It is made to train and to show a model, not to learn medicine from.
 *
 *     node --import tsx examples/shock/ward.ts --patients 12 --seed 1            # a JSON list of bodies for POST /predict
 *     node --import tsx examples/shock/ward.ts --patients 4000 --seed 7 --labelled > ward.ndjson    # for train.py
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

export type State = 'Arresto_Cardiaco' | 'Bajo_Gasto_Cardiaco' | 'Sano' | 'Shock_Cardiogenico';

/** The states, in the order of the model's outputs. */
export const states: readonly State[] = ['Arresto_Cardiaco', 'Bajo_Gasto_Cardiaco', 'Sano', 'Shock_Cardiogenico'];

/** What a client posts for one patient: four columns keyed by row. */
export interface Body {
  idAtencion: number;
  idSigno: Record<string, number>;
  nomSigno: Record<string, string>;
  valor: Record<string, number>;
  fecRegistro: Record<string, string>;
}

export interface WardPatient {
  /** The state that the patient is heading to. */
  readonly state: State;
  readonly body: Body;
}

export interface WardOptions {
  readonly patients: number;
  readonly seed: number;
  /** Time of the last record, in milliseconds of the epoch. */
  readonly end?: number;
  /** Times per patient, at least; up to six more are sent. */
  readonly rows?: number;
}

interface Signal {
  readonly name: string;
  readonly id: number;
  readonly decimals: number;
  /** Standard deviation of one measurement of a quiet patient. */
  readonly noise: number;
  readonly least: number;
  readonly most: number;
}

/** Perfusion index (%), heart rate (/min), ventricular premature beats (/min), height (cm), weight (kg), pulse (/min),
 * oxygen saturation (%), temperature (°C), breaths (/min): the order of the model's columns. */
const signals: readonly Signal[] = [
  { name: 'MDC_BLD_PERF_INDEX', id: 1, decimals: 2, noise: 0.12, least: 0.02, most: 20 },
  { name: 'MDC_ECG_HEART_RATE', id: 2, decimals: 0, noise: 2, least: 0, most: 250 },
  { name: 'MDC_ECG_V_P_C_RATE', id: 3, decimals: 0, noise: 0.5, least: 0, most: 60 },
  { name: 'MDC_LEN_BODY_ACTUAL', id: 4, decimals: 0, noise: 0, least: 40, most: 220 },
  { name: 'MDC_MASS_BODY_ACTUAL', id: 5, decimals: 1, noise: 0, least: 2, most: 250 },
  { name: 'MDC_PULS_OXIM_PULS_RATE', id: 6, decimals: 0, noise: 2, least: 0, most: 250 },
  { name: 'MDC_PULS_OXIM_SAT_02', id: 7, decimals: 0, noise: 0.6, least: 30, most: 100 },
  { name: 'MDC_TEMP', id: 8, decimals: 1, noise: 0.07, least: 30, most: 43 },
  { name: 'MDC_TTHOR_RESP_RATE', id: 9, decimals: 0, noise: 1, least: 0, most: 70 },
];
const [perfusion, heart, ectopic, , , pulse, oxygen, temperature, breaths] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;

/** Makes the same ward for the same options, on any machine. */
export function generateWard({
  patients,
  seed,
  end = Date.UTC(2024, 5, 13, 6, 30),
  rows = 20,
}: WardOptions): WardPatient[] {
  const random = new Random(seed);
  return Array.from({ length: patients }, (_, index) => {
    const state = states[random.integer(0, states.length - 1)]!;
    const times = rows + random.integer(0, 6);
    return { state, body: writeBody(1_408_001 + index, course(state, times, random), end, rows, random) };
  });
}

/** The true values over time, (times, 9). */
function course(state: State, times: number, random: Random): number[][] {
  const start = [
    Math.exp(random.normal(1.15, 0.45)),
    random.normal(78, 11),
    random.chance(0.6) ? 0 : random.uniform(0, 2),
    random.normal(168, 10),
    random.normal(73, 13),
    0,
    random.normal(97, 1.2),
    random.normal(36.8, 0.3),
    random.normal(16, 2.2),
  ];
  start[pulse] = start[heart]!;
  const target = targetOf(state, start, random);
  // Some patients were sinking before the first record, some start well inside the window.
  const onset = random.chance(0.2) ? random.uniform(-25, -10) : random.uniform(0.1, 0.55) * times;
  const pace = random.uniform(1, 2.5);
  const liveliness = random.chance(0.15) ? 0 : random.uniform(0.3, 1.6);
  const memory = random.chance(0.3) ? 0 : random.uniform(0.3, 0.9);
  const drift = signals.map(() => 0);
  return Array.from({ length: times }, (_, time) => {
    const share = 1 / (1 + Math.exp(-(time - onset - 2 * pace) / pace));
    const values = signals.map((signal, column) => {
      drift[column] =
        memory * drift[column]! + Math.sqrt(1 - memory ** 2) * random.normal(0, signal.noise * liveliness);
      return start[column]! + share * (target[column]! - start[column]!) + drift[column]!;
    });
    if (state === 'Sano') values[pulse] = values[heart]! + random.normal(0, 0.8 * liveliness);
    return values;
  });
}

/** Where the signals end in each state, given where they began. */
function targetOf(state: State, start: readonly number[], random: Random): number[] {
  const target = [...start];
  const add = (column: number, least: number, most: number) => {
    target[column] = start[column]! + random.uniform(least, most);
  };
  switch (state) {
    case 'Sano':
      break;
    case 'Bajo_Gasto_Cardiaco':
      target[perfusion] = start[perfusion]! * random.uniform(0.3, 0.5);
      add(heart, 12, 26);
      add(ectopic, 0, 3);
      add(oxygen, -4, -1);
      add(temperature, -0.7, -0.2);
      add(breaths, 3, 7);
      target[pulse] = target[heart]! - random.uniform(0, 3);
      break;
    case 'Shock_Cardiogenico':
      target[perfusion] = start[perfusion]! * random.uniform(0.06, 0.2);
      add(heart, 38, 62);
      add(ectopic, 2, 8);
      add(oxygen, -14, -6);
      add(temperature, -1.6, -0.6);
      add(breaths, 10, 18);
      target[pulse] = target[heart]! - random.uniform(2, 10);
      break;
    case 'Arresto_Cardiaco': {
      const racing = random.chance(0.3);
      target[perfusion] = start[perfusion]! * random.uniform(0.01, 0.06);
      target[heart] = racing ? random.uniform(150, 200) : random.uniform(15, 45);
      add(ectopic, 10, 30);
      target[pulse] = target[heart]! * (racing ? random.uniform(0, 0.3) : random.uniform(0.2, 0.8));
      target[oxygen] = random.uniform(50, 78);
      add(temperature, -1.2, 0);
      target[breaths] = random.uniform(0, 7);
      break;
    }
  }
  return target;
}

/** Writes the values down as a monitor's export does. */
function writeBody(idAtencion: number, values: number[][], end: number, window: number, random: Random): Body {
  const records: { signal: Signal; value: number; time: string }[] = [];
  for (const [row, measured] of values.entries()) {
    const moment = end - (values.length - 1 - row) * 300_000 + random.integer(-20, 20) * 1000;
    const time = new Date(moment).toISOString().slice(0, 19).replace('T', ' ');
    for (const [column, signal] of signals.entries()) {
      // The window's first row is whole, so that every patient can be served.
      if (row !== values.length - window && random.chance(0.04)) continue;
      const value = Number(Math.min(signal.most, Math.max(signal.least, measured[column]!)).toFixed(signal.decimals));
      records.push({ signal, value, time });
      if (random.chance(0.02)) records.push({ signal, value, time });
    }
  }
  if (random.chance(0.25)) random.shuffle(records);
  const body: Body = { idAtencion, idSigno: {}, nomSigno: {}, valor: {}, fecRegistro: {} };
  for (const [row, { signal, value, time }] of records.entries()) {
    body.idSigno[row] = signal.id;
    body.nomSigno[row] = signal.name;
    body.valor[row] = value;
    body.fecRegistro[row] = time;
  }
  return body;
}

/** Seeded random numbers (mulberry32): the same on every machine. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  uniform(least: number, most: number): number {
    return least + (most - least) * this.next();
  }

  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Box and Muller. */
  normal(mean: number, deviation: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  shuffle(items: unknown[]): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [items[last], items[other]] = [items[other], items[last]];
    }
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      patients: { type: 'string', default: '12' },
      seed: { type: 'string', default: '1' },
      labelled: { type: 'boolean', default: false },
    },
  });
  const ward = generateWard({ patients: Number(values.patients), seed: Number(values.seed) });
  if (values.labelled) for (const patient of ward) process.stdout.write(`${JSON.stringify(patient)}\n`);
  else process.stdout.write(`${JSON.stringify(ward.map((patient) => patient.body))}\n`);
}
