import { inChromium, testModes } from './test/in-chromium.ts';

/** The full suite runs in a mode that Node does not have; the others have run in Node, or are nearly the same. */
const SOME = ['accuracy', 'mask', 'gradient', 'nonfinite'];

inChromium('more of the suite', undefined, (opened) => {
  testModes({ webgl2: undefined, webgpu: SOME, webgl: SOME }, opened);
});
