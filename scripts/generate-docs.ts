/** `npm run docs`: writes the documents that are generated from code. A test fails when one is out of date. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents } from './documents.js';

for (const [file, text] of Object.entries(documents())) {
  writeFileSync(join(import.meta.dirname, '..', file), text);
  process.stdout.write(`${file}\n`);
}
