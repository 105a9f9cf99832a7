import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { convertArtefact, withMetadata } from '../convert/index.js';
import { VitrinaError } from '../errors.js';
import { describe } from '../services/predictions/prediction-service.js';
import { openArtefact } from '../services/repository/repository-scan.js';

export function register(program: Command): void {
  program
    .command('convert')
    .description('Convert an artefact to ONNX.')
    .argument('<artefact>', 'a .h5, .keras, .pkl, .joblib or .onnx file; file.pkl#member for one object of several')
    .argument('[output]', 'the file to write (default: the name of the artefact with .onnx)')
    .option('-o, --output <file>', 'the same as the second argument')
    .option('--json', 'print the signature and the provenance as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  vitrina convert LSTM.h5\n  vitrina convert model.pkl -o model.onnx\n  vitrina convert model.keras out/model.onnx --json',
    )
    .action(async (artefact: string, output: string | undefined, flags: { output?: string; json?: true }) => {
      const { file, bytes, member } = openArtefact(artefact);
      const target = flags.output ?? output ?? `${file.replace(/\.[^./\\]+$/, '')}.onnx`;
      if (target === file) {
        throw new VitrinaError('path-unusable', {
          path: target,
          problem: 'the output would replace the artefact; name another file',
        });
      }
      const conversion = await convertArtefact(bytes, file, { member });
      const { signature, provenance } = conversion;
      const graph = withMetadata(conversion);
      try {
        writeFileSync(target, graph);
      } catch (cause) {
        throw new VitrinaError('path-unusable', { path: target, problem: 'the file cannot be written' }, { cause });
      }
      if (flags.json) {
        process.stdout.write(`${JSON.stringify({ output: target, bytes: graph.length, signature, provenance })}\n`);
        return;
      }
      process.stdout.write(`${target} (${graph.length} bytes)\n`);
      for (const spec of signature.inputs) process.stdout.write(`  input  ${spec.name} ${describe(spec)}\n`);
      for (const spec of signature.outputs) process.stdout.write(`  output ${spec.name} ${describe(spec)}\n`);
    });
}
