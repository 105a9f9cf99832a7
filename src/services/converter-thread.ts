/** The inside of the converter's thread. */
import { parentPort } from 'node:worker_threads';
import { convertArtefact } from '../convert/index.js';
import { VitrinaError } from '../errors.js';
import type { Conversion } from '../signature.js';

export type FromConversion = { conversion: Conversion } | { error: { code: string; fields: unknown } };

const port = parentPort!;

port.on('message', async ({ bytes, file }: { bytes: Uint8Array; file: string }) => {
  port.postMessage(await answer(bytes, file));
});

async function answer(bytes: Uint8Array, file: string): Promise<FromConversion> {
  try {
    return { conversion: await convertArtefact(bytes, file) };
  } catch (error) {
    if (error instanceof VitrinaError) return { error: { code: error.code, fields: error.fields } };
    const reason = error instanceof Error ? error.message : String(error);
    return { error: { code: 'conversion-failed', fields: { file, reason } } };
  }
}
