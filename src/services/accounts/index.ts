export { Accounts, createAccounts, type Login, type NewKey, type NewUser } from './accounts.js';
export type { ApiKey, NewApiKey } from './api-keys.js';
export { parseExpiry } from './expiry.js';
export { type LoginThrottle, MemoryLoginThrottle, type ThrottleLimits } from './login-throttle.js';
export { type Actor, demandScope, operator, type Principal } from './principal.js';
export { type Role, type Scope, scopes } from './scopes.js';
export { type AccountSettings, defaultAccountSettings } from './settings.js';
export type { User } from './users.js';
export { viewKey, viewUser } from './views.js';
