#include "element_dropout.h"

#include "environment.h"
#include "operands.h"
#include "pin.h"

namespace heed {

namespace {

constexpr uint32_t INPUTS = 2, OPERANDS = 3;

ElementDropout readNumbers(const double* numbers) {
  ElementDropout dropout{};
  dropout.count = static_cast<i64>(numbers[0]);
  dropout.threshold = static_cast<uint32_t>(numbers[1]);
  dropout.factor = numbers[2];
  dropout.seedLow = static_cast<uint32_t>(numbers[3]);
  dropout.seedHigh = static_cast<uint32_t>(numbers[4]);
  dropout.stream = static_cast<uint32_t>(numbers[5]);
  return dropout;
}

napi_value outOfMemory(napi_env env) {
  napi_throw_error(env, "OUT_OF_MEMORY", "not enough memory for dropout");
  return nullptr;
}

void setOperands(ElementDropout& dropout, const Given* operands) {
  dropout.input = operands[0].data;
  dropout.residual = operands[1].data;
  dropout.output = operands[2].data;
}

}  // namespace

napi_value runElementDropout(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  bool isDouble = false;
  void *numbers = nullptr, *stop = nullptr;
  napi_get_value_bool(env, given[1], &isDouble);
  napi_get_typedarray_info(env, given[2], nullptr, nullptr, &numbers, nullptr, nullptr);
  napi_get_typedarray_info(env, given[4], nullptr, nullptr, &stop, nullptr, nullptr);
  const Kernels& kernels = isDouble ? team->level->float64 : team->level->float32;
  auto job = std::make_unique<OwnedJob>();
  ElementDropout& dropout = job->dropout;
  dropout = readNumbers(static_cast<const double*>(numbers));
  Given operands[OPERANDS];
  for (uint32_t n = 0; n < OPERANDS; n++) {
    if (!readOperand(env, given[3], n, dropout.count, isDouble ? 8 : 4, operands[n])) return nullptr;
  }
  setOperands(dropout, operands);
  job->team = team;
  job->plan = kernels.planDropout(dropout);
  if (job->plan.tasks == 0) return nullptr;
  job->task = kernels.dropout;
  job->run.dropout = &dropout;
  job->run.stop = static_cast<const int32_t*>(stop);
  if (!prepare(*job, callingThreadBytes(job->plan))) return outOfMemory(env);
  if (runBeforeReturning(*job)) return job->outOfMemory ? outOfMemory(env) : nullptr;
  // Nobody else has the result until the run ends.
  for (uint32_t n = 0; n < INPUTS; n++) {
    Given& input = operands[n];
    if (input.data != nullptr && !keep(env, input.buffer, input.bytes, input.data, *job)) return outOfMemory(env);
  }
  setOperands(dropout, operands);
  return Environment::of(env).start(std::move(job), given[3], given[4]);
}

}  // namespace heed
