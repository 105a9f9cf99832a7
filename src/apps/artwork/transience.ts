import { VitrinaError } from '../../index.js';

/** Errors that another try does not mend, whatever their status. */
const final = new Set<string>([
  'package-invalid',
  'package-too-slow',
  'request-invalid',
  'outbound-url-invalid',
  'outbound-host-refused',
  'outbound-too-large',
  'outbound-encoding',
  'outbound-too-many-redirects',
]);

/** Answers of a server that it may not give the next time (RFC 9110, 6585, 8470). */
const passing = new Set([408, 425, 429]);

/**
 * Whether what failed may work later, so that a job is worth another try: the network, a server's own fault, a full disk,
 * a model that is being loaded. A refusal stays one.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof VitrinaError)) return true;
  const code: string = error.code;
  if (final.has(code)) return false;
  if (code === 'outbound-status') {
    const { status } = error.fields as { readonly status?: number };
    return status === undefined || status >= 500 || passing.has(status);
  }
  return code.startsWith('outbound-') || error.status >= 500;
}
