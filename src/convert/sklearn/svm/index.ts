import type { EstimatorConverter } from '../converter.js';
import { oneClassSVM } from './one-class-svm.js';
import { nuSVC, svc } from './support-vector-classifier.js';
import { nuSVR, svr } from './support-vector-regressor.js';

export const svmConverters: readonly EstimatorConverter[] = [svc, nuSVC, svr, nuSVR, oneClassSVM];
