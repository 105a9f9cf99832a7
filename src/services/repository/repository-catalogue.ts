import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ArtefactStore } from './artefact-store.js';
import type { ModelState } from './model-state.js';
import { type FoundVersion, scanRepository } from './repository-scan.js';

/** What exists: the versions under the paths that are served, and those that callers sent, under one name together. */
export class RepositoryCatalogue {
  private onPaths = new Map<string, FoundVersion[]>();
  /** What the server made itself, which may go as it came. */
  private readonly own = new Set<string>();

  constructor(
    private readonly paths: readonly string[],
    private readonly store: ArtefactStore | undefined,
  ) {}

  /** Looks at the paths anew; reads nothing but names, sizes and times. Errors: `path-unusable`. */
  scan(): void {
    const found = new Map<string, FoundVersion[]>();
    const paths = [...this.paths, ...[...this.own].filter((path) => existsSync(path))];
    for (const version of paths.flatMap((path) => scanRepository(resolve(path)))) {
      const versions = found.get(version.model);
      if (versions === undefined) found.set(version.model, [version]);
      else if (!versions.some((other) => other.version === version.version)) versions.push(version);
    }
    this.onPaths = found;
  }

  /** A path behind all others: of versions of one number the first counts. */
  add(path: string): void {
    this.own.add(path);
  }

  names(): string[] {
    return [...new Set([...this.onPaths.keys(), ...(this.store?.models() ?? [])])];
  }

  /** How many versions there are, more or less. */
  get size(): number {
    const own = [...this.onPaths.values()].reduce((sum, versions) => sum + versions.length, 0);
    return own + (this.store?.models().length ?? 0);
  }

  /** The versions of a model that are not deleted. Errors: those of `ArtefactStore.stateOf`. */
  of(model: string): { versions: FoundVersion[]; chosen: ModelState['chosen']; revision: number } {
    const state = this.store?.stateOf(model);
    const sent = this.store?.versionsOf(model, state) ?? [];
    const taken = new Set(sent.map(({ version }) => version));
    const own = (this.onPaths.get(model) ?? []).filter(
      ({ version }) => !taken.has(version) && !isHidden(state, Number(version)),
    );
    return { versions: [...sent, ...own], chosen: state?.chosen, revision: state?.revision ?? 0 };
  }

  /** The highest number that a version of the model has or had. */
  lastOf(model: string, state: ModelState): number {
    const own = (this.onPaths.get(model) ?? []).map(({ version }) => Number(version));
    return Math.max(state.last, state.hidden.upTo, ...own);
  }

  hasOnPath(model: string, version: number): boolean {
    return this.onPaths.get(model)?.some((found) => Number(found.version) === version) ?? false;
  }

  /** Of a version on a path: the settings and golden file of its model, which hold for all of its versions. */
  onPath(model: string): FoundVersion | undefined {
    return this.onPaths.get(model)?.at(-1);
  }
}

function isHidden(state: ModelState | undefined, version: number): boolean {
  return state !== undefined && (version <= state.hidden.upTo || state.hidden.also.includes(version));
}
