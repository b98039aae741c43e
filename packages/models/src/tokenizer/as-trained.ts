/** A step of tokenizer.json. */
type Step = Readonly<Record<string, unknown>>;

/** Cuts of GPT-2 (Radford et al., 2019), which a step of the type `ByteLevel` makes. */
const GPT2_CUTS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * Rewrites a tokenizer.json so that `@huggingface/tokenizers` gives the ids of the model's training where its own steps differ from
 * those of the Rust library: white space of `ByteLevel` is that of Unicode (U+0085, not U+FEFF), `Digits` are all numbers (½, ²), and a
 * capital sigma is lowered to σ at the end of a word, too.
 */
export function asTrained(json: object): object {
  const { normalizer, pre_tokenizer: cuts } = json as { normalizer?: unknown; pre_tokenizer?: unknown };
  return { ...json, normalizer: rewritten(normalizer, normalized), pre_tokenizer: rewritten(cuts, cut) };
}

/** Rewrites a step, or each step of a sequence. */
function rewritten(step: unknown, rewrite: (step: Step) => unknown): unknown {
  if (typeof step !== 'object' || step === null) return step;
  for (const list of ['normalizers', 'pretokenizers']) {
    const steps = (step as Step)[list];
    if (Array.isArray(steps)) return { ...step, [list]: steps.map((one) => rewritten(one, rewrite)) };
  }
  return rewrite(step as Step);
}

function normalized(step: Step): unknown {
  const lowers = step['type'] === 'Lowercase' || (step['type'] === 'BertNormalizer' && step['lowercase']);
  if (!lowers) return step;
  const sigma = { type: 'Replace', pattern: { String: 'Σ' }, content: 'σ' };
  return { type: 'Sequence', normalizers: [sigma, step] };
}

function cut(step: Step): unknown {
  if (step['type'] === 'Digits') return splitAt(step['individual_digits'] ? '\\p{N}' : '\\p{N}+');
  if (step['type'] !== 'ByteLevel' || step['use_regex'] === false) return step;
  const bytes = { ...step, use_regex: false, add_prefix_space: false };
  const space = { type: 'Replace', pattern: { Regex: String.raw`\A[^ ]` }, content: ' $&' };
  const before = step['add_prefix_space'] ? [space] : [];
  return { type: 'Sequence', pretokenizers: [...before, splitAt(GPT2_CUTS), bytes] };
}

function splitAt(regex: string): Step {
  return { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
}
