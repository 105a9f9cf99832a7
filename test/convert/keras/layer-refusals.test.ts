import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  convertKeras,
  type KerasModelSource,
  readKerasArchive,
  readKerasHdf5,
} from '../../../src/convert/keras/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { openHdf5 } from '../../../src/formats/hdf5/index.js';
import { openKerasArchive } from '../../../src/formats/keras-archive/index.js';

type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };
interface LayerJson {
  class_name: string;
  config: { [key: string]: Plain };
}

/** A model of Keras 3, in whichever form it is kept. */
async function source(name: string): Promise<KerasModelSource> {
  const folder = `test/fixtures/keras-layers/${name}__keras3`;
  if (existsSync(`${folder}-h5`)) return readKerasHdf5(openHdf5(readFileSync(`${folder}-h5/model.h5`)));
  return readKerasArchive(await openKerasArchive(readFileSync(`${folder}-keras/model.keras`)));
}

/** A copy of a model in which the first layer of a class has another option. */
function altered(original: KerasModelSource, className: string, option: string, value: Plain): KerasModelSource {
  const architecture = JSON.parse(JSON.stringify(original.architecture));
  const layer = (architecture.config.layers as LayerJson[]).find((candidate) => candidate.class_name === className);
  if (layer === undefined) throw new Error(`the fixture has no ${className}`);
  layer.config[option] = value;
  return { ...original, architecture };
}

describe('refused, naming layer and option', () => {
  const cases: [string, string, string, Plain, RegExp][] = [
    ['conv2d', 'Conv2D', 'strides', [0, 1], /Layer "conv2d" \(Conv2D\) .* option strides = \[0,1\] must be 1 or more/],
    ['conv2d', 'Conv2D', 'kernel_size', [3, 3, 3], /option kernel_size = \[3,3,3\] must have 2 numbers/],
    ['conv2d', 'Conv2D', 'padding', 'reflect', /option padding = "reflect" is none of valid, same/],
    ['conv2d', 'Conv2D', 'data_format', 'NHWC', /option data_format = "NHWC" is none of channels_last/],
    ['conv2d', 'Conv2D', 'groups', 0, /groups and filters must be 1 or more/],
    ['conv2d', 'Conv2D', 'lora_rank', 4, /option lora_rank = 4 is not known here/],
    ['conv2d', 'Conv2D', 'dilation_rate', [9, 9], /its window does not fit into the size 7/],
    ['conv2d', 'Conv2D', 'filters', 5, /variable kernel .* \[3, 3, 4, 5\]/],
    ['conv2d', 'Conv2DTranspose', 'output_padding', [-1, 0], /output_padding is negative/],
    ['conv2d', 'SeparableConv2D', 'groups', 2, /its groups are not 1/],
    ['pooling', 'MaxPooling2D', 'pool_size', [-2, 2], /option pool_size = \[-2,2\] must be 1 or more/],
    ['pooling', 'AdaptiveAveragePooling2D', 'output_size', [1e9, 2], /its output_size is over 65536/],
    ['preprocessing', 'CategoryEncoding', 'num_tokens', 1e9, /it makes 1000000000 columns, not 1 to 1048576/],
    ['normalisation', 'GroupNormalization', 'groups', 4, /6 channels do not make 4 groups/],
    ['normalisation', 'LayerNormalization', 'gamma_scale', 2, /option gamma_scale = 2 is not known here/],
    ['normalisation', 'RMSNormalization', 'axis', [1], /its axes are not the last ones/],
    ['reshaping', 'Reshape', 'target_shape', [7, 7], /its input \[4, 6, 5\] does not fit into \[7, 7\]/],
    ['reshaping', 'Reshape', 'target_shape', [-1, -1], /target_shape \[-1, -1\] is not possible/],
    ['reshaping', 'Permute', 'dims', [1, 1, 2], /its dims \[1, 1, 2\] do not order/],
    [
      'reshaping',
      'Cropping2D',
      'cropping',
      [
        [9, 0],
        [0, 0],
      ],
      /nothing is left of the size 4/,
    ],
    ['reshaping', 'ZeroPadding2D', 'padding', [-1, 0], /option padding is not a number/],
    ['reshaping', 'ZeroPadding2D', 'padding', 100_000, /elements a row, over the limit/],
    ['reshaping', 'UpSampling2D', 'interpolation', 'quintic', /"quintic" is none of/],
    ['reshaping', 'RepeatVector', 'n', 2 ** 40, /elements a row, over the limit/],
    ['merging', 'Dot', 'axes', [0, 1], /its axes are not one of each input/],
    ['attention', 'Attention', 'score_mode', 'cosine', /option score_mode = "cosine" is none of dot, concat/],
    ['multi_head', 'MultiHeadAttention', 'attention_axes', [3], /attention_axes \[3\] are not between 1 and 1/],
    ['preprocessing', 'Discretization', 'bin_boundaries', null, /it has no bin_boundaries/],
    ['preprocessing', 'CategoryEncoding', 'output_mode', 'tf_idf', /option output_mode = "tf_idf" is none of/],
    ['preprocessing', 'Rescaling', 'scale', [1, 2], /option scale is not a number, nor one for each of 3 features/],
  ];
  test.each(cases)('%s: %s with %s = %j', async (model, className, option, value, message) => {
    const original = await source(model);
    let error: unknown;
    try {
      convertKeras(altered(original, className, option, value));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(VitrinaError);
    expect((error as Error).message).toMatch(message);
  });
});

// Whatever stands in an architecture, conversion gives a graph or an error of the catalogue.
const hostile: Plain[] = [
  0,
  -1,
  1,
  3,
  1.5,
  1e9,
  2 ** 53,
  null,
  true,
  'x',
  '',
  [],
  [0],
  [-1, 2],
  [[1, 2]],
  {},
  { a: 1 },
];

test.each(['conv2d', 'pooling', 'normalisation', 'merging', 'reshaping', 'preprocessing', 'multi_head'])(
  'any option may be anything: %s',
  async (model) => {
    const original = await source(model);
    const layers = (original.architecture.config as unknown as { layers: LayerJson[] }).layers;
    const places = layers.flatMap((layer, i) => Object.keys(layer.config).map((option) => [i, option] as const));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.constantFrom(...hostile), ([i, option], value) => {
        const architecture = JSON.parse(JSON.stringify(original.architecture));
        architecture.config.layers[i].config[option] = value;
        try {
          convertKeras({ ...original, architecture });
        } catch (error) {
          if (!(error instanceof VitrinaError)) throw error;
        }
      }),
      { numRuns: 60 },
    );
  },
);
