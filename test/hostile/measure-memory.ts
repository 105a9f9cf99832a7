/** Prints what reading the files named on the command line came to, and by how much the process grew at most. */
import { readFileSync } from 'node:fs';
import { VitrinaError } from '../../src/errors.js';
import { readJoblib } from '../../src/formats/joblib/index.js';

readJoblib(Buffer.from('N.'));
const before = process.resourceUsage().maxRSS;
const codes = process.argv.slice(2).map((path) => {
  global.gc?.();
  try {
    readJoblib(readFileSync(path));
    return 'read';
  } catch (error) {
    return error instanceof VitrinaError ? error.code : String(error);
  }
});
process.stdout.write(JSON.stringify({ codes, megabytes: (process.resourceUsage().maxRSS - before) / 1024 }));
