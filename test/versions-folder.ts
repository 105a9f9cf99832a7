import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Conversion } from '../src/signature.js';

/** A repository folder with several versions of one model; `yaml` lies beside them. */
export function folderOfVersions(model: string, versions: Readonly<Record<string, Conversion>>, yaml = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-versions-'));
  for (const [version, { graph }] of Object.entries(versions)) {
    mkdirSync(join(folder, model, version), { recursive: true });
    writeFileSync(join(folder, model, version, 'model.onnx'), graph);
  }
  if (yaml !== '') writeFileSync(join(folder, model, 'model.yaml'), yaml);
  return folder;
}
