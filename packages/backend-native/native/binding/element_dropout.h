// Dropout of elements as TypeScript calls it.
#pragma once
#include <node_api.h>

#include <memory>

#include "../pool/pool.h"

namespace heed {

// elementDropout(team, isDouble, numbers, operands, control): undefined if all is done, else a promise of the end. `numbers` is a
// Float64Array: elements, threshold, factor, lower and upper half of the seed, stream. `operands` are typed arrays: input, residual or
// undefined, output.
napi_value runElementDropout(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

}  // namespace heed
