#include "linear.h"

#include <array>
#include <cstring>
#include <string>

#include "environment.h"
#include "operands.h"
#include "pin.h"
#include "stored.h"
#include "values.h"

namespace heed {

namespace {

i64 numberAt(napi_env env, napi_value array, uint32_t index) {
  double number = 0;
  napi_get_value_double(env, element(env, array, index), &number);
  return static_cast<i64>(number);
}

// The memory of a typed array of so many numbers, which the job reads or fills. Returns false, having thrown, for any other.
bool read(napi_env env, Job& job, napi_value operands, uint32_t index, i64 count, void*& data, napi_value& buffer, bool isFilled = false) {
  const napi_value value = element(env, operands, index);
  napi_typedarray_type type{};
  size_t length = 0, offset = 0;
  const bool isArray = napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, &offset) == napi_ok;
  if (isArray && static_cast<i64>(length) == count) {
    // An empty operand may have no address, and nothing may be added to a null pointer.
    static char nothing;
    if (data == nullptr) data = &nothing;
    job.ranges.push_back({static_cast<const char*>(data), count * elementBytes(type), isFilled});
    return true;
  }
  const std::string message = "operand " + std::to_string(index) + " has another length than the problem says; was its buffer transferred?";
  napi_throw_error(env, "SHAPE", message.c_str());
  return false;
}

bool has(napi_env env, napi_value operands, uint32_t index) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, element(env, operands, index), &type);
  return type != napi_undefined;
}

constexpr const char* OUT_OF_MEMORY = "not enough memory for the scratch of a projection";

napi_value outOfMemory(napi_env env) {
  napi_throw_error(env, "OUT_OF_MEMORY", OUT_OF_MEMORY);
  return nullptr;
}

// Kernels of the element type of a call, of which given[1] says whether it is float64.
const Kernels& kernelsOf(napi_env env, const Team& team, const napi_value* given, bool& isDouble) {
  napi_get_value_bool(env, given[1], &isDouble);
  return isDouble ? team.level->float64 : team.level->float32;
}

// A call of a product whose operands are to be read: linear() or weightGradient().
struct Opened {
  const Kernels& kernels;
  bool isDouble;
  napi_value operands;
  std::unique_ptr<OwnedJob> job;
};

Opened openProduct(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  bool isDouble = false;
  const Kernels& kernels = kernelsOf(env, *team, given, isDouble);
  auto job = std::make_unique<OwnedJob>();
  job->team = team;
  job->linear = {};
  job->linear.rows = numberAt(env, given[2], 0);
  job->linear.inputs = numberAt(env, given[2], 1);
  job->linear.outputs = numberAt(env, given[2], 2);
  return {kernels, isDouble, given[3], std::move(job)};
}

// Runs a planned job before returning or on the pool. Weights and results are this package's own; input, dOutput and residual are the
// caller's: their buffers, of which all but the first may be null.
napi_value start(napi_env env, Opened opened, napi_value control, std::array<napi_value, 3> buffers) {
  OwnedJob& job = *opened.job;
  Linear& linear = job.linear;
  job.run.linear = &linear;
  return begin(env, std::move(opened.job), opened.operands, control, OUT_OF_MEMORY, [&] {
    const i64 rowBytes = linear.rows * (opened.isDouble ? 8 : 4);
    const auto kept = [&](napi_value buffer, i64 bytes, const void*& data) {
      if (data == nullptr) return true;
      void* memory = const_cast<void*>(data);
      const bool done = keep(env, buffer, bytes, memory, job);
      data = memory;
      return done;
    };
    return kept(buffers[0], rowBytes * linear.inputs, linear.input) && kept(buffers[1], rowBytes * linear.outputs, linear.dOutput) &&
           kept(buffers[2], rowBytes * linear.outputs, linear.residual);
  });
}

}  // namespace

