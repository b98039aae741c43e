// Rows of a weight as TypeScript calls them.
#pragma once
#include <node_api.h>

#include <memory>

#include "../pool/pool.h"

namespace heed {

// embedding(team, isDouble, numbers, operands, control): undefined if all is done, else a promise of the end. `numbers` is a Float64Array:
// places, rows of the weight, their width, 1 for the gradient of the weight. `operands` are typed arrays: weight or dOutput, output or
// dWeight, and the checked indices, a copy that nobody else has.
napi_value runEmbedding(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

}  // namespace heed
