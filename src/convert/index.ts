export { convertArtefact } from './artefact.js';
export { GraphBuilder } from './graph-builder.js';
