import type { Caller } from '../batching/batcher.js';
import { ConnectedCaller } from '../predictions/connected-caller.js';
import type { Meter } from '../predictions/prediction-service.js';
import type { Quotas, Reservation } from './quotas.js';

/** Holds API keys to the rows that they may predict in a day and a month. */
export class KeyMeter implements Meter {
  constructor(private readonly quotas: Quotas) {}

  take(caller: Caller | undefined, rows: number): Promise<Reservation> | undefined {
    if (!(caller instanceof ConnectedCaller) || caller.principal === null) return undefined;
    const { limits, keyId } = caller.principal;
    if (limits === null || (limits.monthly === null && limits.daily === null)) return undefined;
    return this.quotas.take(`key:${keyId}`, limits, rows);
  }
}
