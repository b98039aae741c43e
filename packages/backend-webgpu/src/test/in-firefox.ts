import type { Report } from '@heed/conformance';
import { firefoxAbsence, launchFirefox, openSite } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Reports as a page posts them. */
class Reports {
  readonly #told = new Map<string, string>();
  readonly #waiting = new Map<string, () => void>();
  #end: string | undefined;

  /** Takes a post. */
  readonly take = (name: string, body: string): void => {
    if (name === 'end') this.#end = body;
    this.#told.set(name, body);
    for (const [clause, wake] of this.#waiting) if (clause === name || name === 'end') wake();
  };

  /** The report of a clause, as soon as it is there. */
  async of(clause: string): Promise<Report> {
    if (!this.#told.has(clause) && this.#end === undefined) {
      await new Promise<void>((resolve) => this.#waiting.set(clause, resolve));
    }
    const body = this.#told.get(clause);
    if (body === undefined) throw new Error(`the page ended without a report: ${this.#end}`);
    return JSON.parse(body) as Report;
  }
}

/** Defines a test for each clause; one page of headless Firefox runs them, one after the other. */
export function clausesInFirefox(clauses: readonly string[]): void {
  const skips = firefoxAbsence !== null && process.env['HEED_FIREFOX'] === undefined;
  describe.skipIf(skips)(`in headless Firefox${firefoxAbsence === null ? '' : `: ${firefoxAbsence}`}`, () => {
    const reports = new Reports();
    let close: (() => Promise<void>) | undefined;

    beforeAll(async () => {
      const dist = new URL('../../dist/', import.meta.url);
      const site = await openSite({ dist, onPost: reports.take });
      const query = new URLSearchParams(clauses.map((clause) => ['clause', clause]));
      const browser = await launchFirefox(`${site.url}?${query}`);
      close = async () => {
        await browser.close();
        await site.close();
      };
    });
    afterAll(() => close?.());

    test.each(clauses)('clause %s', async (clause) => {
      const report = await reports.of(clause);
      expect(report.device).toContain('WebGPU');
      expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
    });
  });
}
