/** `npm run corpus`: writes the messages that the spam app learns from. A test fails when the file is another. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCorpus } from './spam-corpus/index.js';

const file = 'src/apps/spam/spam.csv';
writeFileSync(join(import.meta.dirname, '..', file), makeCorpus());
process.stdout.write(`${file}\n`);
