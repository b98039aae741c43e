// Values inside JavaScript objects.
#pragma once
#include <node_api.h>

namespace heed {

// Thrown where JavaScript gives no value: a getter has thrown, or the worker is being terminated, from when on Node-API leaves what it
// should read unset.
struct Unanswered {};

napi_value property(napi_env env, napi_value object, const char* name);
napi_value element(napi_env env, napi_value array, uint32_t index);

}  // namespace heed
