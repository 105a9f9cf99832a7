export {
  defineJob,
  type EndedJob,
  type Enqueued,
  type EnqueueOptions,
  type JobContext,
  type JobDefinition,
  type JobFailure,
  type JobKind,
  JobPostponed,
  JobRefused,
  type JobRow,
  type JobState,
  type JobTransaction,
  jobStates,
  type RetryPolicy,
} from './job.js';
export { type JobCounts, JobDesk, type JobFilter } from './job-desk.js';
export { isJobId, newJobId } from './job-id.js';
export { JobQueue, type Waking } from './job-queue.js';
export type { JobLog } from './job-worker.js';
export { viewJob } from './views.js';
export { type Broker, Workshop } from './workshop.js';
