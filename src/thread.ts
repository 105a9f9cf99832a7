import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts the module `name` (without extension, relative to `base`) in a worker thread. Compiled code runs as it is;
 * from TypeScript sources (tests, development) the thread first registers a loader, which Node 20 does not inherit.
 */
export function startThread(name: string, base: string, options: WorkerOptions): Worker {
  if (base.endsWith('.js')) return new Worker(new URL(`${name}.js`, base), options);
  const module = JSON.stringify(new URL(`${name}.ts`, base).href);
  const load = `import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${module}); });`;
  return new Worker(load, { ...options, eval: true });
}
