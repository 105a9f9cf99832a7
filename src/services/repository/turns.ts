/** Lets what concerns one name happen one after the other; other names do not wait. */
export class Turns {
  private readonly tails = new Map<string, Promise<unknown>>();

  /** Runs `work` when everything before it has ended, well or not; gives what it gives. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(name) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result
      // Whoever asked hears of the failure.
      .catch(() => undefined)
      .then(() => {
        if (this.tails.get(name) === tail) this.tails.delete(name);
      });
    this.tails.set(name, tail);
    return result;
  }

  /** Resolves when nothing is going on. */
  async settled(): Promise<void> {
    while (this.tails.size > 0) await Promise.all(this.tails.values());
  }
}
