// Linear projections as TypeScript calls them.
#pragma once
#include <node_api.h>

#include <memory>

#include "../pool/pool.h"

namespace heed {

// linear(team, isDouble, [rows, inputs, outputs, activation, type of the weight], [input, panels, bias, output, dOutput], control): undefined
// if all is done, else a promise of the end. With dOutput, the output is the gradient of the activation's argument.
napi_value runLinear(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

// weightGradient(team, isDouble, [rows, inputs, outputs], [input, dOutput, dWeight, dBias], control): as linear().
napi_value runWeightGradient(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

// packLinear(team, isDouble, [outputs, inputs, ofColumns], data, panels): fills panels of the team's level with a weight, in its
// element type.
napi_value packLinear(napi_env env, const Team& team, const napi_value* given);

// panelWidth(team, isDouble): columns of such a panel.
napi_value panelWidth(napi_env env, const Team& team, const napi_value* given);

// packWeight(team, [type, outputs, inputs], data): a stored weight in panels of the team's level, a Uint8Array.
napi_value packWeight(napi_env env, const Team& team, const napi_value* given);

}  // namespace heed
