import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { VitrinaError } from '../../index.js';
import { inParallel } from './bounded.js';
import type { ImageExaminer } from './image-examiner.js';
import type { ImageFacts, ImageSource, PixelRequest } from './image-task.js';
import {
  brokenImage,
  goodImage,
  type ImageCounts,
  type ImageRecord,
  type Manifest,
  makeManifest,
  type NamedOrigin,
} from './manifest.js';
import type { PackageFolder } from './package-folder.js';
import { planImages } from './package-plan.js';
import type { ArtworkPackage } from './receiver-body.js';
import { isTransient } from './transience.js';
import { defaultZipLimits, type ZipLimits } from './zip-entries.js';
import { openZipPackage, type ZipPackage } from './zip-package.js';

/**
 * Brings what is at an address into a new file, of at most `maxBytes`; leaves none where it fails. Errors are those of
 * the catalogue: `isTransient` tells which of them are worth another try.
 */
export type Download = (url: string, into: string, maxBytes: number, signal: AbortSignal) => Promise<unknown>;

export interface PackageLimits {
  readonly zip: ZipLimits;
  /** Bytes of the zip file. */
  readonly maxZipBytes: number;
  /** Bytes of one image that is fetched by itself. */
  readonly maxImageBytes: number;
  /** Bytes of all images that are fetched by themselves; those beyond are reported as not fetched. */
  readonly maxFetchedBytes: number;
  /** Images that are fetched at the same time, each of which lies on the disk until it has been looked at. */
  readonly downloads: number;
  /** How often an image is asked for before it is reported as not fetched. */
  readonly tries: number;
  /** Milliseconds before the second try; twice as many before each one after. */
  readonly firstPauseMs: number;
  /** Milliseconds for the whole package. */
  readonly timeoutMs: number;
}

export const defaultPackageLimits: PackageLimits = {
  zip: defaultZipLimits,
  maxZipBytes: 512 * 2 ** 20,
  maxImageBytes: 64 * 2 ** 20,
  maxFetchedBytes: 512 * 2 ** 20,
  downloads: 4,
  tries: 3,
  firstPauseMs: 500,
  timeoutMs: 3_600_000,
};

export interface PackageSteps {
  readonly download: Download;
  readonly examiner: ImageExaminer;
  readonly folder: PackageFolder;
  readonly limits: PackageLimits;
  /** Ends the work; nothing of it is kept. */
  readonly signal: AbortSignal;
  /** Called when an image is done: how many are, of how many, and the name of this one. */
  readonly progress?: (done: number, total: number, current: string) => void;
  /** An image model: what it takes, and what it says. */
  readonly model?: {
    readonly pixels: PixelRequest;
    predict(pixels: Float32Array, facts: ImageFacts): Promise<unknown>;
  };
}

/** A run under way. */
interface Run extends PackageSteps {
  readonly work: string;
  /** By the image's number; holes where one is not done yet. */
  readonly records: ImageRecord[];
  readonly total: number;
  done: number;
  fetchedBytes: number;
  /** Images that could not be fetched and might have been another time, and why the first of them. */
  unreachable: number;
  outage?: VitrinaError;
}

/**
 * Fetches a package, looks at each of its images, and leaves manifest and thumbnails in the folder. The images of the zip
 * file come first, then those addresses whose file names it does not have. An image that is broken or cannot be fetched
 * is reported in its place. May be repeated.
 *
 * @throws VitrinaError `package-invalid` for a zip file that is refused, `package-too-slow`, the download's errors where
 *   the zip file, or no image at all, could be fetched, and `image-process-unavailable`
 * @throws the signal's reason
 */
export async function processPackage(
  posted: ArtworkPackage,
  steps: PackageSteps,
): Promise<{ manifest: Manifest; counts: ImageCounts }> {
  const { folder, limits } = steps;
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  try {
    const signal = AbortSignal.any([steps.signal, deadline]);
    const manifest = makeManifest(posted, await examineAll(posted, { ...steps, signal }));
    // The last image may have been done when it was cut off.
    signal.throwIfAborted();
    await folder.commit(manifest);
    return { manifest, counts: manifest.counts };
  } catch (error) {
    steps.signal.throwIfAborted();
    if (deadline.aborted) throw new VitrinaError('package-too-slow', { seconds: limits.timeoutMs / 1000 });
    throw error;
  } finally {
    await folder.closeWork();
  }
}

