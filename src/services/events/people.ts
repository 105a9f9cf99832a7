import { VitrinaError } from '../../errors.js';
import type { EventBatch, MadeTexts } from './event.js';

/** All events of one person in a query; arrays may be longer than `count`. */
export interface PersonEvents {
  readonly util: string;
  readonly count: number;
  /** Milliseconds since 1970, ascending. */
  readonly times: Float64Array;
  /** Places in `names`; of screens only where the query wants them. */
  readonly screens: Uint32Array;
  readonly instances: Uint32Array;
  readonly names: readonly string[];
  readonly made?: MadeTexts | undefined;
}

/**
 * Puts batches together, one person after the other: memory is that of the one with most events.
 *
 * @throws VitrinaError `events-over-limit` beyond `limit` events of a person; `events-refused` where a person comes back
 *   after others, since half of the events would be clustered
 */
export async function* byPerson(batches: AsyncIterable<EventBatch>, limit: number): AsyncGenerator<PersonEvents> {
  const finished = new Set<string>();
  let person: Growing | undefined;
  for await (const batch of batches) {
    if (person?.util !== batch.util) {
      if (person !== undefined) {
        finished.add(person.util);
        yield person;
      }
      if (finished.has(batch.util)) {
        const reason = `events of "${batch.util}" do not come together: the field of the person is no plain keyword`;
        throw new VitrinaError('events-refused', { status: 200, reason });
      }
      person = new Growing(batch.util, batch.names);
    }
    person.add(batch);
    if (person.count > limit) throw new VitrinaError('events-over-limit', { util: batch.util, limit });
  }
  if (person !== undefined) yield person;
}

class Growing implements PersonEvents {
  count = 0;
  times = new Float64Array(0);
  screens = new Uint32Array(0);
  instances = new Uint32Array(0);
  made: MadeTexts | undefined;

  constructor(
    readonly util: string,
    readonly names: readonly string[],
  ) {}

  add({ times, screens, instances, made }: EventBatch): void {
    const count = this.count + times.length;
    this.made = this.count === 0 ? made : undefined;
    if (this.count === 0) {
      // Most people fit into one batch, whose columns are theirs.
      [this.times, this.screens, this.instances] = [
        times as Float64Array<ArrayBuffer>,
        screens as Uint32Array<ArrayBuffer>,
        instances as Uint32Array<ArrayBuffer>,
      ];
    } else {
      if (count > this.times.length) {
        const room = Math.max(count, 2 * this.times.length);
        this.times = copyInto(new Float64Array(room), this.times);
        this.screens = copyInto(new Uint32Array(room), this.screens);
        this.instances = copyInto(new Uint32Array(room), this.instances);
      }
      this.times.set(times, this.count);
      this.screens.set(screens, this.count);
      this.instances.set(instances, this.count);
    }
    this.count = count;
  }
}

function copyInto<A extends Float64Array | Uint32Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
