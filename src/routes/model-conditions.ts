/** Entity tags of versions, and the conditions that changes make with them. RFC 9110, 8.8.3 and 13. */
import { VitrinaError } from '../errors.js';
import type { ChangeChecks } from '../services/repository/model-repository.js';

interface Conditions {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}

/** Strong: a version never changes. A model has the tag of the version that answers. */
export const etagOf = (sha256: string) => `"${sha256}"`;

/** Whether the caller has seen what bears `sha256` already. */
export function isKnown({ 'if-none-match': known }: Conditions, sha256: string): boolean {
  return known !== undefined && (known.trim() === '*' || tagsIn(known, true).includes(etagOf(sha256)));
}

/**
 * The check of a change to `version`, or to the version that answers where none is named: `If-Match` has to name it,
 * `If-None-Match` must not; `*` stands for any. The check throws `precondition-failed`.
 */
export function checkConditions(
  { 'if-match': wanted, 'if-none-match': unwanted }: Conditions,
  version: string | undefined,
): NonNullable<ChangeChecks['digests']> {
  return ({ current, named }) => {
    const sha256 = version === undefined ? current : named;
    const names = (list: string) =>
      sha256 !== undefined && (list.trim() === '*' || tagsIn(list, false).includes(etagOf(sha256)));
    if (wanted !== undefined && !names(wanted)) {
      const problem =
        sha256 === undefined
          ? 'There is no such version, and If-Match asks for one'
          : `The version is not the one that If-Match names; its ETag is ${etagOf(sha256)}`;
      throw new VitrinaError('precondition-failed', { problem });
    }
    if (unwanted !== undefined && names(unwanted)) {
      throw new VitrinaError('precondition-failed', {
        problem: 'There is a version already, which If-None-Match excludes',
      });
    }
  };
}

/** Weak tags count where bytes are not compared. */
function tagsIn(list: string, weakly: boolean): string[] {
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return weakly ? tags.map((tag) => tag.replace(/^W\//, '')) : tags;
}
