#include "embedding.h"

#include "operands.h"

namespace heed {

namespace {

constexpr uint32_t INPUTS = 1;

Embedding readNumbers(const double* numbers) {
  Embedding embedding{};
  embedding.places = static_cast<i64>(numbers[0]);
  embedding.count = static_cast<i64>(numbers[1]);
  embedding.width = static_cast<i64>(numbers[2]);
  embedding.isGradient = numbers[3] != 0;
  return embedding;
}

void setOperands(Embedding& embedding, const Given* operands) {
  embedding.input = operands[0].data;
  embedding.output = operands[1].data;
  embedding.indices = operands[2].data;
}

}  // namespace

napi_value runEmbedding(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given) {
  auto owned = std::make_unique<OwnedJob>();
  OwnedJob& job = *owned;
  Embedding& embedding = job.embedding;
  embedding = readNumbers(numbersOf(env, given));
  const i64 weight = embedding.count * embedding.width, rows = embedding.places * embedding.width;
  const bool back = embedding.isGradient;
  const Operation operation{
      {back ? rows : weight, back ? weight : rows, embedding.places},
      INPUTS,
      [&](const Given* operands) { setOperands(embedding, operands); },
      [&](const Kernels& kernels) {
        job.plan = kernels.planEmbedding(embedding);
        job.task = kernels.embedding;
        job.run.embedding = &embedding;
      },
      "not enough memory for rows of a weight",
      1};
  return runOperation(env, team, given, std::move(owned), operation);
}

}  // namespace heed
