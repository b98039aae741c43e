// Rotary position embeddings as TypeScript calls them.
#pragma once
#include <node_api.h>

#include <memory>

#include "../pool/pool.h"

namespace heed {

// rotary(team, isDouble, numbers, operands, control): undefined if all is done, else a promise of the end. `numbers` is a Float64Array:
// batch, length, heads, length of a head, pairs that are rotated, 1 for pairs of neighbors, 1 to rotate back, 1 for tables of each batch
// element. `operands` are typed arrays: input, cosines, sines, output.
napi_value runRotary(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

}  // namespace heed
