import { VitrinaError } from '../errors.js';
import {
  type Admission,
  defaultThrottleLimits,
  type LoginThrottle,
  MemoryLoginThrottle,
} from '../services/accounts/login-throttle.js';
import type { FromWorker, ToWorker } from './messages.js';

/** How a login that was let through ended. */
export type Outcome = 'succeeded' | 'failed' | 'withdrawn';

/** The primary's half: the one count of failed logins, whichever worker meets them. */
export class ThrottleKeeper {
  private readonly throttle: LoginThrottle = new MemoryLoginThrottle(defaultThrottleLimits, Date.now);
  /** By worker: logins whose password is being compared. */
  private readonly open = new Map<object, Map<number, Admission>>();

  async admit(
    worker: { send(message: ToWorker): void },
    { id, user, address }: { id: number; user: string; address: string },
  ): Promise<void> {
    const admissions = this.open.get(worker) ?? new Map<number, Admission>();
    this.open.set(worker, admissions);
    try {
      const admission = await this.throttle.admit(user, address);
      // A worker that died meanwhile has compared nothing.
      if (!this.open.has(worker)) return await admission.withdraw();
      admissions.set(id, admission);
      worker.send({ kind: 'admitted', id, known: admission.known });
    } catch (error) {
      if (!(error instanceof VitrinaError) || error.code !== 'login-throttled') throw error;
      worker.send({ kind: 'throttled', id, retryAfter: (error.fields as { retryAfter: number }).retryAfter });
    }
  }

  async settle(worker: object, id: number, outcome: Outcome): Promise<void> {
    const admission = this.open.get(worker)?.get(id);
    this.open.get(worker)?.delete(id);
    if (outcome === 'succeeded') await admission?.succeeded();
    if (outcome === 'failed') await admission?.failed();
    if (outcome === 'withdrawn') await admission?.withdraw();
  }

  /** Whoever makes workers die must not win guesses by it: what was being compared counts as failed. */
  forget(worker: object): void {
    const admissions = this.open.get(worker);
    this.open.delete(worker);
    for (const admission of admissions?.values() ?? []) void admission.failed();
  }
}

/** A worker's half: asks the primary, which costs little beside the hash of a password. */
export class SharedThrottle implements LoginThrottle {
  private readonly waiting = new Map<number, (message: ToWorker | undefined) => void>();
  private count = 0;

  constructor(private readonly send: (message: FromWorker) => boolean) {}

  async admit(user: string, address: string): Promise<Admission> {
    const id = ++this.count;
    const answered = new Promise<ToWorker | undefined>((resolve) => this.waiting.set(id, resolve));
    if (!this.send({ kind: 'admit', id, user, address })) this.abandon();
    const answer = await answered;
    if (answer?.kind === 'throttled') {
      const { retryAfter } = answer;
      throw new VitrinaError('login-throttled', { retryAfter }, { headers: { 'Retry-After': String(retryAfter) } });
    }
    // Without the primary nobody counts, and this process is about to end.
    if (answer?.kind !== 'admitted') {
      throw new VitrinaError('login-busy', { retryAfter: 1 }, { headers: { 'Retry-After': '1' } });
    }
    const settle = (outcome: Outcome) => async () => {
      this.send({ kind: 'settle', id, outcome });
    };
    return {
      known: answer.known,
      succeeded: settle('succeeded'),
      failed: settle('failed'),
      withdraw: settle('withdrawn'),
    };
  }

  /** Takes the primary's answers. */
  receive(message: ToWorker): void {
    if (message.kind !== 'admitted' && message.kind !== 'throttled') return;
    this.waiting.get(message.id)?.(message);
    this.waiting.delete(message.id);
  }

  /** Nobody will answer any more. */
  abandon(): void {
    for (const resolve of this.waiting.values()) resolve(undefined);
    this.waiting.clear();
  }
}
