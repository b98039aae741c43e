#include "norm.h"

#include "environment.h"
#include "operands.h"
#include "pin.h"

namespace heed {

namespace {

constexpr uint32_t INPUTS = 5, OPERANDS = 8;

Norm readNumbers(const double* numbers) {
  Norm norm{};
  norm.centered = numbers[0] != 0;
  norm.rows = static_cast<i64>(numbers[1]);
  norm.width = static_cast<i64>(numbers[2]);
  norm.epsilon = numbers[3];
  return norm;
}

napi_value outOfMemory(napi_env env) {
  napi_throw_error(env, "OUT_OF_MEMORY", "not enough memory for a norm");
  return nullptr;
}

void setOperands(Norm& norm, const Given* operands) {
  norm.input = operands[0].data;
  norm.weight = operands[1].data;
  norm.bias = operands[2].data;
  norm.dOutput = operands[3].data;
  norm.residual = operands[4].data;
  norm.output = operands[5].data;
  norm.dWeight = operands[6].data;
  norm.dBias = operands[7].data;
}

}  // namespace

napi_value runNorm(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  bool isDouble = false;
  void *numbers = nullptr, *stop = nullptr;
  napi_get_value_bool(env, given[1], &isDouble);
  napi_get_typedarray_info(env, given[2], nullptr, nullptr, &numbers, nullptr, nullptr);
  napi_get_typedarray_info(env, given[4], nullptr, nullptr, &stop, nullptr, nullptr);
  const Kernels& kernels = isDouble ? team->level->float64 : team->level->float32;
  auto job = std::make_unique<OwnedJob>();
  Norm& norm = job->norm;
  norm = readNumbers(static_cast<const double*>(numbers));
  Given operands[OPERANDS];
  const i64 all = norm.rows * norm.width, row = norm.width;
  const i64 counts[OPERANDS] = {all, row, row, all, all, all, row, row};
  for (uint32_t n = 0; n < OPERANDS; n++) {
    if (!readOperand(env, given[3], n, counts[n], isDouble ? 8 : 4, operands[n])) return nullptr;
  }
  setOperands(norm, operands);
  job->team = team;
  job->plan = kernels.planNorm(norm);
  if (job->plan.tasks == 0) return nullptr;
  job->task = kernels.norm;
  job->run.norm = &norm;
  job->run.stop = static_cast<const int32_t*>(stop);
  if (!prepare(*job, callingThreadBytes(job->plan))) return outOfMemory(env);
  if (runBeforeReturning(*job)) return job->outOfMemory ? outOfMemory(env) : nullptr;
  // Nobody else has the results until the run ends.
  for (uint32_t n = 0; n < INPUTS; n++) {
    Given& input = operands[n];
    if (input.data != nullptr && !keep(env, input.buffer, input.bytes, input.data, *job)) return outOfMemory(env);
  }
  setOperands(norm, operands);
  return Environment::of(env).start(std::move(job), given[3], given[4]);
}

}  // namespace heed
