/** Writes numbered lines to a log that other processes write to as well. */
import { SharedLogFile } from '../../../src/services/logs/shared-log-file.js';

const [folder = '', name = '', count = ''] = process.argv.slice(2);
const log = new SharedLogFile({
  folder,
  name: 'app.log',
  maxBytes: 4_000,
  keep: 1_000,
  onError: (error) => {
    throw error;
  },
});
for (let i = 0; i < Number(count); i++) {
  log.append(`${name} ${i} ${'x'.repeat(50)}\n`);
  if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
}
await log.close();
