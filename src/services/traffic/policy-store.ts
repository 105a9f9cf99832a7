import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VitrinaError } from '../../errors.js';
import { replaceFile } from '../durable-files.js';
import { isModelName } from '../repository/model-yaml.js';
import { readPolicy, type TrafficPolicy } from './policy.js';

const policyName = 'traffic.json';
const generationName = '.traffic';

/**
 * The traffic policies of one data folder: `<model>/traffic.json` below it. Every change is one rename of what has
 * reached the disk, and then one of the file `.traffic`, by which other processes notice.
 */
export class PolicyStore {
  constructor(private readonly folder: string) {}

  /** Models that have a policy, readable or not. */
  models(): string[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder).filter(
      (name) => isModelName(name) && existsSync(join(this.folder, name, policyName)),
    );
  }

  /** Errors: `path-unusable` for a file that holds no policy. */
  read(model: string): TrafficPolicy | undefined {
    const path = join(this.folder, model, policyName);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new VitrinaError('path-unusable', { path, problem: 'the file cannot be read' }, { cause: error });
    }
    try {
      return readPolicy(JSON.parse(text));
    } catch (cause) {
      const problem = `it holds no traffic policy (${(cause as Error).message.slice(0, 200)}); put the policy again, or delete the file`;
      throw new VitrinaError('path-unusable', { path, problem }, { cause });
    }
  }

  write(model: string, policy: TrafficPolicy): void {
    const folder = join(this.folder, model);
    mkdirSync(folder, { recursive: true });
    replaceFile(folder, policyName, JSON.stringify(policy));
    this.mark();
  }

  remove(model: string): void {
    rmSync(join(this.folder, model, policyName), { force: true });
    this.mark();
  }

  /** Another text after every change, whichever process made it. */
  async generation(): Promise<string> {
    const found = await stat(join(this.folder, generationName), { bigint: true }).catch(() => undefined);
    return found === undefined ? '' : `${found.ino}:${found.mtimeNs}`;
  }

  private mark(): void {
    mkdirSync(this.folder, { recursive: true });
    replaceFile(this.folder, generationName, randomUUID());
  }
}

const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
