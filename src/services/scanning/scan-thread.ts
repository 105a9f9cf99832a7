/** The inside of the thread that scans files, one at a time. */
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { newFindings, scanArtefact } from '../../convert/scan/index.js';
import { estimatorRegistry } from '../../convert/sklearn/registry.js';
import { VitrinaError } from '../../errors.js';

/** What the scan of one file came to; `refusal` is `null` when nothing was found. */
export interface ScanAnswer {
  readonly what: string;
  readonly format: string;
  readonly globals: readonly string[];
  readonly notes: readonly string[];
  readonly refusal: { readonly code: string; readonly fields: unknown } | null;
}

const port = parentPort!;

port.postMessage('ready');
port.on('message', async (file: string) => {
  port.postMessage(await scan(file));
});

async function scan(file: string): Promise<ScanAnswer> {
  const findings = newFindings();
  const answer = (refusal: ScanAnswer['refusal']): ScanAnswer => {
    const { what, format, notes, globals } = findings;
    return { what, format, notes, globals: [...globals], refusal };
  };
  try {
    await scanArtefact(new Uint8Array(readFileSync(file)), file, findings);
    const { className, notes } = findings;
    if (className?.startsWith('sklearn.') && !estimatorRegistry.has(className)) {
      notes.push(`It holds an object of class ${className}; there is no converter for it.`);
    }
    return answer(null);
  } catch (error) {
    if (error instanceof VitrinaError) return answer({ code: error.code, fields: error.fields });
    const reason = error instanceof Error ? error.message : String(error);
    return answer({ code: 'conversion-failed', fields: { file, reason } });
  }
}
