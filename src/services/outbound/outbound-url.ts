import { VitrinaError } from '../../errors.js';

const mostShown = 300;

/**
 * Reads the URL of a request to somebody else, as the WHATWG standard does: `http://0x7f.1/` is `http://127.0.0.1/`.
 *
 * @throws VitrinaError `outbound-url-invalid` for what is no URL, has another scheme than http and https, or holds a
 *   user or password
 */
export function readUrl(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) {
    throw new VitrinaError('outbound-url-invalid', { url: shownText(text), problem: 'it is no URL' });
  }
  const url = new URL(text, base?.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const problem = `its scheme is "${url.protocol.slice(0, -1)}"`;
    throw new VitrinaError('outbound-url-invalid', { url: `${url.protocol}…`, problem });
  }
  if (url.username !== '' || url.password !== '') {
    throw new VitrinaError('outbound-url-invalid', { url: shownUrl(url), problem: 'it holds a user or a password' });
  }
  return url;
}

/** A URL as messages show it: without credentials and query, which may be one. */
export function shownUrl(url: URL): string {
  const text = `${url.origin}${url.pathname}`;
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text;
}

/** What can be shown of a text that is no URL: nothing of it before an `@`, and no query. */
function shownText(text: string): string {
  const shown = text.replace(/[?#].*$/s, '').replace(/^.*@/s, '…@');
  return `"${shown.slice(0, mostShown)}"`;
}
