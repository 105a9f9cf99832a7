import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../../src/services/tracing/sampler.js';
import { readTraceSettings } from '../../../src/services/tracing/settings.js';
import { parseTraceparent, printTraceparent } from '../../../src/services/tracing/traceparent.js';

const none = { 'otlp-endpoint': undefined, 'trace-ratio': undefined };
const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((all) => all.join(''))
    .filter((text) => !/^0+$/.test(text));

describe('traceparent', () => {
  it('reads what it prints', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const given = { traceId, spanId, sampled };
        expect(parseTraceparent(printTraceparent(given))).toEqual(given);
      }),
    );
  });

  it.each([
    ['a later version with more fields', '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more', true],
    ['unknown flags', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe', true],
    ['upper case', '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', false],
    ['version ff', 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', false],
    ['more fields in version 00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x', false],
    ['a zero span', '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', false],
    ['a line break', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n', false],
  ])('%s: %s', (_what, header, valid) => {
    expect(parseTraceparent(header) !== undefined).toBe(valid);
  });

  it('takes any text without failing', () => {
    fc.assert(fc.property(fc.anything(), (header) => void parseTraceparent(header)));
  });
});

describe('the settings of traces', () => {
  it.each([
    ['nothing is set', none, {}, undefined],
    ['the setting', { ...none, 'otlp-endpoint': 'http://c:4318/' }, {}, ['http://c:4318/v1/traces', 0.01, true]],
    ['the variable', none, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, ['http://c:4318/v1/traces', 0.01, true]],
    [
      'the variable for traces, as it is',
      none,
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/x' },
      ['http://t/x', 0.01, true],
    ],
    [
      'a sampler',
      none,
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
      ['http://c/v1/traces', 0.5, false],
    ],
    [
      'always',
      none,
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_SAMPLER: 'parentbased_always_on' },
      ['http://c/v1/traces', 1, true],
    ],
    [
      'the setting over the sampler',
      { ...none, 'trace-ratio': 0.2 },
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_SAMPLER: 'always_off' },
      ['http://c/v1/traces', 0.2, false],
    ],
    ['OpenTelemetry disabled', none, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_SDK_DISABLED: 'true' }, undefined],
    ['no address', none, { OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense' }, undefined],
  ] as const)('%s', (_what, config, env, expected) => {
    const settings = readTraceSettings(config, env);
    expect(settings && [settings.url, settings.ratio, settings.parentBased]).toEqual(expected);
    // What somebody has set is what is kept.
    if (settings !== undefined)
      expect(settings.perSecond).toBe(settings.ratio === 0.01 ? 20 : Number.POSITIVE_INFINITY);
  });
});

describe('Sampler', () => {
  it('keeps about the share that is set', () => {
    const sampler = new Sampler({ ratio: 0.1, parentBased: true, perSecond: Number.POSITIVE_INFINITY });
    const kept = Array.from({ length: 20_000 }, () => sampler.keeps(undefined)).filter(Boolean).length;
    expect(kept).toBeGreaterThan(1_600);
    expect(kept).toBeLessThan(2_400);
  });

  it('keeps no more a second than are to be kept', () => {
    let now = 0;
    const sampler = new Sampler({ ratio: 0.5, parentBased: true, perSecond: 20 }, () => now);
    const ask = () => Array.from({ length: 5_000 }, () => sampler.keeps(undefined)).filter(Boolean).length;
    expect(ask()).toBe(20);
    now += 500;
    expect(ask()).toBe(10);
    now += 60_000;
    expect(ask()).toBe(20);
  });

  it('lets callers ask for some, not for all', () => {
    let now = 0;
    const sampler = new Sampler({ ratio: 0.01, parentBased: true, perSecond: 20 }, () => now);
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };
    const ask = () => Array.from({ length: 5_000 }, () => sampler.keeps(parent)).filter(Boolean).length;
    expect(ask()).toBe(1_000);
    now += 2_000;
    expect(ask()).toBe(200);
    const everything = new Sampler({ ratio: 1, parentBased: true, perSecond: Number.POSITIVE_INFINITY }, () => now);
    expect(Array.from({ length: 5_000 }, () => everything.keeps(parent)).every(Boolean)).toBe(true);
  });
});
