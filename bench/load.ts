import autocannon from 'autocannon';

export interface Load {
  readonly url: string;
  readonly body: string;
  readonly headers: Record<string, string>;
  readonly connections: number;
  readonly seconds: number;
}

export interface Figures {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 200, and connections that broke. */
  readonly failed: number;
}

/** Closed-loop load with keep-alive, in a worker thread of autocannon's; latencies in milliseconds. */
export async function runLoad({ url, body, headers, connections, seconds }: Load): Promise<Figures> {
  const result = await autocannon({ url, method: 'POST', body, headers, connections, duration: seconds, workers: 1 });
  return {
    requestsPerSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}
