// Memory of an input that outlives the transfer of its buffer.
#pragma once
#include <node_api.h>

#include "environment.h"

namespace heed {

// Keeps the memory of a typed array's buffer for as long as the job, or copies `bytes` of it and sets the address of
// the copy. Returns whether there was memory for that.
bool keep(napi_env env, napi_value buffer, i64 bytes, void*& data, OwnedJob& job);

}  // namespace heed
