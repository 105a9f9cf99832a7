import type { Command } from 'commander';
import { listFiles, Scanner, type ScanReport } from '../services/scanning/scan.js';
import { exitCodes } from './exit-codes.js';

export function register(program: Command): void {
  program
    .command('scan')
    .description(
      'Say whether files are safe to load: pickles, joblib, NumPy, HDF5, Keras, ONNX, zip. Nothing is executed.',
    )
    .argument('<path...>', 'files or folders')
    .option('--json', 'one JSON line a file: file, verdict, code, message, globals, format, what, bytes, notes')
    .addHelpText(
      'after',
      `
Verdicts: clean, or refused with a code: the file could run code, reach outside of itself or exhaust the machine when
the usual library loads it, or it is damaged. A model that Vitrina merely cannot convert is clean, with a note.
Exit code 1 when a file was refused.

Examples:
  vitrina scan model.pkl
  vitrina scan models --json`,
    )
    .action(async (paths: string[], flags: { json?: true }) => {
      const scanner = new Scanner();
      const counts = { clean: 0, refused: 0 };
      try {
        for (const file of paths.flatMap(listFiles)) {
          const report = await scanner.scan(file);
          counts[report.verdict]++;
          process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : print(report));
        }
      } finally {
        await scanner.close();
      }
      const { clean, refused } = counts;
      (flags.json ? process.stderr : process.stdout).write(
        `${clean + refused} files: ${clean} clean, ${refused} refused\n`,
      );
      if (refused > 0) process.exitCode = exitCodes.failed;
    });
}

function print({ file, verdict, code, message, what, notes }: ScanReport): string {
  const lines = [`${verdict.padEnd(8)}${file}${what === null ? '' : `  ${what}`}${code === null ? '' : `  ${code}`}`];
  if (message !== null) lines.push(`        ${message}`);
  for (const note of notes) lines.push(`        ${note}`);
  return `${lines.join('\n')}\n`;
}
