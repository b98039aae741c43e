import { inChromium, testModes } from './test/in-chromium.ts';

/** A mode that Node has not is verified whole; the others have been there, or are much the same. */
const SOME = ['accuracy', 'mask', 'gradient', 'nonfinite'];

inChromium('more of the suite', undefined, (opened) => {
  testModes({ webgl2: undefined, webgpu: SOME, webgl: SOME }, opened);
});
