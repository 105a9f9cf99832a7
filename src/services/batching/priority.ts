import { VitrinaError } from '../../errors.js';

/** From the one that leaves first to the one that is shed first. */
export const priorities = ['high', 'normal', 'low'] as const;

/** How urgent a caller is. A key carries one; whoever logs in with a password is `normal`. */
export type Priority = (typeof priorities)[number];

/** @throws VitrinaError `priority-unknown` */
export function parsePriority(text: string): Priority {
  const found = priorities.find((priority) => priority === text);
  if (found === undefined) throw new VitrinaError('priority-unknown', { priority: text, known: priorities.join(', ') });
  return found;
}
