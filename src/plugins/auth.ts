import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import fp from 'fastify-plugin';
import { VitrinaError } from '../errors.js';
import {
  type Accounts,
  demandScope,
  type Principal,
  type Recollection,
  type Scope,
} from '../services/accounts/index.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Anybody may call this route. Everything else needs a key or a token. */
    public?: boolean;
    /** What the key or token must be allowed to do, all of it; names are checked at the start. */
    scopes?: readonly string[];
  }
  interface FastifyRequest {
    /** Who is calling; `null` on public routes, where nobody looks. */
    principal: Principal | null;
  }
}

/** What a connection showed the last time: clients show the same again, and are spared the hash. */
const shown = Symbol('credential');
type Known = Socket & {
  [shown]?: { authorization: string | undefined; key: unknown; recollection: Recollection } | undefined;
};

const challenge = { headers: { 'WWW-Authenticate': 'Bearer' } };

/**
 * Deny by default: a request gets through when its route says `config: { public: true }`, or when it carries a valid
 * API key or access token whose scopes cover the route's `config: { scopes: […] }`.
 *
 * Credentials come as `Authorization: Bearer <token or key>` or `X-Api-Key: <key or token>`. The check runs before
 * the body is read, and covers every route of the server, whichever plugin brings it. Errors: `unauthenticated`,
 * `token-invalid`, `credentials-ambiguous`, `forbidden`, `rate-exceeded`; what has no route is a 404 without a look at credentials.
 */
async function auth(app: FastifyInstance, { accounts }: { accounts: Accounts }): Promise<void> {
  app.decorateRequest('principal', null);

  // A contradiction in a route's options stops the start, not the request.
  app.addHook('onRoute', ({ url, config }) => {
    const unknown = config?.scopes?.find((scope) => !accounts.scopes.has(scope));
    if (unknown !== undefined) throw new Error(`Route ${url} demands the scope "${unknown}", which does not exist`);
    if (config?.public === true && config.scopes !== undefined) {
      throw new Error(`Route ${url} is public and demands scopes; it can be one of them`);
    }
  });

  app.addHook('onRequest', (request, _reply, done) => {
    const { config } = request.route;
    if (config.public === true || request.is404) done();
    else check(accounts, request, config.scopes as readonly Scope[] | undefined, done);
  });
}

/** The common case, a credential seen a moment ago, is answered from memory and without a promise. */
function check(
  accounts: Accounts,
  request: FastifyRequest,
  needed: readonly Scope[] | undefined,
  done: HookHandlerDoneFunction,
): void {
  let passing: Promise<void> | undefined;
  try {
    const { authorization, 'x-api-key': key } = request.headers;
    const socket = request.raw.socket as Known;
    const known = socket[shown];
    if (known !== undefined && known.authorization === authorization && known.key === key) {
      if (accounts.isFresh(known.recollection)) {
        finish(admit(accounts, request, known.recollection.principal, needed), done);
        return;
      }
      socket[shown] = undefined;
    }
    const credential = readCredential(authorization, key);
    const recollection = accounts.recall(credential);
    if (recollection === undefined) {
      accounts
        .authenticate(credential)
        .then((found) => admit(accounts, request, found, needed))
        .then(() => done(), done);
      return;
    }
    socket[shown] = { authorization, key, recollection };
    passing = admit(accounts, request, recollection.principal, needed);
  } catch (error) {
    done(error as Error);
    return;
  }
  finish(passing, done);
}

function finish(passing: Promise<void> | undefined, done: HookHandlerDoneFunction): void {
  if (passing === undefined) done();
  else passing.then(() => done(), done);
}

/** A promise only for a key that may send so many requests within so many seconds. */
function admit(
  accounts: Accounts,
  request: FastifyRequest,
  principal: Principal,
  needed: readonly Scope[] | undefined,
): Promise<void> | undefined {
  if (needed !== undefined) for (const scope of needed) demandScope(principal, scope);
  request.principal = principal;
  return principal.limits === null ? undefined : accounts.pass(principal);
}

/**
 * The credential among the headers of a request, of whichever door.
 * @throws VitrinaError `unauthenticated`, `credentials-ambiguous`
 */
export function readCredential(authorization: string | undefined, key: unknown): string {
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (bearer !== undefined) {
    if (key !== undefined) throw new VitrinaError('credentials-ambiguous', {});
    return bearer;
  }
  if (typeof key === 'string' && key !== '') return key;
  throw new VitrinaError('unauthenticated', {}, challenge);
}

/** Who is calling a route that is not public. @throws VitrinaError `unauthenticated` */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new VitrinaError('unauthenticated', {}, challenge);
  return request.principal;
}

export default fp(auth, { name: 'auth', fastify: '5.x', dependencies: ['request-context'] });
