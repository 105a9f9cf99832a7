import type { Placement, Timing } from '../../runtime/index.js';
import type { Guard, Provenance, Signature } from '../../signature.js';
import type { Batcher } from '../batching/batcher.js';

/** A version whose graph is loaded and whose golden file, if it has one, was met. */
export interface ReadyVersion {
  readonly model: string;
  readonly version: string;
  readonly signature: Signature;
  /** Outputs of the batcher that no caller sees. */
  readonly guards: readonly Guard[];
  readonly provenance: Provenance;
  readonly description: string | undefined;
  readonly labels: readonly string[] | undefined;
  readonly sha256: string;
  readonly artefact: string;
  readonly graphBytes: number;
  /** When the artefact was written, in ISO 8601. */
  readonly created: string;
  readonly placement: Placement;
  readonly timing: Timing | undefined;
  /** What loading it took; `conversionMs` is the part of the conversion, 0 when it was recalled. */
  readonly loading: { readonly totalMs: number; readonly conversionMs: number };
  readonly maxBatchRows: number;
  readonly maxDelayMs: number;
  readonly golden: 'passed' | 'none';
  /** One row of inputs that means something, by name, where the golden file has one. */
  readonly example: Readonly<Record<string, unknown>> | undefined;
  readonly batcher: Batcher;
  /** The file called `name` beside the artefact or beside `model.yaml`. */
  companion(name: string): string | undefined;
  close(): Promise<void>;
}
