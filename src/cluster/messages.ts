import type { Samples } from '../services/metrics/exposition.js';
import type { Load } from './balance.js';
import type { Outcome } from './shared-throttle.js';

/** What a server tells the terminal once it serves. */
export interface Greeting {
  /** Models that are not ready, each with its reason. */
  readonly problems: readonly string[];
  /** The first admin's key, or where keys come from. */
  readonly access: string;
  /** A line that answers a prediction when it is pasted. */
  readonly example: string;
  /** What is served, and where. */
  readonly served: string;
}

/** Why a worker could not start; an error of the catalogue stays one. */
export type StartFault = { readonly code: string; readonly fields: unknown } | { readonly text: string };

/** From a worker to the primary. */
export type FromWorker =
  /** Its event loop turns; and, while it serves, how it is. */
  | { readonly kind: 'beat'; readonly load: Load | undefined }
  /** Its modules are loaded and it hears messages, which are lost before. */
  | { readonly kind: 'attending' }
  /** Comes with a connection for a worker that has fewer. */
  | { readonly kind: 'pass' }
  | { readonly kind: 'ready'; readonly greeting: Greeting }
  | { readonly kind: 'failed'; readonly fault: StartFault }
  /** It stops by itself (somebody sent it SIGTERM) and wants a replacement. */
  | { readonly kind: 'leaving' }
  /** What it has counted so far: the primary answers for it once it has ended. */
  | { readonly kind: 'counted'; readonly samples: Samples }
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly question: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  /** May this user log in from this address? */
  | { readonly kind: 'admit'; readonly id: number; readonly user: string; readonly address: string }
  | { readonly kind: 'settle'; readonly id: number; readonly outcome: Outcome };

/** From the primary to a worker. */
export type ToWorker =
  /** Comes with a socket to listen on; before `go`. */
  | { readonly kind: 'socket' }
  /** Load the models and listen. */
  | { readonly kind: 'go'; readonly index: number }
  /** Answer what was accepted and end; `everybody` when no other worker takes what still waits to be accepted. */
  | { readonly kind: 'stop'; readonly everybody: boolean }
  /** Comes with a connection that another worker has accepted. */
  | { readonly kind: 'connection' }
  /** Ask so many callers to connect again. */
  | { readonly kind: 'shed'; readonly count: number }
  | { readonly kind: 'question'; readonly id: number; readonly topic: string; readonly question: unknown }
  | { readonly kind: 'answers'; readonly id: number; readonly answers: readonly unknown[] }
  | { readonly kind: 'admitted'; readonly id: number; readonly known: boolean }
  | { readonly kind: 'throttled'; readonly id: number; readonly retryAfter: number };

/** How often a worker says that it lives. */
export const beatMs = 1_000;
