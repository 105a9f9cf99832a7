/** Every metric of `GET /metrics`; the table in `docs/observability.md` is generated from it. */
import { boundsMs, exposed } from './histogram.js';

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** How the values of several processes (`--workers`) become one; counters and histograms are summed. */
  readonly merge: 'sum' | 'max' | 'min';
  /** Upper bounds of a histogram's buckets. */
  readonly bounds?: readonly number[];
}

const counter = (help: string, ...labels: string[]): MetricDefinition => ({
  type: 'counter',
  help,
  labels,
  merge: 'sum',
});
const histogram = (bounds: readonly number[], help: string, ...labels: string[]): MetricDefinition => ({
  type: 'histogram',
  help,
  labels,
  merge: 'sum',
  bounds,
});
const seconds = exposed.map((index) => boundsMs[index]! / 1000);
const rows: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const gauge = (merge: MetricDefinition['merge'], help: string, ...labels: string[]): MetricDefinition => ({
  type: 'gauge',
  help,
  labels,
  merge,
});

export const catalogue = {
  vitrina_http_requests_total: counter('Requests answered, by route pattern.', 'route', 'method', 'status'),
  vitrina_http_request_duration_seconds: histogram(
    seconds,
    'From the head of a request to its answer, by route pattern.',
    'route',
    'method',
  ),
  vitrina_errors_total: counter('Errors answered over HTTP, by code of docs/errors.md.', 'code'),
  vitrina_logins_failed_total: counter('Logins refused.', 'reason'),
  vitrina_quota_units_total: counter(
    'Units of quotas that were taken, given back by what failed, or refused.',
    'outcome',
  ),
  vitrina_jobs_waiting: gauge(
    'max',
    'Jobs that wait: queued, or scheduled for later; as the database has it.',
    'job',
    'state',
  ),
  vitrina_jobs_running: gauge('max', 'Jobs that run, in whatever process; as the database has it.', 'job'),
  vitrina_jobs_finished_total: {
    // Every process reads the same figures.
    ...counter('Jobs that have ended since the database was made, in whatever process.', 'job', 'outcome'),
    merge: 'max',
  },
  vitrina_predictions_total: counter('Predictions answered, through whichever door.', 'model', 'version'),
  vitrina_prediction_rows_total: counter('Rows of the predictions answered.', 'model', 'version'),
  vitrina_prediction_failures_total: counter(
    'Predictions refused, shed, expired, abandoned or failed, by code of docs/errors.md; without a version where none was chosen yet.',
    'model',
    'version',
    'reason',
  ),
  vitrina_prediction_stage_seconds: histogram(
    seconds,
    'Time of a prediction by stage: parse (from the head of the request to the queue), queue, run, write (from the outputs to the answer), total.',
    'model',
    'version',
    'stage',
  ),
  vitrina_batch_rows: histogram(rows, 'Rows of a batch.', 'model', 'version'),
  vitrina_queue_rows: gauge('sum', 'Rows that wait for a batch.', 'model', 'version'),
  vitrina_models: gauge('max', 'Versions by state.', 'state'),
  vitrina_model_loads_total: counter('Versions that were loaded, or that failed to.', 'result'),
  vitrina_model_load_seconds: gauge(
    'max',
    'What the last loading took: reading, converting or recalling, opening, timing, replaying.',
    'model',
    'version',
  ),
  vitrina_model_conversion_seconds: gauge(
    'max',
    'What the conversion took as part of it; 0 when it was recalled from the cache.',
    'model',
    'version',
  ),
  vitrina_model_memory_bytes: gauge('sum', 'Estimate of the memory that a loaded version takes.', 'model', 'version'),
  vitrina_drift_index: gauge(
    'max',
    'Population stability index against the reference profile, of the features that drifted most; one scrape old.',
    'model',
    'version',
    'side',
    'feature',
  ),
  vitrina_drift_rows: gauge('max', 'Rows that the index is computed from.', 'model', 'version'),
  vitrina_shadow_predictions_total: counter(
    'Copies of requests given to a shadow version: compared (differing is part of it), failed, dropped.',
    'model',
    'version',
    'result',
  ),
  vitrina_samples_total: counter('Payload samples written, and dropped under load.', 'result'),
  vitrina_processes: gauge('sum', 'Server processes that answered this scrape.'),
  vitrina_worker_restarts_total: counter(
    'Server processes that took the place of another: one that died, or one that was rolled.',
    'reason',
  ),
  vitrina_build_info: gauge('max', 'Always 1; the labels tell the versions.', 'version', 'node'),
  process_cpu_seconds_total: counter('User and system CPU time spent.'),
  process_resident_memory_bytes: gauge('sum', 'Resident memory size.'),
  process_start_time_seconds: gauge('min', 'Start of the oldest process since unix epoch.'),
  process_open_fds: gauge('sum', 'Open file descriptors.'),
  nodejs_heap_size_used_bytes: gauge('sum', 'JavaScript heap in use.'),
  nodejs_external_memory_bytes: gauge('sum', 'Memory of buffers and tensors outside the heap.'),
  nodejs_eventloop_delay_seconds: gauge(
    'max',
    'Delay of the event loop since the last scrape, of the slowest process.',
    'percentile',
  ),
  nodejs_eventloop_active_seconds_total: counter('Time that event loops were busy.'),
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof catalogue;
