/** `npm run bench:linear`: the built program with a linear model, beside a bare server that only answers. */
import { compareWithCeiling } from './compare.js';
import { makeLinearModel, vitrina } from './linear-model.js';

const linear = makeLinearModel();
await compareWithCeiling({
  ...linear,
  command: [...vitrina, 'serve', linear.model, '--port', '0', '--data', linear.data],
});
linear.remove();
