/** What a thread that reads events is told, and what it says: lists of these (`Outbox`). */
import type { HdbscanOptions } from '../../learn/hdbscan/index.js';
import type { PostgresOptions } from '../../storage/postgres.js';
import type { AnswerFormat, AnswerKind } from './answers.js';
import type { ElasticsearchOptions } from './elasticsearch/client.js';
import type { EventQuery } from './event.js';

export type StoreOptions =
  | { readonly kind: 'embedded'; readonly database: { readonly path: string } | Omit<PostgresOptions, 'log'> }
  | ({ readonly kind: 'elasticsearch' } & ElasticsearchOptions);

export interface ReaderOptions {
  readonly store: StoreOptions;
  readonly clustering: HdbscanOptions;
  /** Events of one person in one request. */
  readonly maxEvents: number;
}

export interface UsageQuestion {
  readonly kind: AnswerKind;
  readonly format: AnswerFormat;
  readonly query: Omit<EventQuery, 'screens'>;
}

/** `more`: the last piece of an answer was taken. `close`: finish nothing, and end. */
export type ToReader =
  | { readonly id: number; readonly question: UsageQuestion }
  | { readonly id: number; readonly act: 'cancel' | 'more' }
  | 'close';

/**
 * `piece`: some of an answer; the next one comes after `more`. `end`: the rest of it, and how many documents were no
 * events. `failure`: an error of the catalogue, or else what nobody foresaw.
 */
export type FromReader =
  | { readonly id: number; readonly piece: string; readonly skipped: number }
  | { readonly id: number; readonly end: string; readonly skipped: number }
  | { readonly id: number; readonly failure: Failure };

export interface Failure {
  readonly code: string | undefined;
  readonly fields: unknown;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly text: string;
}
