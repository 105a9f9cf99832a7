import { type Static, Type } from 'typebox';
import type { JobKind } from '../../index.js';
import type { ArtworkSettings } from './settings.js';

const nullable = (type: ReturnType<typeof Type.String>) => Type.Union([type, Type.Null()]);

export const PackageInput = Type.Object({
  country: nullable(Type.String()),
  channel: nullable(Type.String()),
  label: Type.Union([Type.String(), Type.Array(Type.String()), Type.Null()]),
  category: Type.String(),
  zip_art: nullable(Type.String()),
  arts_path: Type.Array(Type.String()),
  no_transaction_id: nullable(Type.String()),
  ntd_transaction_id: Type.String(),
});

/** What the caller is told, as it is sent. */
export const CallbackInput = Type.Object({
  job_id: Type.String(),
  ntd_transaction_id: Type.String(),
  no_transaction_id: nullable(Type.String()),
  status: Type.String(),
  counts: Type.Union([
    Type.Object({ images: Type.Integer(), ok: Type.Integer(), broken: Type.Integer() }),
    Type.Null(),
  ]),
  manifest_url: nullable(Type.String()),
  error: nullable(Type.String()),
});
export type CallbackBody = Static<typeof CallbackInput>;

export const AnnounceInput = Type.Object({ ip: Type.String(), hostname: Type.String() });

const hourMs = 3_600_000;
const forEver = 36_500;
/** Tried until it is heard, or too late. */
const endless = { attempts: 1_000_000, firstDelayMs: 1_000, mostDelayMs: 600_000 };

/** The jobs of the app, whoever asks for them or does them. */
export function jobKinds(settings: ArtworkSettings) {
  const keepDays = settings['keep-days'] || forEver;
  const noTrainingData: JobKind<typeof PackageInput> = {
    name: 'no_training_data',
    input: PackageInput,
    retry: { attempts: 10, firstDelayMs: 1_000, mostDelayMs: 300_000 },
    // The package's own limit ends it before, and says so.
    timeoutMs: settings['package-timeout-seconds'] * 1000 + 60_000,
    keepDays,
  };
  const callback: JobKind<typeof CallbackInput> = {
    name: 'artwork.callback',
    input: CallbackInput,
    retry: { ...endless, withinMs: settings['callback-limit-hours'] * hourMs },
    timeoutMs: 120_000,
    keepDays,
  };
  const announce: JobKind<typeof AnnounceInput> = {
    name: 'artwork.announce',
    input: AnnounceInput,
    retry: { ...endless, mostDelayMs: 60_000 },
    timeoutMs: 120_000,
    keepDays: 1,
  };
  return { noTrainingData, callback, announce };
}

export type JobKinds = ReturnType<typeof jobKinds>;
