import { VitrinaError } from '../../errors.js';

const MAXIMUM = 128;
// Control, format (zero width, direction), unpaired surrogates, private use, line and paragraph separators:
// what cannot be seen, or would make two names look alike or a log line look like two.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

/** Why `text` cannot be a name for people to read, or `undefined`. */
export function faultOfName(text: string): string | undefined {
  if (text.length === 0) return 'it is empty';
  if (text.length > MAXIMUM) return `it is longer than ${MAXIMUM} characters`;
  if (invisible.test(text)) return 'it holds an invisible or control character';
  if (text.trim() !== text) return 'it begins or ends with a space';
  return undefined;
}

/**
 * What makes two user names the same: NFKC (so that "ﬁ" is "fi" and full-width letters are plain ones) in lower
 * case. `Ana` and `ana` are one user; the spelling of the registration is the one shown.
 */
export function usernameKey(username: string): string {
  return username.normalize('NFKC').toLowerCase();
}

/** @throws VitrinaError `username-invalid` */
export function checkUsername(username: string): void {
  const why = faultOfName(username) ?? faultOfName(usernameKey(username));
  if (why !== undefined) throw new VitrinaError('username-invalid', { why });
}
