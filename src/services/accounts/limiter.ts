/**
 * Runs at most `running` tasks at a time and keeps at most `waiting` in line. Urgent tasks have a line of their
 * own, as long as the other, and go first: a flood of strangers cannot keep known users out.
 */
export class Limiter {
  readonly #running: number;
  readonly #waiting: number;
  readonly #overflow: () => Error;
  readonly #urgent: (() => void)[] = [];
  readonly #normal: (() => void)[] = [];
  #active = 0;

  /** @param overflow makes the error for a task that finds its line full */
  constructor(options: { running: number; waiting: number; overflow: () => Error }) {
    this.#running = options.running;
    this.#waiting = options.waiting;
    this.#overflow = options.overflow;
  }

  async run<T>(task: () => Promise<T>, urgent = false): Promise<T> {
    if (this.#active >= this.#running) {
      const line = urgent ? this.#urgent : this.#normal;
      if (line.length >= this.#waiting) throw this.#overflow();
      // Whoever ends hands its place over, so `active` stays as it is.
      await new Promise<void>((resolve) => line.push(resolve));
    } else {
      this.#active++;
    }
    try {
      return await task();
    } finally {
      const next = this.#urgent.shift() ?? this.#normal.shift();
      if (next === undefined) this.#active--;
      else next();
    }
  }
}
