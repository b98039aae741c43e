#include "slope.h"

#include "operands.h"

namespace heed {

namespace {

constexpr uint32_t INPUTS = 2;

Slope readNumbers(const double* numbers) {
  Slope slope{};
  slope.rows = static_cast<i64>(numbers[0]);
  slope.outputs = static_cast<i64>(numbers[1]);
  slope.activation = static_cast<Activation>(numbers[2]);
  slope.gated = numbers[3] != 0;
  return slope;
}

void setOperands(Slope& slope, const Given* operands) {
  slope.argument = operands[0].data;
  slope.dOutput = operands[1].data;
  slope.output = operands[2].data;
}

}  // namespace

napi_value runSlope(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  auto owned = std::make_unique<OwnedJob>();
  OwnedJob& job = *owned;
  Slope& slope = job.slope;
  slope = readNumbers(numbersOf(env, given));
  const i64 all = slope.rows * slope.outputs, sums = slope.gated ? 2 * all : all;
  const Operation operation{
      {sums, all, sums}, INPUTS, [&](const Given* operands) { setOperands(slope, operands); },
      [&](const Kernels& kernels) {
        job.plan = kernels.planSlope(slope);
        job.task = kernels.slope;
        job.run.slope = &slope;
      },
      "not enough memory for the gradient of an activation"};
  return runOperation(env, team, given, std::move(owned), operation);
}

}  // namespace heed
