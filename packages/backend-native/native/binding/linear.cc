#include "linear.h"

#include <cstring>

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
// caller's, of which all but the first may be absent.
napi_value start(napi_env env, Opened opened, napi_value control, Given input, Given dOutput, Given residual) {
  OwnedJob& job = *opened.job;
  Linear& linear = job.linear;
  job.run.linear = &linear;
  return begin(env, std::move(opened.job), opened.operands, control, OUT_OF_MEMORY, [&] {
    for (Given* given : {&input, &dOutput, &residual}) {
      if (given->data != nullptr && !keep(env, given->buffer, given->bytes, given->data, job)) return false;
    }
    linear.input = input.data;
    linear.dOutput = dOutput.data;
    linear.residual = residual.data;
    return true;
  });
}

}  // namespace

napi_value runLinear(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  Opened opened = openProduct(env, team, given);
  const Kernels& kernels = opened.kernels;
  OwnedJob& job = *opened.job;
  Linear& linear = job.linear;
  linear.activation = static_cast<Activation>(numberAt(env, given[2], 3));
  linear.weight = static_cast<Weight>(numberAt(env, given[2], 4));
  linear.gated = numberAt(env, given[2], 5) != 0;
  const i64 number = opened.isDouble ? 8 : 4;
  const i64 halves = linear.gated ? 2 : 1;
  const i64 padded = (linear.outputs + kernels.panel - 1) / kernels.panel * kernels.panel;
  const i64 packed = halves * (linear.weight == Weight::same
                                   ? padded * linear.inputs * number
                                   : packedBytes(linear.weight, linear.outputs, linear.inputs, kernels.panel));
  const i64 results = linear.rows * linear.outputs * number;
  Given input, panels, bias, output, dOutput, residual, argument;
  const auto read = [&](uint32_t index, i64 bytes, Given& operand, bool isFilled = false) {
    return readOperand(env, job, opened.operands, index, bytes, isFilled, operand);
  };
  const bool areRead = read(0, linear.rows * linear.inputs * number, input) && read(1, packed, panels) &&
                       read(2, halves * linear.outputs * number, bias) && read(4, results, dOutput) &&
                       // The gradient of a gate has both halves.
                       read(3, dOutput.data == nullptr ? results : halves * results, output, true) && read(5, results, residual) &&
                       read(6, halves * results, argument, true);
  if (!areRead) return nullptr;
  linear.input = input.data;
  linear.panels = panels.data;
  linear.bias = bias.data;
  linear.output = output.data;
  linear.dOutput = dOutput.data;
  linear.residual = residual.data;
  linear.argument = argument.data;
  job.plan = kernels.planLinear(linear);
  job.task = kernels.linear;
  return start(env, std::move(opened), given[4], input, dOutput, residual);
}

napi_value runWeightGradient(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  Opened opened = openProduct(env, team, given);
  OwnedJob& job = *opened.job;
  Linear& linear = job.linear;
  const i64 number = opened.isDouble ? 8 : 4;
  Given input, dOutput, dWeight, dBias;
  const auto read = [&](uint32_t index, i64 count, Given& operand, bool isFilled = false) {
    return readOperand(env, job, opened.operands, index, count * number, isFilled, operand);
  };
  const bool areRead = read(0, linear.rows * linear.inputs, input) && read(1, linear.rows * linear.outputs, dOutput) &&
                       read(2, linear.outputs * linear.inputs, dWeight, true) && read(3, linear.outputs, dBias, true);
  if (!areRead) return nullptr;
  linear.input = input.data;
  linear.dOutput = dOutput.data;
  linear.output = dWeight.data;
  linear.dBias = dBias.data;
  job.plan = opened.kernels.planWeightGradient(linear);
  job.task = opened.kernels.weightGradient;
  return start(env, std::move(opened), given[4], input, dOutput, {});
}

napi_value packLinear(napi_env env, const Team& team, const napi_value* given) {
  bool isDouble = false;
  const Kernels& kernels = kernelsOf(env, team, given, isDouble);
  const i64 outputs = numberAt(env, given[2], 0), inputs = numberAt(env, given[2], 1);
  const bool ofColumns = numberAt(env, given[2], 2) != 0;
  const i64 step = numberAt(env, given[2], 3);
  Given weight;
  if (!readArray(env, given[3], outputs * inputs * (isDouble ? 8 : 4), "the weight", weight)) return nullptr;
  void* to = nullptr;
  napi_get_typedarray_info(env, given[4], nullptr, nullptr, &to, nullptr, nullptr);
  kernels.packLinear(outputs, inputs, ofColumns, step, weight.data, to);
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
  Given from;
  if (!readArray(env, given[2], packedBytes(type, outputs, inputs, 1), "the weight", from)) return nullptr;
  void* to = nullptr;
  napi_value buffer = nullptr, array = nullptr;
  if (napi_create_arraybuffer(env, static_cast<size_t>(bytes), &to, &buffer) != napi_ok) return outOfMemory(env);
  if (bytes > 0) {
    const auto* weight = static_cast<const uint8_t*>(from.data);
    auto* panels = static_cast<uint8_t*>(to);
    std::memset(panels, 0, static_cast<size_t>(bytes));
    packStored(type, half, inputs, width, halves, weight, panels);
    if (halves == 2) packStored(type, half, inputs, width, 2, weight + packedBytes(type, half, inputs, 1), panels + packedBytes(type, width, inputs, width));
  }
  napi_create_typedarray(env, napi_uint8_array, static_cast<size_t>(bytes), buffer, 0, &array);
  return array;
}

}  // namespace heed
