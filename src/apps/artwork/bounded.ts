/**
 * Does `work` on the items in their order, at most `limit` at a time. The first failure stops what has not begun and is
 * thrown when what has begun is over.
 */
export async function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const lane = async () => {
    while (failure === undefined) {
      const { done, value } = await source.next();
      if (done) return;
      await work(value);
    }
  };
  const guarded = () =>
    lane().catch((error: unknown) => {
      failure ??= { error };
    });
  await Promise.all(Array.from({ length: limit }, guarded));
  await source.return?.();
  if (failure !== undefined) throw failure.error;
}
