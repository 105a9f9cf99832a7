import type { Caller } from '../batching/batcher.js';
import { ConnectedCaller } from '../predictions/connected-caller.js';
import type { Meter, Metered } from '../predictions/prediction-service.js';
import type { Quotas } from './quotas.js';

/** Holds API keys to the rows that they may predict in a day and a month. */
export class KeyMeter implements Meter {
  constructor(private readonly quotas: Quotas) {}

  take(caller: Caller | undefined, rows: number): Promise<Metered> | undefined {
    if (!(caller instanceof ConnectedCaller) || caller.principal === null) return undefined;
    const { limits, keyId } = caller.principal;
    if (limits === null || (limits.monthly === null && limits.daily === null)) return undefined;
    const { held } = caller;
    const taken = this.quotas.take(`key:${keyId}`, limits, rows);
    if (held === undefined) return taken;
    return taken.then((units) => ({ settle: async () => void held.push(units), giveBack: () => units.giveBack() }));
  }
}
