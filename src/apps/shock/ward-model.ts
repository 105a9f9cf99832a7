import { readFileSync } from 'node:fs';
import { type ReadyVersion, readScaler, VitrinaError } from '../../index.js';
import type { Scaler } from './scaling.js';
import type { ShockSettings } from './settings.js';
import { modelSignals, type WindowPlan } from './window.js';

/** The loaded version as this app uses it. */
export interface WardModel {
  readonly ready: ReadyVersion;
  readonly input: string;
  readonly output: string;
  /** The states, in the order of the output. */
  readonly labels: readonly string[];
  readonly plan: WindowPlan;
}

const defaultLabels = ['Arresto_Cardiaco', 'Bajo_Gasto_Cardiaco', 'Sano', 'Shock_Cardiogenico'];

const scalerNames = ['joblib', 'pkl', 'pickle', 'sav'].flatMap((ending) => [`scaler.${ending}`, `scaler.${ending}.gz`]);

/**
 * Finds out how to ask this version: T from its input, states from `labels`, the scaler beside the artefact.
 *
 * @throws VitrinaError `model-not-ready` when the version is no model for this app, or when its scaler cannot be read:
 *   without the scaler that it was trained with, its answers would be about something else.
 */
export function describeModel(ready: ReadyVersion, settings: ShockSettings): WardModel {
  const { inputs, outputs } = ready.signature;
  const signals = modelSignals.length;
  const [input] = inputs;
  const [batch, rows, columns] = input?.shape ?? [];
  if (
    inputs.length !== 1 ||
    input?.dtype !== 'float32' ||
    input.shape.length !== 3 ||
    batch !== null ||
    columns !== signals
  ) {
    const found = inputs.map(
      ({ name, dtype, shape }) => `${name}: ${dtype}[${shape.map((size) => size ?? '?').join(', ')}]`,
    );
    throw unfit(ready, `the app needs one input float32[?, T, ${signals}], and the model has ${found.join('; ')}.`);
  }
  const [output] = outputs;
  const states = output?.shape.at(-1);
  const labels = ready.labels ?? defaultLabels;
  if (output === undefined || outputs.length !== 1 || output.shape.length !== 2 || states !== labels.length) {
    const found = outputs.map(({ name, shape }) => `${name}[${shape.map((size) => size ?? '?').join(', ')}]`);
    throw unfit(
      ready,
      `its output is ${found.join('; ')}, and there are ${labels.length} labels (${labels.join(', ')}).`,
    );
  }
  const plan: WindowPlan = {
    signals: modelSignals,
    rows: rows ?? settings.window,
    scaler: findScaler(ready, settings) ?? 'request',
    impute: settings.impute,
  };
  if (plan.impute === 'mean' && plan.scaler === 'request') {
    throw unfit(ready, 'the setting apps.shock.impute is "mean", but there is no stored scaler to take a mean from.');
  }
  return { ready, input: input.name, output: output.name, labels, plan };
}

function findScaler(ready: ReadyVersion, settings: ShockSettings): Scaler | undefined {
  const file = scalerNames.map((name) => ready.companion(name)).find((found) => found !== undefined);
  if (file === undefined) return undefined;
  let scaler: ReturnType<typeof readScaler>;
  try {
    scaler = readScaler(new Uint8Array(readFileSync(file)));
  } catch (error) {
    throw unfit(ready, `its scaler ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const width = modelSignals.length;
  const { mean: offset, scale, trainingMean, featureNames } = scaler;
  if (offset.length !== width) {
    throw unfit(ready, `its scaler ${file} is for ${offset.length} columns, and the model has ${width}.`);
  }
  if (featureNames?.some((name, column) => name !== modelSignals[column])) {
    throw unfit(
      ready,
      `its scaler ${file} was fitted on the columns ${featureNames.join(', ')}, and the app's are ${modelSignals.join(', ')}.`,
    );
  }
  if (trainingMean === undefined && settings.impute === 'mean') {
    throw unfit(ready, `the setting apps.shock.impute is "mean", but its scaler ${file} was made without one.`);
  }
  return { offset, scale, mean: trainingMean ?? offset };
}

function unfit(ready: ReadyVersion, reason: string): VitrinaError {
  return new VitrinaError('model-not-ready', { model: ready.model, version: ready.version, reason });
}
