import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { VitrinaError } from '../errors.js';

/**
 * A password from `VITRINA_PASSWORD`, from a pipe (its last line break is none of it), or typed twice at the terminal
 * without being shown. Never from an argument: arguments are in the shell's history and in the list of processes.
 *
 * @throws VitrinaError `password-invalid` when the two differ
 */
export async function readPassword(what = 'Password'): Promise<string> {
  const given = process.env.VITRINA_PASSWORD;
  if (given !== undefined && given !== '') return given;
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, '');
  const first = await ask(`${what}: `);
  if (first !== (await ask(`${what} again: `))) throw new VitrinaError('password-invalid', { why: 'the two differ' });
  return first;
}

async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  lines.on('SIGINT', () => {
    process.stderr.write('\n');
    process.exit(130);
  });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
