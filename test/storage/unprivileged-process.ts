/** Opens the databases named by the arguments as a user without privileges, and prints the code of each refusal. */
import { VitrinaError } from '../../src/errors.js';
import { openDatabase } from '../../src/storage/index.js';

// Everything is loaded while files can still be read.
await (await openDatabase({ path: ':memory:' })).close();
if (process.getuid!() === 0) process.setuid!(65_534);

const outcomes: string[] = [];
for (const path of process.argv.slice(2)) {
  try {
    await (await openDatabase({ path })).close();
    outcomes.push('opened');
  } catch (error) {
    outcomes.push(error instanceof VitrinaError ? error.code : String(error));
  }
}
process.stdout.write(JSON.stringify(outcomes));
