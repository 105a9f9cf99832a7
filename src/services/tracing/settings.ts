import type { Config } from '../../config.js';

export interface TraceSettings {
  /** Where spans go (OTLP over HTTP, JSON). */
  readonly url: string;
  /** Share of the requests that are kept where no caller has decided. */
  readonly ratio: number;
  /** How many of them a second at most, in each process. */
  readonly perSecond: number;
  /** Whether the caller's decision, in `traceparent`, counts. */
  readonly parentBased: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where nobody says otherwise: enough to see by, and no burden on a server with ten thousand requests a second. */
const defaultRatio = 0.01;
const defaultPerSecond = 20;

/**
 * Where traces go and which are kept: the settings of the server over the variables of OpenTelemetry
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). `undefined`: there is no place
 * for them, or `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER=none`; then nothing is loaded.
 */
export function readTraceSettings(
  config: Pick<Config, 'otlp-endpoint' | 'trace-ratio'>,
  env: Environment,
): TraceSettings | undefined {
  const url = urlOf(config['otlp-endpoint'], env);
  if (url === undefined) return undefined;
  if (config['otlp-endpoint'] === undefined && isOff(env)) return undefined;
  const sampler = (env.OTEL_TRACES_SAMPLER ?? 'parentbased_traceidratio').trim();
  const parentBased = sampler.startsWith('parentbased_');
  const ratio = config['trace-ratio'] ?? ratioOf(sampler.replace('parentbased_', ''), env);
  return ratio === undefined
    ? { url, parentBased, ratio: defaultRatio, perSecond: defaultPerSecond }
    : { url, parentBased, ratio, perSecond: Number.POSITIVE_INFINITY };
}

function isOff(env: Environment): boolean {
  return env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none';
}

/** A base gets the path of traces, the variable for traces alone is taken as it is. */
function urlOf(setting: string | undefined, env: Environment): string | undefined {
  const own = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const base = setting ?? env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (setting === undefined && own !== undefined && URL.canParse(own)) return own;
  if (base === undefined || !URL.canParse(base)) return undefined;
  return /\/v1\/traces\/?$/.test(base) ? base : `${base.replace(/\/+$/, '')}/v1/traces`;
}

/** What the variables say; nothing where they are silent. */
function ratioOf(sampler: string, env: Environment): number | undefined {
  if (sampler === 'always_on') return 1;
  if (sampler === 'always_off') return 0;
  const given = Number(env.OTEL_TRACES_SAMPLER_ARG ?? Number.NaN);
  return given >= 0 && given <= 1 ? given : undefined;
}