async function examineAll(posted: ArtworkPackage, steps: PackageSteps): Promise<readonly ImageRecord[]> {
  steps.signal.throwIfAborted();
  const work = await steps.folder.openWork();
  const zip = posted.zip_art === null ? undefined : await fetchZip(posted.zip_art, work, steps);
  try {
    const { entries, urls } = planImages(zip?.names ?? [], posted.arts_path);
    const total = entries.length + urls.length;
    const run: Run = { ...steps, work, records: [], total, done: 0, fetchedBytes: 0, unreachable: 0 };
    if (zip !== undefined) await examineZip(run, zip, entries);
    await inParallel(urls.entries(), steps.limits.downloads, async ([i, origin]) => {
      await examineUrl(run, entries.length + i, origin);
    });
    if (run.outage !== undefined && run.unreachable === total) throw run.outage;
    return run.records;
  } finally {
    zip?.close();
  }
}

async function fetchZip(url: string, work: string, { download, limits, signal }: PackageSteps): Promise<ZipPackage> {
  const file = join(work, 'package.zip');
  await download(url, file, limits.maxZipBytes, signal);
  return openZipPackage(file, limits.zip, signal);
}

async function examineZip(run: Run, zip: ZipPackage, origins: readonly NamedOrigin[]): Promise<void> {
  let number = 0;
  const numbered = async function* () {
    for await (const image of zip.images(run.signal)) yield { image, number: number++ };
  };
  // One image is inflated while as many as there are processes are decoded.
  await inParallel(numbered(), run.examiner.processes + 1, async ({ image, number }) => {
    const origin = origins[number]!;
    if ('fault' in image) return finish(run, number, brokenImage(origin, image));
    await examine(run, number, origin, { bytes: image.bytes });
  });
}

async function examineUrl(run: Run, number: number, origin: NamedOrigin & { source: { url: string } }): Promise<void> {
  const { maxFetchedBytes } = run.limits;
  if (run.fetchedBytes >= maxFetchedBytes) {
    const fault = `was not fetched: those before it have more than ${maxFetchedBytes} bytes, the limit of a package`;
    return finish(run, number, brokenImage(origin, { fault }));
  }
  const path = join(run.work, String(number));
  try {
    const failure = await fetchImage(run, origin.source.url, path);
    if (failure !== undefined) {
      const fault = `could not be fetched: ${failure.message.replace(/\.$/, '')}`;
      return finish(run, number, brokenImage(origin, { fault }));
    }
    const { size } = await stat(path);
    run.fetchedBytes += size;
    await examine(run, number, origin, { path });
  } finally {
    await rm(path, { force: true });
  }
}

/** Why it could not be fetched, where that is so. Errors that are not the address's doing are thrown. */
async function fetchImage(run: Run, url: string, path: string): Promise<VitrinaError | undefined> {
  const { tries, firstPauseMs, maxImageBytes } = run.limits;
  for (let attempt = 1; ; attempt++) {
    try {
      await run.download(url, path, maxImageBytes, run.signal);
      return undefined;
    } catch (error) {
      run.signal.throwIfAborted();
      if (!(error instanceof VitrinaError)) throw error;
      const transient = isTransient(error);
      if (!transient || attempt >= tries) {
        if (transient) {
          run.unreachable++;
          run.outage ??= error;
        }
        return error;
      }
    }
    await rm(path, { force: true });
    await pause(firstPauseMs * 2 ** (attempt - 1), undefined, { signal: run.signal });
  }
}

async function examine(run: Run, number: number, origin: NamedOrigin, source: ImageSource): Promise<void> {
  const { examiner, model, signal } = run;
  const examination = await examiner.examine(source, { signal, pixels: model?.pixels });
  if ('fault' in examination) return finish(run, number, brokenImage(origin, examination));
  const predicted = await predict(run, examination);
  await run.folder.writeThumbnail(number, examination.thumbnail);
  finish(run, number, goodImage(origin, examination, number, predicted));
}

async function predict({ model }: Run, facts: ImageFacts) {
  if (model === undefined || facts.pixels === undefined) return {};
  try {
    return { prediction: await model.predict(facts.pixels, facts) };
  } catch (error) {
    if (isTransient(error)) throw error;
    return { prediction_error: (error as VitrinaError).message };
  }
}

function finish(run: Run, number: number, record: ImageRecord): void {
  run.records[number] = record;
  run.done++;
  run.progress?.(run.done, run.total, record.name);
}
