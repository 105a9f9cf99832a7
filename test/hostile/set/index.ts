import { hostileArchives } from './archives.js';
import { hostileArrays } from './arrays.js';
import type { HostileFile } from './file.js';
import { hostileHdf5 } from './hdf5.js';
import { hostileKeras } from './keras.js';
import { hostileOnnx } from './onnx.js';
import { hostilePickles } from './pickles.js';

export type { HostileFile } from './file.js';

/** Every hostile file there is, made anew. */
export const hostileSet = (): HostileFile[] => [
  ...hostilePickles(),
  ...hostileArrays(),
  ...hostileHdf5(),
  ...hostileKeras(),
  ...hostileOnnx(),
  ...hostileArchives(),
];
