export { type ErrorCode, VitrinaError } from './errors.js';
