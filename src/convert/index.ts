export { GraphBuilder } from './graph-builder.js';
