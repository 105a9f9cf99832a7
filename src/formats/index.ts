export { defaultLimits, type Limits } from './limits.js';
