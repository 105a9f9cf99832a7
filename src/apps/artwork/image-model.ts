import { type DataType, VitrinaError, type WorkPlatform } from '../../index.js';
import type { ImageFacts, PixelRequest } from './image-task.js';

export interface ImageModel {
  readonly pixels: PixelRequest;
  predict(pixels: Float32Array, facts: ImageFacts): Promise<unknown>;
}

/**
 * The model of the repository that is asked about images: one input of numbers, of the shape rows × height × width × 3 or
 * rows × 3 × height × width, with values from 0 to 1.
 *
 * @throws VitrinaError `model-not-found`, `model-not-ready`, `setting-invalid` for one that takes something else
 */
export async function imageModel(platform: WorkPlatform, name: string | undefined): Promise<ImageModel | undefined> {
  if (name === undefined) return undefined;
  const { signature, labels } = await platform.models.acquire(name);
  const [input, ...others] = signature.inputs;
  const pixels = input === undefined || others.length > 0 ? undefined : pixelsOf(input.shape);
  if (input === undefined || pixels === undefined || input.dtype !== 'float32') {
    throw new VitrinaError('setting-invalid', {
      setting: 'apps.artwork.image-model',
      source: 'configuration',
      value: JSON.stringify(name),
      expected: 'a model with one float32 input of rows × height × width × 3, or rows × 3 × height × width',
    });
  }
  const { width, height, layout } = pixels;
  const shape = layout === 'channels-last' ? [1, height, width, 3] : [1, 3, height, width];
  return {
    pixels,
    async predict(data) {
      const tensor = { dtype: 'float32' as DataType, shape, data };
      const { outputs } = await platform.predict({ model: name, inputs: { [input.name]: tensor } as never });
      const [first] = Object.values(outputs);
      const scores = Array.from(first!.data as ArrayLike<number>, Number);
      const best = scores.indexOf(Math.max(...scores));
      return { ...(labels === undefined || labels.length !== scores.length ? {} : { label: labels[best] }), scores };
    },
  };
}

function pixelsOf([, first, second, third]: readonly (number | null)[]): PixelRequest | undefined {
  const scale = 1 / 255;
  const fits = (size: number | null | undefined) => typeof size === 'number' && size >= 1 && size <= 4_096;
  if (third === 3 && fits(first) && fits(second)) {
    return { height: first!, width: second!, layout: 'channels-last', scale };
  }
  if (first === 3 && fits(second) && fits(third)) {
    return { height: second!, width: third!, layout: 'channels-first', scale };
  }
  return undefined;
}
