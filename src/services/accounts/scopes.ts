import { VitrinaError } from '../../errors.js';

/** What a key or token may do on the platform. Routes demand scopes; roles and keys grant them. */
export const platformScopes = {
  predict: 'send predictions',
  'models:read': 'list and describe models',
  'models:write': 'add, replace and remove models',
  users: 'list, create and remove users who are no admins, set their passwords, read what was used',
  keys: 'list, create and revoke API keys of users who are no admins',
  admin: 'everything, admins and their keys included',
} as const;

export type PlatformScope = keyof typeof platformScopes;

/** A scope of the platform or of an app. */
export type Scope = PlatformScope | (string & {});

/** A scope that an app brings. */
export interface AppScope {
  readonly description: string;
  /** The least role that has it: `user` for what strangers may do who register, where apps let them. */
  readonly from: 'user' | 'maintainer';
  /** Whether a login or key that names no scopes gets it. */
  readonly byDefault: boolean;
}

export const roles = ['user', 'maintainer', 'admin'] as const;
export type Role = (typeof roles)[number];

const ofEverybody: readonly Scope[] = ['predict', 'models:read'];

/** The scopes there are: the platform's, and those of the apps. */
export class ScopeTable {
  private readonly names: readonly Scope[];
  private readonly byRole: Readonly<Record<Role, readonly Scope[]>>;

  constructor(private readonly ofApps: Readonly<Record<string, AppScope>> = {}) {
    this.names = Object.freeze([...Object.keys(ofApps), ...Object.keys(platformScopes)]);
    const user = [...ofEverybody, ...Object.keys(ofApps).filter((name) => ofApps[name]!.from === 'user')];
    this.byRole = Object.freeze({
      user: this.sort(user),
      maintainer: this.sort([...ofEverybody, ...Object.keys(ofApps), 'models:write']),
      admin: this.names,
    });
  }

  has(text: string): boolean {
    return this.names.includes(text);
  }

  /** All that a token of the role may do, and the most that a key of such a user can have. */
  of(role: Role): readonly Scope[] {
    return this.byRole[role];
  }

  /** What a key gets when nobody names scopes. */
  get defaults(): readonly Scope[] {
    return this.byRole.user.filter((scope) => this.isDefault(scope));
  }

  /**
   * The scopes named, each once, in the order of the table; `admin` brings all others along.
   *
   * @throws VitrinaError `scope-unknown`
   */
  parse(texts: readonly string[]): readonly Scope[] {
    for (const text of texts) {
      if (!this.has(text)) throw new VitrinaError('scope-unknown', { scope: text, known: this.names.join(', ') });
    }
    return this.sort(texts);
  }

  /** Scopes as they were stored, less what no longer exists and what the role does not have. */
  restrict(stored: string, role: Role): readonly Scope[] {
    const granted = this.byRole[role];
    const texts = stored.split(' ');
    return texts.includes('admin') ? granted : granted.filter((scope) => texts.includes(scope));
  }

  /**
   * What a login gets: the scopes it asks for, as far as the role has them; all of the role's when it asks for none,
   * but for those that have to be asked for.
   *
   * @throws VitrinaError `scope-unknown`, `scope-beyond-role`
   */
  grant(role: Role, asked: string | undefined, username: string): readonly Scope[] {
    const texts = (asked ?? '').split(' ').filter((text) => text !== '');
    if (texts.length === 0) return this.byRole[role].filter((scope) => this.isDefault(scope));
    const scopes = this.parse(texts);
    const beyond = scopes.find((scope) => !this.byRole[role].includes(scope));
    if (beyond !== undefined) throw new VitrinaError('scope-beyond-role', { scope: beyond, username, role });
    return scopes;
  }

  private isDefault(scope: Scope): boolean {
    return this.ofApps[scope]?.byDefault !== false;
  }

  private sort(texts: readonly string[]): readonly Scope[] {
    return texts.includes('admin') ? this.names : Object.freeze(this.names.filter((scope) => texts.includes(scope)));
  }
}

/** @throws VitrinaError `role-unknown` */
export function parseRole(text: string): Role {
  const role = roles.find((one) => one === text);
  if (role === undefined) throw new VitrinaError('role-unknown', { role: text, known: roles.join(', ') });
  return role;
}
