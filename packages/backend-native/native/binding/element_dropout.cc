#include "element_dropout.h"

#include "operands.h"

namespace heed {

namespace {

constexpr uint32_t INPUTS = 2;

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

void setOperands(ElementDropout& dropout, const Given* operands) {
  dropout.input = operands[0].data;
  dropout.residual = operands[1].data;
  dropout.output = operands[2].data;
}

}  // namespace

napi_value runElementDropout(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  auto owned = std::make_unique<OwnedJob>();
  OwnedJob& job = *owned;
  ElementDropout& dropout = job.dropout;
  dropout = readNumbers(numbersOf(env, given));
  const Operation operation{
      {dropout.count, dropout.count, dropout.count}, INPUTS, [&](const Given* operands) { setOperands(dropout, operands); },
      [&](const Kernels& kernels) {
        job.plan = kernels.planDropout(dropout);
        job.task = kernels.dropout;
        job.run.dropout = &dropout;
      },
      "not enough memory for dropout"};
  return runOperation(env, team, given, std::move(owned), operation);
}

}  // namespace heed
