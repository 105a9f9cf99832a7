import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import { type Inspection, inspectArtefact } from '../convert/inspect.js';
import { describe } from '../services/prediction-service.js';
import { readArtefact } from '../services/repository-scan.js';
import { exitCodes } from './exit-codes.js';

export function register(program: Command): void {
  program
    .command('inspect')
    .description('Say what a file is: format, library, layers, sizes, signature. Nothing of it is executed.')
    .argument('<artefact>', 'any file; its bytes decide what it is')
    .option('--json', 'print everything as one JSON object')
    .addHelpText(
      'after',
      '\nExit code 1 when the file cannot be served; the reason is printed.\n\nExamples:\n  vitrina inspect LSTM.h5\n  vitrina inspect unknown.pkl --json',
    )
    .action(async (file: string, flags: { json?: true }) => {
      const bytes = readArtefact(file);
      const inspection = await inspectArtefact(bytes, file);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      process.stdout.write(
        flags.json ? `${JSON.stringify({ file, sha256, ...inspection })}\n` : print(file, sha256, inspection),
      );
      if (inspection.refusal !== null) process.exitCode = exitCodes.failed;
    });
}

function print(file: string, sha256: string, inspection: Inspection): string {
  const { what, bytes, library, libraryVersion, layers, variables, parameters, signature, graph, notes, refusal } =
    inspection;
  const lines = [`${file}: ${what}, ${bytes} bytes`, `sha256 ${sha256}`];
  if (library !== null) lines.push(`written by ${library} ${libraryVersion ?? '(version unknown)'}`);
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
