/** The inside of the converter's thread. */
import { parentPort } from 'node:worker_threads';
import { convertParts } from '../../convert/index.js';
import { VitrinaError } from '../../errors.js';
import { type FromConversion, fileOf, type ToConversion } from './conversion-task.js';

const port = parentPort!;

port.on('message', async (task: ToConversion) => {
  port.postMessage(await answer(task));
});

async function answer(task: ToConversion): Promise<FromConversion> {
  try {
    return { conversion: await convertParts(task.parts, task.order) };
  } catch (error) {
    if (error instanceof VitrinaError) return { error: { code: error.code, fields: error.fields } };
    const reason = error instanceof Error ? error.message : String(error);
    return { error: { code: 'conversion-failed', fields: { file: fileOf(task), reason } } };
  }
}
