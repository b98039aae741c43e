import { inChromium, testModes } from './test/in-chromium.ts';

inChromium('the suite', undefined, (opened) => {
  testModes({ webgl2: { oneIn: 1 }, webgpu: ['nonfinite'], webgl: ['nonfinite'] }, opened);
});
