/**
 * Scans every file of the folder named on the command line, as `vitrina scan` does, and prints one JSON: the reports,
 * the seconds of processor time of each, and the megabytes by which the process grew at most.
 */
import { join } from 'node:path';
import { listFiles, Scanner } from '../../src/services/scanning/scan.js';

const [folder = '', control = ''] = process.argv.slice(2);
// A busy machine shall not decide: processor time is what counts here.
const scanner = new Scanner(20);
await scanner.scan(control);
const before = process.memoryUsage.rss();
let highest = before;
const watch = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage.rss());
}, 5);
const results = [];
for (const file of listFiles(join(folder))) {
  const start = process.cpuUsage();
  const { verdict, code, message, globals } = await scanner.scan(file);
  const { user, system } = process.cpuUsage(start);
  results.push({ file, verdict, code, message, globals, seconds: (user + system) / 1e6 });
}
clearInterval(watch);
await scanner.close();
process.stdout.write(JSON.stringify({ results, megabytes: (highest - before) / 2 ** 20 }));
