#include "rotary.h"

#include "operands.h"

namespace heed {

namespace {

constexpr uint32_t INPUTS = 3;

Rotary readNumbers(const double* numbers) {
  Rotary rotary{};
  rotary.length = static_cast<i64>(numbers[1]);
  rotary.positions = static_cast<i64>(numbers[0]) * rotary.length;
  rotary.heads = static_cast<i64>(numbers[2]);
  rotary.width = static_cast<i64>(numbers[3]);
  rotary.angles = static_cast<i64>(numbers[4]);
  rotary.interleaved = numbers[5] != 0;
  rotary.back = numbers[6] != 0;
  rotary.perBatch = numbers[7] != 0;
  return rotary;
}

void setOperands(Rotary& rotary, const Given* operands) {
  rotary.input = operands[0].data;
  rotary.cosines = operands[1].data;
  rotary.sines = operands[2].data;
  rotary.output = operands[3].data;
}

}  // namespace

napi_value runRotary(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  auto owned = std::make_unique<OwnedJob>();
  OwnedJob& job = *owned;
  Rotary& rotary = job.rotary;
  rotary = readNumbers(numbersOf(env, given));
  const i64 all = rotary.positions * rotary.heads * rotary.width;
  const i64 table = (rotary.perBatch ? rotary.positions : rotary.length) * rotary.angles;
  const Operation operation{
      {all, table, table, all}, INPUTS, [&](const Given* operands) { setOperands(rotary, operands); },
      [&](const Kernels& kernels) {
        job.plan = kernels.planRotary(rotary);
        job.task = kernels.rotary;
        job.run.rotary = &rotary;
      },
      "not enough memory for a rotary embedding"};
  return runOperation(env, team, given, std::move(owned), operation);
}

}  // namespace heed
