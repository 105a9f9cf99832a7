/** Serves a model of its own when it is told to, and notes whether it made it. */
import { appendFileSync, readFileSync } from 'node:fs';
import { ModelRepository } from '../../../src/services/repository/model-repository.js';
import { serveOwnModel } from '../../../src/services/repository/own-model.js';

const [folder, graph, log, cacheFolder] = process.argv.slice(2) as [string, string, string, string];
process.once('message', async () => {
  const models = new ModelRepository({ paths: [], cacheFolder, maxQueueRows: 100 });
  await models.refresh();
  const make = () => {
    appendFileSync(log, 'made\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    return readFileSync(graph);
  };
  await serveOwnModel(models, folder, 'm', { digest: 'one', make });
  if (models.get('m').version !== '1') throw new Error('the model should answer');
  await models.close();
  process.disconnect();
});
process.send!('ready');