napi_value runLinear(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  Opened opened = openProduct(env, team, given);
  const auto& [kernels, isDouble, operands, job] = opened;
  Linear& linear = job->linear;
  linear.activation = static_cast<Activation>(numberAt(env, given[2], 3));
  linear.weight = static_cast<Weight>(numberAt(env, given[2], 4));
  linear.gated = numberAt(env, given[2], 5) != 0;
  const i64 halves = linear.gated ? 2 : 1;
  const i64 padded = (linear.outputs + kernels.panel - 1) / kernels.panel * kernels.panel;
  // A stored weight is an array of bytes.
  const i64 packed = halves * (linear.weight == Weight::same
                                   ? padded * linear.inputs
                                   : packedBytes(linear.weight, linear.outputs, linear.inputs, kernels.panel));
  void *input = nullptr, *panels = nullptr, *bias = nullptr, *dOutput = nullptr, *residual = nullptr;
  napi_value inputBuffer = nullptr, dOutputBuffer = nullptr, residualBuffer = nullptr, other = nullptr;
  const i64 results = linear.rows * linear.outputs;
  const bool isGradient = has(env, operands, 4);
  const bool areRead = read(env, *job, operands, 0, linear.rows * linear.inputs, input, inputBuffer) &&
                       read(env, *job, operands, 1, packed, panels, other) &&
                       (!has(env, operands, 2) || read(env, *job, operands, 2, halves * linear.outputs, bias, other)) &&
                       read(env, *job, operands, 3, isGradient ? halves * results : results, linear.output, other, true) &&
                       (!isGradient || read(env, *job, operands, 4, results, dOutput, dOutputBuffer)) &&
                       (!has(env, operands, 5) || read(env, *job, operands, 5, results, residual, residualBuffer)) &&
                       (!has(env, operands, 6) || read(env, *job, operands, 6, halves * results, linear.argument, other, true));
  if (!areRead) return nullptr;
  linear.input = input;
  linear.panels = panels;
  linear.bias = bias;
  linear.dOutput = dOutput;
  linear.residual = residual;
  job->plan = kernels.planLinear(linear);
  job->task = kernels.linear;
  return start(env, std::move(opened), given[4], {inputBuffer, dOutputBuffer, residualBuffer});
}

napi_value runWeightGradient(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  Opened opened = openProduct(env, team, given);
  const auto& [kernels, isDouble, operands, job] = opened;
  Linear& linear = job->linear;
  void *input = nullptr, *dOutput = nullptr;
  napi_value inputBuffer = nullptr, dOutputBuffer = nullptr, other = nullptr;
  const bool areRead = read(env, *job, operands, 0, linear.rows * linear.inputs, input, inputBuffer) &&
                       read(env, *job, operands, 1, linear.rows * linear.outputs, dOutput, dOutputBuffer) &&
                       read(env, *job, operands, 2, linear.outputs * linear.inputs, linear.output, other, true) &&
                       (!has(env, operands, 3) || read(env, *job, operands, 3, linear.outputs, linear.dBias, other, true));
  if (!areRead) return nullptr;
  linear.input = input;
  linear.dOutput = dOutput;
  job->plan = kernels.planWeightGradient(linear);
  job->task = kernels.weightGradient;
  return start(env, std::move(opened), given[4], {inputBuffer, dOutputBuffer, nullptr});
}

napi_value packLinear(napi_env env, const Team& team, const napi_value* given) {
  bool isDouble = false;
  const Kernels& kernels = kernelsOf(env, team, given, isDouble);
  const i64 outputs = numberAt(env, given[2], 0), inputs = numberAt(env, given[2], 1);
  const bool ofColumns = numberAt(env, given[2], 2) != 0;
  const i64 step = numberAt(env, given[2], 3);
  void *from = nullptr, *to = nullptr;
  napi_get_typedarray_info(env, given[3], nullptr, nullptr, &from, nullptr, nullptr);
  napi_get_typedarray_info(env, given[4], nullptr, nullptr, &to, nullptr, nullptr);
  kernels.packLinear(outputs, inputs, ofColumns, step, from, to);
  return nullptr;
}

napi_value panelWidth(napi_env env, const Team& team, const napi_value* given) {
  bool isDouble = false;
  napi_get_value_bool(env, given[1], &isDouble);
  napi_value width = nullptr;
  napi_create_double(env, static_cast<double>((isDouble ? team.level->float64 : team.level->float32).panel), &width);
  return width;
}

napi_value packWeight(napi_env env, const Team& team, const napi_value* given) {
  const Weight type = static_cast<Weight>(numberAt(env, given[1], 0));
  const i64 outputs = numberAt(env, given[1], 1), inputs = numberAt(env, given[1], 2), width = team.level->float32.panel;
  const i64 halves = numberAt(env, given[1], 3) != 0 ? 2 : 1, half = outputs / halves;
  const i64 bytes = halves * packedBytes(type, half, inputs, width);
  void *from = nullptr, *to = nullptr;
  napi_value buffer = nullptr, array = nullptr;
  napi_get_typedarray_info(env, given[2], nullptr, nullptr, &from, nullptr, nullptr);
  if (napi_create_arraybuffer(env, static_cast<size_t>(bytes), &to, &buffer) != napi_ok) return outOfMemory(env);
  if (bytes > 0) {
    const auto* weight = static_cast<const uint8_t*>(from);
    auto* panels = static_cast<uint8_t*>(to);
    std::memset(panels, 0, static_cast<size_t>(bytes));
    packStored(type, half, inputs, width, halves, weight, panels);
    if (halves == 2) packStored(type, half, inputs, width, 2, weight + packedBytes(type, half, inputs, 1), panels + packedBytes(type, width, inputs, width));
  }
  napi_create_typedarray(env, napi_uint8_array, static_cast<size_t>(bytes), buffer, 0, &array);
  return array;
}

}  // namespace heed
