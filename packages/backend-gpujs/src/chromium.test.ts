import { expect, test } from 'vitest';
import type { Mode } from './index.ts';
import { inChromium, testModes } from './test/in-chromium.ts';

const FEW = ['contract', 'order', 'resident'];

inChromium('some of the suite', undefined, (opened) => {
  test.each(['webgl2', 'webgl'] as const)('%s: no texture is left by a run', async (mode) => {
    expect(await opened().page.evaluate((name) => window.texturesLeft!(name), mode)).toBe(0);
  });

  testModes({ webgl2: FEW, webgpu: FEW, webgl: FEW, webasm: FEW, cpu: FEW }, opened);
});

const forbidden = (source: string): object => ({
  code: 'UNAVAILABLE',
  message: expect.stringContaining('content security policy') as string,
  remedy: expect.stringContaining(source) as string,
});
const POLICIES: Readonly<Record<string, Partial<Record<Mode | 'threads', object>>>> = {
  "script-src 'self'": { webasm: forbidden("'wasm-unsafe-eval'"), cpu: forbidden("'unsafe-eval'") },
  "script-src 'self' 'wasm-unsafe-eval'": {
    cpu: forbidden("'unsafe-eval'"),
    threads: { code: 'UNAVAILABLE', remedy: expect.stringContaining('worker-src blob:') as string },
  },
  "script-src 'self' 'unsafe-eval'; worker-src blob:": {},
};

for (const [policy, refused] of Object.entries(POLICIES)) {
  inChromium(`with the policy ${policy}`, policy, (opened) => {
    test.each(['webgpu', 'webgl2', 'webgl', 'webasm', 'cpu', 'threads'] as const)(
      '%s works, or says what is forbidden',
      async (name) => {
        const options = name === 'threads' ? { mode: 'webasm' as const, threads: 2 } : { mode: name };
        const { webasm } = refused;
        const outcome = refused[name] ?? (name === 'threads' ? webasm : undefined);
        const device = await opened().page.evaluate((given) => window.deviceOf!(given), options);
        if (outcome === undefined) expect(device).toContain('gpu.js');
        else expect(device).toMatchObject(outcome);
      },
    );

    test('the probe tells what create() will do', async () => {
      const { available } = await opened().page.evaluate(() => window.probe!());
      const outcome = await opened().page.evaluate(() => window.deviceOf!({}));
      expect(available).toBe(typeof outcome === 'string');
      if (!available)
        expect(outcome).toMatchObject({ code: 'UNAVAILABLE', remedy: expect.stringContaining('wasm') });
    });
  });
}
