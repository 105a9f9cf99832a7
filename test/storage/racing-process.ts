/** Opens one new database after another, each at an instant that a sibling process knows too. */
import { join } from 'node:path';
import { openDatabase } from '../../src/storage/index.js';

const [folder = '', start = '', rounds = ''] = process.argv.slice(2);
await (await openDatabase({ path: ':memory:' })).close();
for (let round = 0; round < Number(rounds); round++) {
  const instant = Number(start) + round * 60;
  while (Date.now() < instant - 10) await new Promise((resolve) => setTimeout(resolve, 2));
  while (performance.timeOrigin + performance.now() < instant);
  await (await openDatabase({ path: join(folder, `${round}.db`) })).close();
}
