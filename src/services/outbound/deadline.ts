/**
 * Does `work` with a controller that is aborted when `milliseconds` are over, with what `expired` makes, or when `outer`
 * is, with its reason. `work` may abort it too. One timer and one listener, and none after the work; `AbortSignal.any`
 * would leave something behind on `outer` for each request of a long job.
 */
export async function within<T>(
  milliseconds: number,
  outer: AbortSignal | undefined,
  expired: () => Error,
  work: (stop: AbortController) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const stop = new AbortController();
  const forward = () => stop.abort(outer?.reason);
  outer?.addEventListener('abort', forward, { once: true });
  const timer = setTimeout(() => stop.abort(expired()), milliseconds);
  try {
    return await work(stop);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', forward);
  }
}

/** What `promise` comes to, or the signal's reason as soon as it is aborted, whatever becomes of the promise. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
