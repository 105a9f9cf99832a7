import { describe, expect, it } from 'vitest';
import { isTransient } from '../../../src/apps/artwork/transience.js';
import { VitrinaError } from '../../../src/index.js';

/** An error of the catalogue's form, as an outbound request ends with. */
const outbound = (code: string, fields = {}) =>
  Object.assign(new VitrinaError('unauthenticated', {}), { code, fields }) as VitrinaError;

describe('what is worth another try', () => {
  it.each([
    ['outbound-unreachable', {}, true],
    ['outbound-timeout', {}, true],
    ['outbound-too-slow', {}, true],
    ['outbound-circuit-open', {}, true],
    ['outbound-status', { status: 500 }, true],
    ['outbound-status', { status: 503 }, true],
    ['outbound-status', { status: 429 }, true],
    ['outbound-status', { status: 404 }, false],
    ['outbound-status', { status: 403 }, false],
    ['outbound-url-invalid', {}, false],
    ['outbound-host-refused', {}, false],
    ['outbound-too-large', {}, false],
    ['outbound-encoding', {}, false],
    ['outbound-too-many-redirects', {}, false],
  ])('of requests: %s %j is %s', (code, fields, transient) => {
    expect(isTransient(outbound(code, fields))).toBe(transient);
  });

  it('of other things: what is not the package’s doing', () => {
    expect(isTransient(new VitrinaError('image-process-unavailable', { why: 'x' }))).toBe(true);
    expect(isTransient(new VitrinaError('package-invalid', { entry: undefined, why: 'x' }))).toBe(false);
    expect(isTransient(new VitrinaError('package-too-slow', { seconds: 1 }))).toBe(false);
    expect(isTransient(new Error('ENOSPC'))).toBe(true);
  });
});
