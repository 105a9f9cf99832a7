import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.js';
import type { Conversion } from '../../signature.js';
import { sweepUnused } from '../repository/sweep-unused.js';

/**
 * Conversions by the artefact's sha256, so that a restart converts nothing again. An entry also carries the revision
 * of the converter that made it: after an upgrade the artefact is converted anew.
 *
 * An entry is a folder with `graph.onnx` and `conversion.json`, written beside and renamed into place: a crash leaves
 * none that is half written, and two processes may write the same one.
 */
export class ConversionCache {
  constructor(private readonly folder: string) {}

  /** Removes what has not been read for months: conversions of artefacts that went, and of older converters. */
  sweep(): void {
    sweepUnused(this.folder, /^[0-9a-f]{64}-|^\.draft-/);
  }

  read(sha256: string): Conversion | undefined {
    const entry = this.entry(sha256);
    if (!existsSync(entry)) return undefined;
    try {
      const rest = JSON.parse(readFileSync(join(entry, 'conversion.json'), 'utf8')) as Omit<Conversion, 'graph'> & {
        graphSha256: string;
      };
      const graph = new Uint8Array(readFileSync(join(entry, 'graph.onnx')));
      if (sha256Of(graph) !== rest.graphSha256) return undefined;
      const { graphSha256: _, ...conversion } = rest;
      const now = new Date();
      utimesSync(entry, now, now);
      return { graph, ...conversion };
    } catch {
      return undefined;
    }
  }

  write(sha256: string, { graph, ...conversion }: Conversion): void {
    const draft = join(this.folder, `.draft-${randomUUID()}`);
    mkdirSync(draft, { recursive: true });
    writeFileSync(join(draft, 'graph.onnx'), graph);
    const rest = { ...conversion, graphSha256: sha256Of(graph) };
    writeFileSync(join(draft, 'conversion.json'), JSON.stringify(rest, null, 1));
    const entry = this.entry(sha256);
    rmSync(entry, { recursive: true, force: true });
    try {
      renameSync(draft, entry);
    } catch (error) {
      // Another process was quicker with the same conversion.
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(entry)) throw error;
    }
  }

  private entry(sha256: string): string {
    return join(this.folder, `${sha256}-${converterRevision()}`);
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

let revision: string | undefined;

/**
 * A digest of the code that reads and converts, made by the build: equal revisions convert equally, and nobody has to
 * remember to bump it. Run from sources, which change under one's hands, every process has its own.
 */
function converterRevision(): string {
  const file = join(packageRoot, 'dist/converter-revision');
  revision ??= import.meta.url.endsWith('.ts') ? `sources-${process.pid}` : readFileSync(file, 'utf8');
  return revision;
}
