import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Command } from 'commander';
import { disassembleArtefact, type PickleDescription } from '../convert/describe-pickle.js';
import { type Inspection, inspectArtefact } from '../convert/inspect.js';
import { type Disassembled, disassemblyLines, reprArgument } from '../formats/pickle/index.js';
import { describe } from '../services/predictions/prediction-service.js';
import { openArtefact } from '../services/repository/repository-scan.js';
import { exitCodes } from './exit-codes.js';

interface Flags {
  readonly json?: true;
  readonly opcodes: boolean;
}

export function register(program: Command): void {
  program
    .command('inspect')
    .description(
      'Say what a file is: format, library, layers or estimators, sizes, signature. Nothing of it is executed.',
    )
    .argument('<artefact>', 'any file; its bytes decide what it is; file.pkl#member for one object of several')
    .option('--json', 'print everything as one JSON object')
    .option('--no-opcodes', 'leave out the opcodes of a pickle')
    .addHelpText(
      'after',
      `
Of a pickle every opcode is printed below, as "python -m pickletools -a" prints them; it need not be one that can be read.
Exit code 1 when the file cannot be served; the reason is printed.

Examples:
  vitrina inspect LSTM.h5
  vitrina inspect unknown.pkl --json
  vitrina inspect forest.joblib --no-opcodes`,
    )
    .action(async (artefact: string, flags: Flags) => {
      const { file, bytes, member } = openArtefact(artefact);
      const inspection = await inspectArtefact(bytes, file, { member });
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const parts = flags.opcodes ? disassembleArtefact(bytes) : [];
      const head = { file: artefact, sha256, ...inspection };
      await writeAll(flags.json ? toJson(head, parts) : toText(print(artefact, sha256, inspection), parts));
      if (inspection.refusal !== null) process.exitCode = exitCodes.failed;
    });
}

/** Pieces of output, each when the reader has taken the one before: a listing may be longer than memory. */
async function writeAll(pieces: Iterable<string>): Promise<void> {
  let buffer = '';
  const flush = async () => {
    if (!process.stdout.write(buffer)) await once(process.stdout, 'drain');
    buffer = '';
  };
  for (const piece of pieces) {
    buffer += piece;
    if (buffer.length > 65_536) await flush();
  }
  if (buffer !== '') await flush();
}

function* toText(head: string, parts: Iterable<Disassembled>): Generator<string> {
  yield head;
  let first = true;
  for (const line of disassemblyLines(parts)) {
    yield first ? `\n${line}\n` : `${line}\n`;
    first = false;
  }
}

/** The inspection with `opcodes`, a list of {position, opcode, argument} and of what lies between them. */
function* toJson(head: object, parts: Iterable<Disassembled>): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"opcodes":[`;
  let separator = '';
  for (const part of parts) {
    yield separator + JSON.stringify(toEntry(part));
    separator = ',';
  }
  yield ']}\n';
}

function toEntry(part: Disassembled): object {
  const { position } = part;
  if (part.kind === 'end') return { position, end: true, protocol: part.protocol };
  if (part.kind !== 'instruction') return { position, note: part.what };
  const { info, argument, mark, memo } = part;
  return {
    position,
    opcode: info.name,
    argument: argument === undefined ? null : reprArgument(argument),
    ...(mark === undefined ? {} : { mark }),
    ...(memo === undefined ? {} : { memo }),
  };
}

function print(file: string, sha256: string, inspection: Inspection): string {
  const { what, bytes, library, libraryVersion, layers, variables, parameters, signature, graph, notes, refusal } =
    inspection;
  const lines = [`${file}: ${what}, ${bytes} bytes`, `sha256 ${sha256}`];
  if (library !== null) lines.push(`written by ${library} ${libraryVersion ?? '(version unknown)'}`);
  if (inspection.pickle !== null) lines.push(...printPickle(file, inspection.pickle));
  const width = Math.max(0, ...layers.map(({ name }) => name.length));
  if (layers.length > 0) lines.push('', `layers (${layers.length})`);
  for (const { name, className } of layers) lines.push(`  ${name.padEnd(width)}  ${className}`);
  if (variables.length > 0) lines.push('', `variables (${variables.length}, ${parameters} numbers)`);
  for (const { path, dtype, shape } of variables) lines.push(`  ${path}  ${dtype}[${shape.join(', ')}]`);
  if (signature !== null) {
    lines.push('', 'signature');
    for (const spec of signature.inputs) lines.push(`  input   ${spec.name} ${describe(spec)}`);
    for (const spec of signature.outputs) lines.push(`  output  ${spec.name} ${describe(spec)}`);
  }
  if (graph !== null) {
    const operators = Object.entries(graph.operators).map(([name, count]) =>
      count === 1 ? name : `${count} × ${name}`,
    );
    lines.push('', `ONNX form: ${graph.bytes} bytes, ${operators.join(', ')}`);
  }
  for (const note of notes) lines.push('', note);
  if (refusal !== null) lines.push('', `cannot be served: ${refusal.message}`);
  return `${lines.join('\n')}\n`;
}

function printPickle(file: string, { holds, estimators, members }: PickleDescription): string[] {
  const lines = [`holds ${holds}`];
  if (members.length > 0) {
    lines.push('', 'members');
    for (const { what, selector } of members) lines.push(`  ${file}${selector}  ${what}`);
  }
  if (estimators.length > 0) lines.push('', `estimators (${estimators.length})`);
  for (const { name, depth, className, parameters, fitted } of estimators) {
    const indent = '  '.repeat(depth + 1);
    lines.push(`${indent}${name === '' ? '' : `${name}  `}${className}`);
    const shown = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
    if (shown.length > 0) lines.push(`${indent}    ${shown.join(', ')}`);
    const learnt = Object.entries(fitted).map(([key, value]) => `${key} ${value}`);
    if (learnt.length > 0) lines.push(`${indent}    ${learnt.join('; ')}`);
  }
  return lines;
}
