// A problem of attention as the kernels read it, and the memory of one run. Plain data, shared by the binding and by
// every level's kernels: nothing here has code.
#pragma once
#include <stdint.h>

namespace heed {

using i64 = int64_t;

enum class Mask : uint8_t { none, boolean, floating };
enum class Alignment : uint8_t { topLeft, bottomRight, offset };
// Element type of a tensor: `same` is that in which the kernels compute.
// int8 and int4 have a scale for each group of numbers.
enum class Format : uint8_t { same, float16, bfloat16, int8, int4 };
enum class Selection : uint8_t { softmax, argmax, sample };

// Elements from one batch, head or row to the next.
struct Strides {
  i64 batch, head, row;
};

// The same of a tensor that broadcasts against [B, Hq, Lq, Lk]: 0 along axes where its length is 1.
struct Broadcast {
  i64 batch, head, row, key;
  i64 size;
};

struct Problem {
  // kvBatch is 1 where the whole batch reads the same keys and values, whose batch stride then is 0.
  i64 batch, heads, kvHeads, kvBatch, queryLength, keyLength, headDim, valueDim;
  // Query heads that read one key/value head, and the query rows that they have together.
  i64 group, rows;
  Strides query, key, value, output;
  // Element types of query, output, mask, bias and weights; of keys and values.
  Format format, cacheFormat;
  // Scales of quantized keys and values, and numbers that share one.
  Strides keyScales, valueScales;
  i64 keyGroup, valueGroup;
  // Keys of a page, 0 if keys are not in pages; the batch strides of keys, values and scales then go from page to page.
  i64 pageSize, pageCount;
  // First number of a value in the row of its key, -1 if values are a tensor of their own.
  i64 valueStart;
  Broadcast mask, bias;
  double scale, softcap;
  // Of dropout: words below the threshold drop a weight, the others are multiplied by 1 / (1 - p), which is 0 without dropout.
  double keptFactor;
  uint32_t dropThreshold;
  // Keys from position - left to position + right; infinite where unbounded. Causal is a right side of 0.
  double left, right;
  Mask maskKind;
  Alignment alignment;
  Selection selection;
  // True if key j lies at row j mod keyLength, of the last keyLength keys.
  bool ring;
  bool ranged, hasSoftcap, hasBias, hasKeyLengths, hasKeyStarts, hasQueryLengths, hasSegments, hasAlibi, hasSinks;
  // True if gradients will be requested: forward then computes its scores in the gradient's order of sums.
  bool gradient;
  bool wantsOutput, wantsWeights, wantsLogSumExp, wantsStatistics, wantsChoice;
};

// The tensors of a run, by the order in which the binding takes them.
enum Operand : int {
  query,
  key,
  value,
  mask,
  bias,
  offsets,
  keyLengths,
  keyStarts,
  queryLengths,
  querySegments,
  keySegments,
  alibiSlopes,
  sinks,
  blockTable,
  keyScales,
  valueScales,
  output,
  weights,
  logSumExp,
  rowMax,
  rowSum,
  choice,
  dOutput,
  dQuery,
  dKey,
  dValue,
  dBias,
  dSinks,
  operandCount,
};

// Plan of a pass of a problem: tasks 0 ... tasks - 1, each of which waits only for earlier ones.
struct Plan {
  i64 tasks;
  i64 blockRows, tileKeys;
  // Scratch that all threads share, of which the first `clearedBytes` begin with 0, and scratch of each thread.
  i64 sharedBytes, clearedBytes, threadBytes;
  // Approximate time of one thread.
  double microseconds;
  // The rest is the kernels' own.
  i64 blocks, tiles, splits, splitKeys, slots, chunks;
  i64 packedKeySlot, packedValueSlot, keyRowsSlot, badSlot, partialSlot, keySumsChunk, valueSumsChunk, biasSumsChunk,
      biasSumsHead;
  i64 counters, packedKey, packedValue, keyRows, bad, partials, keySums, valueSums, biasSums, sinkSums, dBias, dShared;
  bool direct;
};

// Type in which a linear weight is stored: `same` is that of the computation.
enum class Weight : uint8_t { same, float16, bfloat16, q8_0, q4_0, q4_1 };
enum class Activation : uint8_t { none, relu, gelu, geluTanh, silu, sigmoid };

// A linear projection: rows of the input, panels of columns of the weight (PANEL of them side by side, one step of the
// sum after another; kernels/stored.h has those of other types), a bias or null. With dOutput, the output is the gradient of
// the activation's argument. The weight's gradient has input and dOutput, its output is dW, and dBias or null.
//
// With a gate, panels of the weight's upper and lower half take turns, the bias has both halves one after another, and so has the
// gradient of the sums; `outputs` counts the results of a row.
struct Linear {
  i64 rows, inputs, outputs;
  bool gated;
  Activation activation;
  Weight weight;
  const void *input, *panels, *bias, *dOutput, *residual;
  // `argument` is null, or what the activation and the gate are computed of.
  void *output, *argument, *dBias;
};

// The gradient of such an argument (kernels/slope.h), from that of the output.
struct Slope {
  i64 rows, outputs;
  bool gated;
  Activation activation;
  const void *argument, *dOutput;
  void* output;
};

// A norm of rows (kernels/norm.h), or with dOutput its gradient, whose output is dInput. bias, residual and dBias may be null.
struct Norm {
  // True if the mean of a row is subtracted: a layer norm.
  bool centered;
  i64 rows, width;
  double epsilon;
  const void *input, *weight, *bias, *dOutput, *residual;
  void *output, *dWeight, *dBias;
};

// Dropout of elements (kernels/element_dropout.h): those whose random word is below the threshold become 0, the others are
// multiplied by the factor, 1 / (1 - p). residual may be null.
struct ElementDropout {
  i64 count;
  uint32_t threshold, seedLow, seedHigh, stream;
  double factor;
  const void *input, *residual;
  void* output;
};

// A rotary position embedding (kernels/rotary.h) of positions [B, L] of heads, or with `back` its gradient. Rows of the tables are those of
// a batch element, or with `perBatch` of all.
struct Rotary {
  i64 positions, length, heads, width, angles;
  bool interleaved, back, perBatch;
  const void *input, *cosines, *sines;
  void* output;
};

// Rows of a weight (kernels/embedding.h), `count` of them, by indices of so many places; with `isGradient` the input is dOutput, and the
// output dWeight.
struct Embedding {
  i64 places, count, width;
  bool isGradient;
  const void *input, *indices;
  void* output;
};

// Seed of selection `sample` or of dropout, and the place of the problem in a larger one, from which the noise counts.
struct Noise {
  uint32_t seedLow, seedHigh, batch, head, query, key;
};

struct Run {
  const Problem* problem;
  const Plan* plan;
  // All but one are null, and that one too in a run of attention.
  const Linear* linear;
  const Slope* slope;
  const Norm* norm;
  const ElementDropout* dropout;
  const Rotary* rotary;
  const Embedding* embedding;
  void* operands[operandCount];
  Noise noise;
  char* shared;
  // Not 0 once the run must end early.
  const int32_t* stop;
  // Lets another thread have the processor.
  void (*yield)();
};

// Kernels of a level for an element type.
struct Kernels {
  Plan (*planForward)(const Problem&, i64 threads);
  Plan (*planGradient)(const Problem&, i64 threads);
  void (*forward)(const Run&, i64 task, char* scratch);
  void (*gradient)(const Run&, i64 task, char* scratch);
  // Columns of a panel of a linear weight.
  i64 panel;
  Plan (*planLinear)(const Linear&);
  void (*linear)(const Run&, i64 task, char* scratch);
  Plan (*planWeightGradient)(const Linear&);
  void (*weightGradient)(const Run&, i64 task, char* scratch);
  Plan (*planSlope)(const Slope&);
  void (*slope)(const Run&, i64 task, char* scratch);
  Plan (*planNorm)(const Norm&);
  void (*norm)(const Run&, i64 task, char* scratch);
  Plan (*planDropout)(const ElementDropout&);
  void (*dropout)(const Run&, i64 task, char* scratch);
  Plan (*planRotary)(const Rotary&);
  void (*rotary)(const Run&, i64 task, char* scratch);
  Plan (*planEmbedding)(const Embedding&);
  void (*embedding)(const Run&, i64 task, char* scratch);
  // Puts a weight [outputs, inputs] into panels of its rows, each `step` panels from the one before, or of its columns, for the
  // gradient of the input.
  void (*packLinear)(i64 outputs, i64 inputs, bool ofColumns, i64 step, const void* from, void* to);
};

// An instruction set, and the kernels that were compiled for it.
struct Level {
  const char* option;
  const char* name;
  Kernels float32, float64;
};

}  // namespace heed
