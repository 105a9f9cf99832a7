import { VitrinaError } from '../../errors.js';

/** What a key or token may do. Routes demand scopes; roles and keys grant them. */
export const scopes = {
  predict: 'send predictions',
  'models:read': 'list and describe models',
  'models:write': 'add, replace and remove models',
  users: 'list, create and remove users who are no admins, and set their passwords',
  keys: 'list, create and revoke API keys of users who are no admins',
  admin: 'everything, admins and their keys included',
} as const;

export type Scope = keyof typeof scopes;
export type Role = 'user' | 'admin';

const allScopes = Object.freeze(Object.keys(scopes) as Scope[]);

/** The scopes of an access token of each role, and the most that a key of such a user can have. */
export const roleScopes: Readonly<Record<Role, readonly Scope[]>> = Object.freeze({
  user: Object.freeze<Scope[]>(['predict', 'models:read']),
  admin: allScopes,
});

/** What a key gets when nobody names scopes. */
export const defaultKeyScopes: readonly Scope[] = roleScopes.user;

export const isScope = (text: string): text is Scope => Object.hasOwn(scopes, text);

/** @throws VitrinaError `role-unknown` */
export function parseRole(text: string): Role {
  if (!Object.hasOwn(roleScopes, text)) {
    throw new VitrinaError('role-unknown', { role: text, known: Object.keys(roleScopes).join(', ') });
  }
  return text as Role;
}

/**
 * The scopes named, each once, in the order of the table; `admin` brings all others along.
 *
 * @throws VitrinaError `scope-unknown`
 */
export function parseScopes(texts: readonly string[]): readonly Scope[] {
  for (const text of texts) {
    if (!isScope(text)) throw new VitrinaError('scope-unknown', { scope: text, known: allScopes.join(', ') });
  }
  return texts.includes('admin') ? allScopes : allScopes.filter((scope) => texts.includes(scope));
}
