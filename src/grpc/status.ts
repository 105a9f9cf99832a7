import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { VitrinaError } from '../errors.js';

const statuses: Readonly<Record<number, status>> = {
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  408: status.DEADLINE_EXCEEDED,
  409: status.ABORTED,
  412: status.FAILED_PRECONDITION,
  413: status.RESOURCE_EXHAUSTED,
  429: status.RESOURCE_EXHAUSTED,
  499: status.CANCELLED,
  501: status.UNIMPLEMENTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

/** The status of an error: the catalogue's, translated once for every door that is not HTTP. */
export function statusCodeOf({ status: http }: VitrinaError): status {
  return statuses[http] ?? (http < 500 ? status.INVALID_ARGUMENT : status.INTERNAL);
}

/** Characters of a status's text on the wire: clients refuse headers of more than 8,192 bytes altogether. */
const textLimit = 4_000;

/**
 * The catalogue's text as the details of a status, shortened where it is too long for a header. What nobody foresaw is
 * `internal`, of which the caller sees no more than the catalogue tells.
 */
export function statusOf(error: VitrinaError, trailers: Metadata): StatusObject {
  trailers.set('vitrina-code', error.code);
  for (const [name, value] of Object.entries(error.headers ?? {})) trailers.set(name.toLowerCase(), value);
  return { code: statusCodeOf(error), details: shorten(error.message), metadata: trailers };
}

/** Well-formed, so that it can be percent-encoded, and short enough for a header when it is. */
function shorten(message: string): string {
  let text = Buffer.from(message.slice(0, textLimit), 'utf8').toString('utf8');
  while (encodeURI(text).length > textLimit) {
    text = Buffer.from(`${text.slice(0, text.length / 2 - 1)}…`, 'utf8').toString('utf8');
  }
  return text;
}

export function toVitrinaError(error: unknown): VitrinaError {
  return error instanceof VitrinaError ? error : new VitrinaError('internal', {}, { cause: error });
}

export const metadataOf = (entries: Readonly<Record<string, string>>): Metadata => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
};
