import type { PatientRequest } from './body.js';
import { BodyRefused, type Location, type Problem, refusals } from './refusal.js';
import type { Windows } from './window.js';

/** What the app says of one patient. */
export interface PredictionOut {
  idAtencion: number;
  inferences: Record<string, number>;
  State: string;
  /** Signals that were never seen and stand at the scaler's mean; only with the setting `impute: mean`. */
  imputed?: readonly string[];
}

export interface FailedPatient {
  idAtencion: number;
  error: Problem;
}

export type PatientAnswer = PredictionOut | FailedPatient;

/**
 * Puts the model's probabilities (`windows.count` × labels, row-major) and the refusals together: one object for one
 * patient, a list in the order of the request for many.
 *
 * @throws BodyRefused when no patient can be served.
 */
export function composeAnswer(
  request: PatientRequest,
  windows: Windows,
  probabilities: ArrayLike<number>,
  labels: readonly string[],
): PatientAnswer | PatientAnswer[] {
  const problems: Problem[] = [];
  const answers = windows.outcomes.map((outcome): PatientAnswer => {
    const { idAtencion } = outcome;
    const found = 'problems' in outcome ? outcome.problems : [];
    if ('position' in outcome) {
      const start = outcome.position * labels.length;
      const prediction = describePatient(idAtencion, probabilities, start, labels);
      if (prediction !== undefined) {
        if (outcome.imputed.length > 0) prediction.imputed = outcome.imputed;
        return prediction;
      }
    }
    const faults = found.length > 0 ? found : [refusals.noAnswer(noPlace, `Patient ${idAtencion}`)];
    problems.push(...faults);
    return { idAtencion, error: faults[0]! };
  });
  if (answers.every((answer) => 'error' in answer)) throw new BodyRefused(problems);
  return request.mass ? answers : answers[0]!;
}

const noPlace: Location = ['body'];

/** The probabilities by label and the likeliest label (the first of equals, as NumPy's argmax); nothing for a NaN. */
function describePatient(
  idAtencion: number,
  probabilities: ArrayLike<number>,
  start: number,
  labels: readonly string[],
): PredictionOut | undefined {
  const inferences: Record<string, number> = {};
  let best = 0;
  for (let i = 0; i < labels.length; i++) {
    const probability = probabilities[start + i];
    if (probability === undefined || !Number.isFinite(probability)) return undefined;
    inferences[labels[i]!] = probability;
    if (probability > probabilities[start + best]!) best = i;
  }
  return { idAtencion, inferences, State: labels[best]! };
}
