import { readdirSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { version } from '../../version.js';
import type { Collector } from './exposition.js';

/** The process itself: CPU, memory, descriptors, event loop. Watches the event loop from when it is made. */
export class ProcessMetrics {
  private readonly delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 20 });

  constructor() {
    this.delay.enable();
  }

  collect(into: Collector): void {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, external } = process.memoryUsage();
    into.add('vitrina_processes', {}, 1);
    into.add('vitrina_build_info', { version, node: process.version }, 1);
    into.add('process_cpu_seconds_total', {}, (user + system) / 1e6);
    into.add('process_resident_memory_bytes', {}, rss);
    into.add('process_start_time_seconds', {}, performance.timeOrigin / 1000);
    const descriptors = countDescriptors();
    if (descriptors !== undefined) into.add('process_open_fds', {}, descriptors);
    into.add('nodejs_heap_size_used_bytes', {}, heapUsed);
    into.add('nodejs_external_memory_bytes', {}, external);
    into.add('nodejs_eventloop_active_seconds_total', {}, performance.eventLoopUtilization().active / 1000);
    if (this.delay.count > 0) {
      for (const percentile of [50, 99, 100]) {
        const nanoseconds = this.delay.percentile(percentile);
        into.add('nodejs_eventloop_delay_seconds', { percentile: String(percentile) }, nanoseconds / 1e9);
      }
      this.delay.reset();
    }
  }

  close(): void {
    this.delay.disable();
  }
}

/** Undefined where the system has no `/proc`. */
function countDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
