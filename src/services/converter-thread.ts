/** The inside of the converter's thread. */
import { parentPort } from 'node:worker_threads';
import { convertArtefact } from '../convert/index.js';
import { VitrinaError } from '../errors.js';
import type { Conversion } from '../signature.js';

export type ToConversion = { bytes: Uint8Array; file: string; member: string | undefined };
export type FromConversion = { conversion: Conversion } | { error: { code: string; fields: unknown } };

const port = parentPort!;

port.on('message', async (task: ToConversion) => {
  port.postMessage(await answer(task));
});

async function answer({ bytes, file, member }: ToConversion): Promise<FromConversion> {
  try {
    return { conversion: await convertArtefact(bytes, file, { member }) };
  } catch (error) {
    if (error instanceof VitrinaError) return { error: { code: error.code, fields: error.fields } };
    const reason = error instanceof Error ? error.message : String(error);
    return { error: { code: 'conversion-failed', fields: { file, reason } } };
  }
}
