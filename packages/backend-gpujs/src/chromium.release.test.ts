import { inChromium, testModes } from './test/in-chromium.ts';

/** More of the suite runs in a mode that Node does not have; the others have run in Node, or are nearly the same. */
const SOME = ['accuracy', 'mask', 'gradient'];

inChromium('more of the suite', undefined, (opened) => {
  testModes({ webgl2: { oneIn: 4 }, webgpu: SOME, webgl: SOME }, opened);
});
