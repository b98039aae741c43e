import type { SiteOptions } from '@heed/testing';

/** The test's page, and the file that workers start from. */
export const SITE: Pick<SiteOptions, 'dist' | 'entries'> = {
  dist: new URL('../../dist/', import.meta.url),
  entries: ['test/page.js', 'worker.js'],
};
