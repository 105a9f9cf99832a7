import {
  defineJob,
  type JobDefinition,
  JobRefused,
  OutboundClient,
  VitrinaError,
  type WorkPlatform,
} from '../../index.js';
import { callbackKey, manifestUrl, pathsOf } from './addresses.js';
import { ImageExaminer } from './image-examiner.js';
import { imageModel } from './image-model.js';
import { type CallbackBody, jobKinds } from './job-kinds.js';
import { PackageFolder } from './package-folder.js';
import { defaultPackageLimits, type PackageLimits, processPackage } from './process-package.js';
import { readSettings } from './settings.js';
import { tell } from './tell.js';
import { isTransient } from './transience.js';

/** Milliseconds for one file. */
const downloadMs = 900_000;
/** Above that of packages. */
const callbackPriority = 10;
/** Bytes a second below which a server is too slow to be waited for. */
const slowest = 1_024;

/** Does the app's jobs: packages, and what is told of them. */
export function work(platform: WorkPlatform): readonly JobDefinition[] {
  const settings = readSettings(platform.settings);
  const { noTrainingData, callback, announce } = jobKinds(settings);
  const log = { warn: (text: string) => platform.log.warn(text) };
  const downloads = new OutboundClient({ policy: { allow: settings['allowed-hosts'] }, log: platform.log });
  // Whoever set these addresses meant them, wherever they are.
  const named = [settings['callback-url'], settings['announce-url']].flatMap((url) => (url ? new URL(url).host : []));
  const messages = new OutboundClient({ policy: { allow: named }, log: platform.log });
  const examiner = new ImageExaminer({ maxPixels: settings['max-pixels'], log });
  platform.onStop(async () => {
    await examiner.close();
    await downloads.close();
    await messages.close();
  });
  const limits = limitsOf(settings);
  const paths = pathsOf(settings, platform.alone);

  const callBack = async (
    transaction: Parameters<WorkPlatform['jobs']['enqueueIn']>[0],
    attempts: number,
    body: CallbackBody,
  ) => {
    if (settings['callback-url'] === undefined) return;
    const idempotencyKey = callbackKey(body.job_id, attempts);
    // Before the packages that wait: whoever is called frees a machine.
    await platform.jobs.enqueueIn(transaction, callback, body, { idempotencyKey, priority: callbackPriority });
  };

  return [
    defineJob({
      ...noTrainingData,
      async run({ id, input, attempts, signal, progress, whenDone }) {
        const folder = new PackageFolder(platform.dataFolder, id);
        const model = await imageModel(platform, settings['image-model']);
        const { counts } = await processPackage(input, {
          folder,
          limits,
          examiner,
          signal,
          download: (url, into, maxBytes, stop) =>
            downloads.download(url, {
              into,
              maxBytes,
              timeoutMs: downloadMs,
              minBytesPerSecond: slowest,
              signal: stop,
            }),
          progress: (done, total, current) => progress({ done, total, current }),
          ...(model === undefined ? {} : { model }),
        }).catch((error: unknown) => {
          throw isTransient(error) || !(error instanceof VitrinaError)
            ? error
            : new JobRefused(error.message, error.code);
        });
        const { ntd_transaction_id, no_transaction_id } = input;
        const manifest_url = manifestUrl(paths, id);
        whenDone((transaction) =>
          callBack(transaction, attempts, {
            job_id: id,
            ntd_transaction_id,
            no_transaction_id,
            status: 'succeeded',
            counts,
            manifest_url,
            error: null,
          }),
        );
        return { counts, manifest_url };
      },
      ended: (transaction, { id, attempts, input, error }) =>
        callBack(transaction, attempts, {
          job_id: id,
          ntd_transaction_id: input.ntd_transaction_id,
          no_transaction_id: input.no_transaction_id,
          status: 'failed',
          counts: null,
          manifest_url: null,
          error: error.message,
        }),
      removed: (id) => new PackageFolder(platform.dataFolder, id).remove(),
    }),
    defineJob({
      ...callback,
      run: ({ input, signal }) => tell(messages, settings['callback-url'], input, signal, settings['callback-secret']),
    }),
    defineJob({
      ...announce,
      run: ({ input, signal }) => tell(messages, settings['announce-url'], input, signal, settings['callback-secret']),
    }),
  ];
}

function limitsOf(settings: ReturnType<typeof readSettings>): PackageLimits {
  const bytes = settings['max-inflated-mb'] * 2 ** 20;
  const { zip, maxZipBytes } = defaultPackageLimits;
  return {
    ...defaultPackageLimits,
    zip: { ...zip, maxEntries: settings['max-entries'], maxTotalBytes: bytes },
    maxZipBytes: Math.min(maxZipBytes, bytes),
    maxFetchedBytes: bytes,
    timeoutMs: settings['package-timeout-seconds'] * 1000,
  };
}
