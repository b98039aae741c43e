// The table of a level, the only export of its file. Each level has a file of its own, compiled with its own
// instructions. Made before the program starts: nothing of a level runs on a machine that lacks it.
#pragma once
#include "attend.h"
#include "element_dropout.h"
#include "embedding.h"
#include "gradient.h"
#include "linear_gradient.h"
#include "norm.h"
#include "rotary.h"
#include "slope.h"

namespace heed {
namespace {

constexpr Level levelOf(const char* option, const char* name) {
  return {
      .option = option,
      .name = name,
      .float32 = {planForward<float>, planGradient<float>, forwardTask<float>, gradientTask<float>, PANEL<float>, planLinear<float>,
                  linearTask<float>, planWeightGradient<float>, weightGradientTask<float>, planSlope<float>, slopeTask<float>,
                  planNorm<float>, normTask<float>, planDropout<float>, dropoutTask<float>, planRotary<float>,
                  rotaryTask<float>, planEmbedding<float>, embeddingTask<float>, packLinear<float>},
      .float64 = {planForward<double>, planGradient<double>, forwardTask<double>, gradientTask<double>, PANEL<double>, planLinear<double>,
                  linearTask<double>, planWeightGradient<double>, weightGradientTask<double>, planSlope<double>, slopeTask<double>,
                  planNorm<double>, normTask<double>, planDropout<double>, dropoutTask<double>, planRotary<double>,
                  rotaryTask<double>, planEmbedding<double>, embeddingTask<double>, packLinear<double>},
  };
}

}  // namespace
}  // namespace heed
