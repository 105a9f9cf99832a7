/** What stores of screen events have in common. */

/** A screen that somebody opened on an installation of the software. */
export interface ScreenEvent {
  /** Whole milliseconds since 1970, UTC. */
  readonly at: number;
  readonly util: string;
  readonly ecran: string;
  readonly instance: string;
}

export interface EventQuery {
  /** Whose events, each name once. */
  readonly utils: readonly string[];
  /** Milliseconds since 1970; both are included. */
  readonly from: number;
  readonly to: number;
  /** Whether the answer names screens: half of what there is to read. Without it, stores may leave them out. */
  readonly screens: boolean;
}

/** Some events of one person as columns: a query of a million events never has an object for each. */
export interface EventBatch {
  readonly util: string;
  /** [events] milliseconds since 1970, ascending. */
  readonly times: Float64Array;
  /** [events] places in `names`; of screens only where the query wants them, else there may be none. */
  readonly screens: Uint32Array;
  readonly instances: Uint32Array;
  /** Screens and instances by their codes; it grows while the batches of a person come. */
  readonly names: readonly string[];
  /** Where the store remembers what was made of exactly these events. */
  readonly made?: MadeTexts;
}

/** Texts that were made of some events, kept as long as the events do not change. */
export interface MadeTexts {
  find(what: string): string | undefined;
  keep(what: string, text: string): void;
}

/** What a store counts beside the events that it gives. */
export interface EventTally {
  /** Documents that are no screen events. */
  skipped: number;
}

export interface EventStore {
  /**
   * The events asked for, ordered by person (by code point), then time. All batches of a person come one after the other
   * and share one list of names.
   *
   * @throws VitrinaError `events-unavailable`, `events-refused`, `storage-unavailable`; the reason of `signal`
   */
  events(query: EventQuery, signal: AbortSignal, tally: EventTally): AsyncIterable<EventBatch>;
  close(): Promise<void>;
}

/** As UTF-8 bytes sort, and so Elasticsearch and SQLite: by code point, where JavaScript's order is by 16-bit unit. */
export function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Names by their codes: screens and instances repeat thousands of times. */
export class NameCodes {
  readonly names: string[] = [];
  private readonly codes = new Map<string, number>();

  codeOf(name: string): number {
    let code = this.codes.get(name);
    if (code === undefined) {
      code = this.names.push(name) - 1;
      this.codes.set(name, code);
    }
    return code;
  }
}
