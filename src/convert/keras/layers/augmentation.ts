import { castTensor, type LayerConverter } from '../layer.js';

/** Images → the same images, in float32 where Keras casts them: layers that change images in training only. */
export const augmentation: LayerConverter = {
  classNames: [
    'RandomFlip',
    'RandomRotation',
    'RandomZoom',
    'RandomTranslation',
    'RandomHeight',
    'RandomWidth',
    'RandomContrast',
    'RandomBrightness',
    'RandomShear',
    'RandomHue',
    'RandomSaturation',
    'RandomGrayscale',
    'RandomInvert',
    'RandomPosterization',
    'RandomColorJitter',
    'RandomColorDegeneration',
    'RandomSharpness',
    'RandomGaussianBlur',
    'RandomPerspective',
    'RandomElasticTransform',
    'RandomErasing',
  ],
  masks: 'stop',
  // None of their options acts when the model predicts.
  options: 'own',
  convert: (call) => call.inputs.map((input) => castTensor(call.graph, input, 'float32')),
};
