// Norms of rows as TypeScript calls them.
#pragma once
#include <node_api.h>

#include <memory>

#include "../pool/pool.h"

namespace heed {

// norm(team, isDouble, numbers, operands, control): undefined if all is done, else a promise of the end. `numbers` is a Float64Array:
// centered, rows, width, epsilon. `operands` are typed arrays or undefined: input, weight, bias, dOutput, residual, then the results output,
// dWeight, dBias.
napi_value runNorm(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

}  // namespace heed
