import { readUrl } from './outbound-url.js';

/** One request of those that a chain of redirects is made of. */
export interface Question {
  readonly url: URL;
  readonly method: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const statuses = new Set([301, 302, 303, 307, 308]);
/** What may be told to another origin than the one that it was meant for: no credential, no signature. */
const forAnybody = new Set(['accept', 'accept-encoding', 'accept-language', 'content-type', 'user-agent']);
const ofBody = /^content-/;

/** Where an answer sends the one who asks, if it does. */
export function locationOf(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | undefined {
  const { location } = headers;
  if (!statuses.has(status) || location === undefined) return undefined;
  // Two places are none: the text that both make is what will be refused.
  return typeof location === 'string' ? location : location.join(' ');
}

/**
 * The question that a redirect asks for (RFC 9110, 15.4): after 303, and for `POST` after 301 and 302, a `GET` without
 * the body.
 *
 * @throws VitrinaError `outbound-url-invalid`
 */
export function redirected(question: Question, status: number, location: string): Question {
  const url = readUrl(location, question.url);
  const isGet = question.method === 'GET' || question.method === 'HEAD';
  const drops = !isGet && (status === 303 || (status < 303 && question.method === 'POST'));
  const isSameOrigin = url.origin === question.url.origin;
  const headers = Object.entries(question.headers).filter(
    ([name]) => (isSameOrigin || forAnybody.has(name)) && !(drops && ofBody.test(name)),
  );
  return {
    url,
    method: drops ? 'GET' : question.method,
    headers: Object.fromEntries(headers),
    body: drops ? undefined : question.body,
  };
}
