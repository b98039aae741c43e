import { expect, test } from 'vitest';
import type { OpenPage } from '@heed/testing';
import { AS_IT_COMES, WITHOUT_CLEARING, expectNoFailure, inChromium } from './test/in-chromium.ts';

inChromium('some of the suite', WITHOUT_CLEARING, (opened) => {
  test('clause softcap', () => expectNoFailure(opened(), {}, 'softcap'));

  test('the device says what really runs', async () => {
    const device = await opened().page.evaluate(() => window.deviceOf!({}));
    expect(device).toMatch(/^WebGPU, .*swiftshader \(software\), subgroups of 4\+$/i);
    const without = await opened().page.evaluate(() => window.deviceOf!({ subgroups: false }));
    expect(without).toMatch(/\(software\)$/);
  });

  test('a worker computes as a page does', async () => {
    expect(await opened().page.evaluate(() => window.deviceInWorker!())).toMatch(/^WebGPU, /);
  });
});

async function expectUnavailable({ page }: OpenPage, reason: string): Promise<void> {
  const error = JSON.parse(await page.evaluate(() => window.deviceOf!({}))) as unknown;
  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining(reason),
    remedy: expect.any(String),
  });
}

inChromium('without https', { ...AS_IT_COMES, host: 'heed.test' }, (opened) => {
  test('navigator.gpu is missing, and the error says so', () =>
    expectUnavailable(opened(), 'navigator.gpu is missing'));
});

inChromium('without a GPU', {}, (opened) => {
  test('there is no adapter, and the error says so', () =>
    expectUnavailable(opened(), 'cannot find a GPU adapter'));
});
