import { type Metadata, ServerInterceptingCall, type ServerInterceptor, type StatusObject } from '@grpc/grpc-js';
import type { FastifyBaseLogger } from 'fastify';
import type { VitrinaError } from '../errors.js';
import { readCredential } from '../plugins/auth.js';
import { requestIdOf } from '../plugins/request-context.js';
import { type Accounts, demandScope, type Principal, type Scope } from '../services/accounts/index.js';
import { metadataOf, statusOf, toVitrinaError } from './status.js';

/** What a call may do: anybody may make it, or a key or token with these scopes. */
export type Access = 'public' | readonly Scope[];

/** What is known of a call before its message is read. */
export class CallContext {
  constructor(
    readonly requestId: string,
    readonly principal: Principal | null,
    readonly headers: Readonly<Record<string, unknown>>,
    /** Checks again whether the credential still holds: a stream may outlive it. Errors: those of the first check. */
    readonly renew: () => Principal | null | Promise<Principal | null>,
    private readonly log: FastifyBaseLogger,
  ) {}

  /** The status of a call that failed. */
  refuse(cause: unknown): StatusObject {
    return statusOf(this.failed(cause), metadataOf({ 'x-request-id': this.requestId }));
  }

  /** A failure as the catalogue has it; a fault of the server goes to the log, under the request's id. */
  failed(cause: unknown): VitrinaError {
    const error = toVitrinaError(cause);
    if (error.status >= 500 && error.code !== 'overloaded') {
      this.log.error({ err: error.cause ?? error, code: error.code, reqId: this.requestId }, error.message);
    }
    return error;
  }
}

const contexts = new WeakMap<Metadata, CallContext>();

/** The context of a call that was admitted. */
export function contextOf({ metadata }: { readonly metadata: Metadata }): CallContext {
  const context = contexts.get(metadata);
  if (context === undefined) throw new Error('a call came past its admission');
  return context;
}

/**
 * Deny by default, as the HTTP door does: a call gets through when its path is public, or when its metadata carry a
 * key or token with the scopes that the path needs. Nothing of the message is read before.
 */
export function admission(
  access: ReadonlyMap<string, Access>,
  accounts: Accounts,
  log: FastifyBaseLogger,
): ServerInterceptor {
  return ({ path }, call) => {
    const needed = access.get(path) ?? [];
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            const headers = metadata.getMap();
            const requestId = requestIdOf(headers['x-request-id']);
            const check = () => (needed === 'public' ? null : admit(accounts, headers, needed));
            const enter = (principal: Principal | null) => {
              contexts.set(metadata, new CallContext(requestId, principal, headers, check, log));
              pass(metadata);
            };
            const refuse = (error: unknown) =>
              call.sendStatus(new CallContext(requestId, null, headers, check, log).refuse(error));
            try {
              const principal = check();
              if (principal instanceof Promise) principal.then(enter, refuse);
              else enter(principal);
            } catch (error) {
              refuse(error);
            }
          },
        }),
    });
  };
}

/** The common case, a credential seen a moment ago, is answered from memory and without a promise. */
function admit(
  accounts: Accounts,
  headers: Readonly<Record<string, unknown>>,
  needed: readonly Scope[],
): Principal | Promise<Principal> {
  const { authorization, 'x-api-key': key } = headers;
  const credential = readCredential(typeof authorization === 'string' ? authorization : undefined, key);
  const demand = (principal: Principal) => {
    for (const scope of needed) demandScope(principal, scope);
    return principal;
  };
  const recalled = accounts.recall(credential);
  return recalled === undefined ? accounts.authenticate(credential).then(demand) : demand(recalled);
}
