/** The public interface: all that an app, or a user of the library, may import. */
export type { AppEnvironment, Lack, ServerSetting, Variables } from './app-environment.js';
export * as appSettings from './app-settings.js';
export { type ProcessOptions, residentBytes, startProcess } from './child-process.js';
export type { Config } from './config.js';
export { readScaler, withMetadata } from './convert/index.js';
export { type ErrorCode, type Problem, VitrinaError } from './errors.js';
export { type CsvRecord, readCsv, reprFloat, reprText, writeCsv } from './formats/index.js';
export { boundaryOf, type MultipartPart, readMultipart } from './formats/multipart.js';
export { type Clustering, type HdbscanOptions, hdbscan } from './learn/hdbscan/index.js';
export { readLabelledTexts } from './learn/labelled-texts.js';
export { MersenneTwister } from './learn/mersenne-twister.js';
export { type TrainedTextClassifier, trainTextClassifier } from './learn/text-classifier.js';
export { principalOf } from './plugins/auth.js';
export { parseBody as parseJsonBody } from './plugins/json-body.js';
export {
  type Accounts,
  type AppScope,
  demandScope,
  type Login,
  operator,
  type Profile,
  type User,
} from './services/accounts/index.js';
export type { BatchReport, Caller } from './services/batching/batcher.js';
export { chooseAnswer, mediaTypes, readContentType, textTypes } from './services/bodies/media-types.js';
export {
  type AnswerFormat,
  type AnswerKind,
  addEvents,
  EventReaders,
  type NamedEvent,
  purgeEvents,
  readEvent,
  readInstant,
  type StoreOptions,
  type UsageAnswer,
} from './services/events/index.js';
export {
  defineJob,
  type JobContext,
  type JobDefinition,
  type JobDesk,
  type JobKind,
  JobPostponed,
  JobRefused,
  type JobRow,
  type JobTransaction,
} from './services/jobs/index.js';
export { SharedLogFile, type SharedLogOptions } from './services/logs/shared-log-file.js';
export {
  type Downloaded,
  type DownloadOptions,
  OutboundClient,
  type OutboundOptions,
  type OutboundPolicy,
  type RetryDelays,
  retryAfterMs,
  retryDelay,
  type SendOptions,
  type Sent,
  sign,
  signatureHeader,
  verifySignature,
} from './services/outbound/index.js';
export { type App, answerWith, callerOf, defineApp, type Platform, type WorkPlatform } from './services/platform.js';
export { type Feature, FeatureReader } from './services/predictions/features.js';
export type { Prediction } from './services/predictions/prediction-service.js';
export {
  type AnswerPlan,
  answerObjects,
  answerRecords,
  demandProbabilities,
  planAnswer,
  type TabularAnswer,
  tabulate,
} from './services/predictions/tabular-answer.js';
export { TextColumn } from './services/predictions/text-column.js';
export type { SettledRecord } from './services/quotas/index.js';
export type { ChangeChecks, ModelRepository } from './services/repository/model-repository.js';
export type { OwnModel } from './services/repository/own-model.js';
export type { ReadyVersion } from './services/repository/ready-version.js';
export type { Signature, TensorSpec } from './signature.js';
export { allocateBriefly, type DataType, type Tensor } from './tensor.js';
export { isTimeZone } from './time-zones.js';
