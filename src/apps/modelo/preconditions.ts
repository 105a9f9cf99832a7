/** Entity tags and the conditions that requests make with them. RFC 9110, 8.8.3 and 13. */
import { type ReadyVersion, VitrinaError } from '../../index.js';
import type { Form } from './negotiation.js';

interface Conditions {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}

/** Strong: the artefact, its number, and the form in which they are shown. */
export function tagOf({ sha256, version }: ReadyVersion, form: Form): string {
  return `"${sha256}.${version}${form === 'json' ? '' : `.${form}`}"`;
}

/** Whether the caller has this representation already. */
export function isKnown({ 'if-none-match': known }: Conditions, tag: string): boolean {
  return (
    known !== undefined && (known.trim() === '*' || tagsOf(known).some((other) => other.replace(/^W\//, '') === tag))
  );
}

/**
 * Whether a change may be made: `If-Match` names what answers now, in whichever form the caller saw it; `If-None-Match`
 * does not.
 *
 * @throws VitrinaError `precondition-failed`
 */
export function checkConditions(conditions: Conditions, current: ReadyVersion | undefined): void {
  const { 'if-match': wanted, 'if-none-match': unwanted } = conditions;
  const tags = current === undefined ? [] : [tagOf(current, 'json'), tagOf(current, 'csv')];
  const names = (list: string) =>
    list.trim() === '*' ? tags.length > 0 : tagsOf(list).some((tag) => tags.includes(tag));
  if (wanted !== undefined && !names(wanted)) {
    const problem =
      current === undefined
        ? 'There is no model, and If-Match asks for one'
        : `The model is not the one that If-Match names; its ETag is ${tags[0]}`;
    throw new VitrinaError('precondition-failed', { problem });
  }
  if (unwanted !== undefined && names(unwanted)) {
    throw new VitrinaError('precondition-failed', {
      problem: 'There is a model already, which If-None-Match excludes',
    });
  }
}

function tagsOf(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? [];
}
