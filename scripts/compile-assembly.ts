/** `npm run assembly`: compiles `assembly/` to WebAssembly. A test fails when the outcome is out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(import.meta.dirname, '..');
export const compiled = 'src/plugins/json-assembly-code.ts';

/** The module with the code in it, as text: it needs no file beside it, wherever the program is bundled to. */
export async function compileAssembly(): Promise<string> {
  let code: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ['index.ts', '-o', 'code', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '10'],
    {
      readFile: (name) => {
        try {
          return readFileSync(join(root, 'assembly', name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (_name, contents) => {
        code = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || code === undefined) throw new Error(stderr.toString(), { cause: error });
  return `/** WebAssembly of assembly/, compiled by \`npm run assembly\`. */
export const code =
  '${Buffer.from(code).toString('base64')}';
`;
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  writeFileSync(join(root, compiled), await compileAssembly());
  process.stdout.write(`${compiled}\n`);
}
