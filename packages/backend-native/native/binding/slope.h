// The gradient of a kept argument as TypeScript calls it.
#pragma once
#include <node_api.h>

#include <memory>

#include "../pool/pool.h"

namespace heed {

// slope(team, isDouble, numbers, operands, control): undefined if all is done, else a promise of the end. `numbers` is a Float64Array:
// rows, width of the output, activation, 1 with a gate. `operands` are typed arrays: argument, dOutput, result.
napi_value runSlope(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

}  // namespace heed
