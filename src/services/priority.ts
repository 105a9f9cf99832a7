/** From the one that leaves first to the one that is shed first. */
export const priorities = ['high', 'normal', 'low'] as const;

/** How urgent a caller is. A key carries one; whoever logs in with a password is `normal`. */
export type Priority = (typeof priorities)[number];
