#include "norm.h"

#include "operands.h"

namespace heed {

namespace {

constexpr uint32_t INPUTS = 5;

Norm readNumbers(const double* numbers) {
  Norm norm{};
  norm.centered = numbers[0] != 0;
  norm.rows = static_cast<i64>(numbers[1]);
  norm.width = static_cast<i64>(numbers[2]);
  norm.epsilon = numbers[3];
  return norm;
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
  auto owned = std::make_unique<OwnedJob>();
  OwnedJob& job = *owned;
  Norm& norm = job.norm;
  norm = readNumbers(numbersOf(env, given));
  const i64 all = norm.rows * norm.width, row = norm.width;
  const Operation operation{
      {all, row, row, all, all, all, row, row}, INPUTS, [&](const Given* operands) { setOperands(norm, operands); },
      [&](const Kernels& kernels) {
        job.plan = kernels.planNorm(norm);
        job.task = kernels.norm;
        job.run.norm = &norm;
      },
      "not enough memory for a norm"};
  return runOperation(env, team, given, std::move(owned), operation);
}

}  // namespace heed
