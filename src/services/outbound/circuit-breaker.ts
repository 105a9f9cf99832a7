import { VitrinaError } from '../../errors.js';

export interface BreakerOptions {
  /** Failures in a row after which an origin is left alone. */
  readonly failures: number;
  /** Milliseconds for which it is, before one request may try it. */
  readonly coolDownMs: number;
  /** Hears of an origin that is left alone from now on. */
  readonly onOpen?: (origin: string, failures: number) => void;
}

/** What an attempt says of the origin: it answers, it does not, or nothing. */
export type Verdict = 'well' | 'failed' | 'nothing';

interface Circuit {
  failures: number;
  /** Milliseconds of the monotonic clock. */
  openUntil: number;
  isProbing: boolean;
}

/** Origins that are remembered: whoever names many of them must not fill the memory. */
const mostOrigins = 1000;

/** Leaves origins alone that have failed several times in a row; after a while one request at a time tries them. */
export class CircuitBreaker {
  private readonly circuits = new Map<string, Circuit>();

  constructor(private readonly options: BreakerOptions) {}

  /**
   * Does `work`, unless its origin is left alone. `judge` tells what the outcome says of the origin.
   *
   * @throws VitrinaError `outbound-circuit-open`; what `work` throws
   */
  async run<T>(
    origin: string,
    work: () => Promise<T>,
    judge: (outcome: { readonly value: T } | { readonly error: unknown }) => Verdict,
  ): Promise<T> {
    const isProbe = this.enter(origin);
    let verdict: Verdict = 'nothing';
    try {
      const value = await work();
      verdict = judge({ value });
      return value;
    } catch (error) {
      verdict = judge({ error });
      throw error;
    } finally {
      this.leave(origin, isProbe, verdict);
    }
  }

  /** Whether the one who enters is the probe of a circuit that is open. */
  private enter(origin: string): boolean {
    const circuit = this.circuits.get(origin);
    if (circuit === undefined || circuit.failures < this.options.failures) return false;
    const leftMs = circuit.openUntil - performance.now();
    if (leftMs > 0 || circuit.isProbing) {
      const seconds = Math.max(1, Math.ceil(leftMs / 1000));
      const headers = { 'Retry-After': String(seconds) };
      throw new VitrinaError('outbound-circuit-open', { origin, failures: circuit.failures, seconds }, { headers });
    }
    circuit.isProbing = true;
    return true;
  }

  private leave(origin: string, isProbe: boolean, verdict: Verdict): void {
    const circuit = this.circuits.get(origin) ?? { failures: 0, openUntil: 0, isProbing: false };
    if (isProbe) circuit.isProbing = false;
    if (verdict === 'nothing') return;
    this.circuits.delete(origin);
    if (verdict === 'well') return;
    circuit.failures++;
    if (circuit.failures >= this.options.failures) circuit.openUntil = performance.now() + this.options.coolDownMs;
    if (circuit.failures === this.options.failures) this.options.onOpen?.(origin, circuit.failures);
    this.circuits.set(origin, circuit);
    if (this.circuits.size > mostOrigins) this.circuits.delete(this.circuits.keys().next().value!);
  }
}
