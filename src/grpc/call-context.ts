import { type Metadata, ServerInterceptingCall, type ServerInterceptor, type StatusObject } from '@grpc/grpc-js';
import { VitrinaError } from '../errors.js';
import { explanationOf, wantsExplanation } from '../plugins/admission.js';
import { readCredential } from '../plugins/auth.js';
import { requestIdOf } from '../plugins/request-context.js';
import { type Accounts, demandScope, type Principal, type Scope } from '../services/accounts/index.js';
import type { ConnectedCaller } from '../services/predictions/connected-caller.js';
import type { CallWatch, WatchedCall } from './call-watch.js';
import { metadataOf, statusOf, toVitrinaError } from './status.js';

/** What a call may do: anybody may make it, or a key or token with these scopes. */
export type Access = 'public' | readonly Scope[];

/** What is known of a call before its message is read. */
export class CallContext {
  /** Whoever waits for its prediction, where it has one. */
  caller: ConnectedCaller | undefined;
  /** Whether the answer says how its batch came about. */
  explained = false;

  constructor(
    readonly principal: Principal | null,
    readonly headers: Readonly<Record<string, unknown>>,
    /** Checks again whether the credential still holds: a stream may outlive it. Errors: those of the first check. */
    readonly renew: () => Principal | null | Promise<Principal | null>,
    readonly watch: CallWatch,
    readonly call: WatchedCall,
  ) {}

  /** The context of one request of a stream, which begins now. */
  request(): CallContext {
    return new CallContext(this.principal, this.headers, this.renew, this.watch, {
      ...this.call,
      startedAt: performance.now(),
    });
  }

  /** A request of a stream failed, and the stream goes on. */
  failed(cause: unknown): VitrinaError {
    const failure = toVitrinaError(cause);
    const { principal, caller } = this;
    this.watch.log(this.call, { failure, principal, caller });
    return failure;
  }

  /**
   * What goes back before the answer: the id of the request, its span where it is traced, and how its batch came about
   * where the caller asked for that (`x-explain: batch`).
   */
  echo(): Metadata {
    const { requestId, trace } = this.call;
    const explanation = this.explained && this.caller !== undefined ? explanationOf(this.caller) : {};
    const metadata = metadataOf({ 'x-request-id': requestId, ...explanation });
    if (trace !== null) metadata.set('traceparent', trace.traceparent);
    return metadata;
  }

  /** The call ends well. */
  done(): void {
    const { principal, caller } = this;
    this.watch.end(this.call, { failure: undefined, principal, caller });
  }

  /** The status of a call that ends with a failure. */
  refuse(cause: unknown): StatusObject {
    const failure = toVitrinaError(cause);
    const { principal, caller } = this;
    this.watch.end(this.call, { failure, principal, caller });
    return statusOf(failure, this.echo());
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
 * key or token with the scopes that the path needs. Nothing of the message is read before. A message that does not
 * arrive within `messageMs` ends its call: a caller that never ends it must not be kept.
 */
export function admission(
  access: ReadonlyMap<string, Access>,
  accounts: Accounts,
  watch: CallWatch,
  messageMs: number,
): ServerInterceptor {
  return ({ path, requestStream }, call) => {
    const needed = access.get(path) ?? [];
    let late: NodeJS.Timeout | undefined;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            const headers = metadata.getMap();
            const watched = watch.begin(path, headers, requestIdOf(headers['x-request-id']));
            const check = () => (needed === 'public' ? null : admit(accounts, headers, needed));
            const contextFor = (principal: Principal | null) =>
              new CallContext(principal, headers, check, watch, watched);
            const enter = (principal: Principal | null) => {
              const context = contextFor(principal);
              context.explained = wantsExplanation(headers['x-explain']);
              contexts.set(metadata, context);
              const seconds = messageMs / 1000;
              const giveUp = () => call.sendStatus(context.refuse(new VitrinaError('message-too-slow', { seconds })));
              if (!requestStream) late = setTimeout(giveUp, messageMs).unref();
              pass(metadata);
            };
            const refuse = (error: unknown) => call.sendStatus(contextFor(null).refuse(error));
            try {
              const principal = check();
              if (principal instanceof Promise) principal.then(enter).catch(refuse);
              else enter(principal);
            } catch (error) {
              refuse(error);
            }
          },
          onReceiveMessage(message, pass) {
            clearTimeout(late);
            pass(message);
          },
          onCancel: () => clearTimeout(late),
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
  const demand = (principal: Principal): Principal | Promise<Principal> => {
    for (const scope of needed) demandScope(principal, scope);
    return accounts.pass(principal)?.then(() => principal) ?? principal;
  };
  const recalled = accounts.recall(credential);
  return recalled === undefined ? accounts.authenticate(credential).then(demand) : demand(recalled.principal);
}
