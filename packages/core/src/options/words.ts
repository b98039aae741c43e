/** Replacement for a word of another library. */
interface Advice {
  /** Option that must exist where the word was written; null: the advice always applies. */
  readonly option: string | null;
  readonly say: string;
}

const write = (option: string, example: string = option): Advice => ({
  option,
  say: `write \`${example}\``,
});

const causal = [write('causal', 'causal: true')];
const mask = [
  { option: 'mask', say: 'write `mask`: booleans, true where a query may attend; or floats that are added' },
];
const padding = [
  {
    option: 'keyMask',
    say: 'write `keyMask`: booleans, the other way round, true where a key is not padding',
  },
  {
    option: 'keyLengths',
    say: 'write `keyLengths`, or a `mask` [B, 1, 1, Lk] that is the other way round: true where a key is not padding',
  },
];
const weights = [write('weights', 'weights: true')];
const logSumExp = [write('logSumExp', 'logSumExp: true')];
const dropout = [
  write('dropout', 'dropout: { probability, seed }'),
  { option: 'embedDim', say: 'give it to forward(): `dropout: { probability, seed }`' },
  { option: null, say: 'leave it out: dropout belongs to a call of attention in training' },
];
const heads = [
  write('heads'),
  { option: 'query', say: 'leave it out: `query` [B, Hq, Lq, D] has an axis of heads' },
];
const kvHeads = [
  write('kvHeads'),
  { option: 'key', say: 'leave it out: `key` and `value` [B, Hkv, Lk, D] have an axis of heads' },
];
const grouped = [
  write('kvHeads'),
  { option: 'key', say: 'leave it out: `key` and `value` may have fewer heads than `query`' },
];
const window = [write('window', 'window: { left, right }')];
const segments = [
  { option: 'querySegments', say: 'write `querySegments` and `keySegments`: the sequence of each position' },
];
const keyLengths = [write('keyLengths')];
const queryLengths = [write('queryLengths')];
const batchFirst = [{ option: null, say: 'leave it out: the batch is the first axis' }];
/** Options that follow the inputs in a call of their own argument. */
const after = (what: string): readonly Advice[] =>
  ['query', 'input'].map((option) => ({
    option,
    say: `it belongs to the argument after the inputs: \`{ ${what} }\``,
  }));
/** Inputs, written among the options that follow them. */
const before = [{ option: 'signal', say: 'it belongs to the argument before, to the inputs' }];
const modifier = [
  {
    option: 'mask',
    say: 'write `causal`, `window`, `keyLengths`, a `mask` or a `bias`',
  },
];
const dtype = [{ option: 'query', say: 'leave it out: the element type is that of `query`' }];

/**
 * Words of PyTorch, flash-attn, JAX, Keras, Transformers, ONNX, and of others for threads, in lower case and without
 * underscores.
 */
export const WORDS: Readonly<Record<string, readonly Advice[]>> = {
  iscausal: causal,
  causalmask: causal,
  usecausalmask: causal,
  unidirectional: causal,

  signal: after('signal'),
  resident: after('resident: true'),
  weights: [...after('weights: true'), ...before],
  gradient: [...after('gradient: true'), ...before],
  causal: before,
  window: before,
  mask: before,
  key: before,

  blockmask: modifier,
  maskmod: modifier,
  scoremod: modifier,
  attnmask: mask,
  attentionmask: mask,
  keymask: padding,
  keypaddingmask: padding,
  srckeypaddingmask: padding,
  paddingmask: padding,
  attnbias: [write('bias')],
  attentionbias: [write('bias')],
  positionbias: [write('bias')],
  relativepositionbias: [write('bias')],

  needweights: weights,
  outputattentions: weights,
  returnattentionscores: weights,
  returnattnprobs: weights,
  returnattentionweights: weights,
  returnweights: weights,
  returntimestamps: [write('words', 'words: true')],
  averageattnweights: [{ option: 'weights', say: 'leave it out: weights are those of each head' }],
  returnlse: logSumExp,
  returnsoftmaxlse: logSumExp,

  dropout,
  dropoutp: dropout,
  dropoutrate: dropout,
  attndropout: dropout,
  attentiondropout: dropout,

  numheads: heads,
  nheads: heads,
  nhead: heads,
  numattentionheads: heads,
  qnumheads: heads,
  numkvheads: kvHeads,
  numkeyvalueheads: kvHeads,
  kvnumheads: kvHeads,
  enablegqa: grouped,

  softmaxscale: [write('scale')],
  smscale: [write('scale')],
  scaling: [write('scale')],
  scalefactor: [write('scale')],
  logitssoftcap: [write('softcap')],
  attnlogitsoftcapping: [write('softcap')],
  logitcap: [write('softcap')],
  windowsize: window,
  localwindowsize: window,
  slidingwindow: window,
  saux: [write('sinks')],
  attentionsinks: [write('sinks')],

  cuseqlens: segments,
  cuseqlensq: segments,
  cuseqlensk: segments,
  seqlensk: keyLengths,
  cacheseqlens: keyLengths,
  keyvalueseqlengths: keyLengths,
  nonpadkvseqlen: keyLengths,
  cacheleftpad: [write('keyStarts')],
  leftpad: [write('keyStarts')],
  queryseqlengths: queryLengths,

  q: [write('query')],
  k: [write('key')],
  v: [write('value')],
  requiresgrad: [write('gradient', 'gradient: true')],
  dtype,
  batchfirst: batchFirst,

  dmodel: [write('embedDim')],
  hiddensize: [write('embedDim')],
  keydim: [write('headDim'), write('kdim')],
  valuedim: [write('vdim')],
  usebias: [write('bias')],
  infeatures: [write('inputDim')],
  outfeatures: [write('outputDim')],
  addbiaskv: [{ option: null, say: 'leave it out: Heed has no bias that is appended to keys and values' }],
  addzeroattn: [{ option: null, say: 'leave it out: Heed appends no key of zeros; a sink of 0 is the same' }],

  lr: [write('learningRate')],
  betas: [{ option: 'beta1', say: 'write `beta1` and `beta2`' }],
  eps: [write('epsilon')],

  numthreads: [write('threads')],
  nthreads: [write('threads')],
  maxthreads: [write('threads')],
  concurrency: [write('threads')],
  workers: [write('threads')],
};
