/** What a worker says of itself with every beat. */
export interface Load {
  /** HTTP connections that it holds. */
  readonly connections: number;
  /** How much of its time it works: its event loop or its threads, whichever is busier; 1 is all. */
  readonly busy: number;
}

/**
 * How many connections each worker should give up.
 *
 * The kernel gives a new connection to whoever takes it first, and a connection may live for days: after a worker died
 * and came back, the others would hold its callers for ever. So one that is busy while another is not, and that holds
 * more than its share, asks half of the surplus to connect again, by `Connection: close` on their next answer, and
 * passes as many newcomers on to others. While nobody is busy nobody is asked to leave.
 */
export function surplusOf(loads: readonly Load[]): number[] {
  const fair = loads.reduce((sum, { connections }) => sum + connections, 0) / loads.length;
  const idlest = Math.min(...loads.map(({ busy }) => busy));
  return loads.map(({ connections, busy }) => {
    const strained = busy > 0.6 && busy - idlest > 0.3;
    return strained && connections > 1.25 * fair + 1 ? Math.ceil((connections - fair) / 2) : 0;
  });
}
