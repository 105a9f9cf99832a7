import type { EstimatorConverter } from '../converter.js';
import {
  decisionTreeClassifier,
  decisionTreeRegressor,
  extraTreeClassifier,
  extraTreeRegressor,
} from './decision-tree.js';

export const treeConverters: readonly EstimatorConverter[] = [
  decisionTreeClassifier,
  decisionTreeRegressor,
  extraTreeClassifier,
  extraTreeRegressor,
];
