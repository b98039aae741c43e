// Linear projections as TypeScript calls them.
#pragma once
#include <node_api.h>

#include <memory>

#include "../pool/pool.h"

namespace heed {

// linear(team, isDouble, [rows, inputs, outputs, activation, type of the weight], [input, panels, bias, output], stop): undefined if all is
// done, else a promise of the end.
napi_value runLinear(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

// packWeight(team, [type, outputs, inputs], data): a stored weight in panels of the team's level, a Uint8Array.
napi_value packWeight(napi_env env, const Team& team, const napi_value* given);

}  // namespace heed
