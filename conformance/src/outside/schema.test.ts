import { readFile } from 'node:fs/promises';
import { HeedError } from '@heed/core';
import { toJsonSchema } from '@valibot/to-json-schema';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { caseFileDefinitions, caseFileSchema } from './case-file.ts';
import { mutated, soundFile } from '../test/mutated-file.ts';
import { parseCases } from './parse-cases.ts';

const SCHEMA = new URL('../../case.schema.json', import.meta.url);

async function validator(): Promise<ValidateFunction> {
  return new Ajv2020({ allErrors: false }).compile(JSON.parse(await readFile(SCHEMA, 'utf8')) as object);
}

describe('case.schema.json', () => {
  test('is the form that the reader checks', async () => {
    const schema = {
      title: 'A case file of the Heed conformance suite',
      ...toJsonSchema(caseFileSchema, { definitions: caseFileDefinitions, target: 'draft-2020-12' }),
    };
    // After a change of the form: vitest -u.
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  });

  test('accepts the cases from torch, and the smallest file', async () => {
    const validate = await validator();
    const torch = new URL('../../cases/torch/scaled-dot-product-attention.json', import.meta.url);
    expect(validate(JSON.parse(await readFile(torch, 'utf8')))).toBe(true);
    expect(validate(soundFile())).toBe(true);
  });

  test('accepts whatever the reader accepts; the reader never crashes', async () => {
    const validate = await validator();
    let accepted = 0;
    fc.assert(
      fc.property(mutated(soundFile()), (file) => {
        try {
          parseCases(JSON.stringify(file), 'mutated.json');
        } catch (error) {
          if (HeedError.isInstance(error)) return error.message.startsWith('mutated.json: ');
          throw error;
        }
        accepted++;
        return validate(JSON.parse(JSON.stringify(file)));
      }),
      { numRuns: 3000 },
    );
    // Many mutations are harmless: another number, an option more.
    expect(accepted).toBeGreaterThan(50);
  });
});
