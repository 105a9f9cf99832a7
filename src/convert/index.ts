export { type ArtefactOptions, convertArtefact } from './artefact.js';
export { type ArtefactPart, convertParts, type PartOrder } from './chain/index.js';
export { GraphBuilder } from './graph-builder.js';
export { convertLightgbm } from './lightgbm/index.js';
export { withMetadata } from './onnx/metadata.js';
export { convertPickle, convertSklearn, readScaler, type Scaler } from './sklearn/index.js';
export { convertXgboost } from './xgboost/index.js';
