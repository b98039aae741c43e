// Memory in pages of megabytes: a decoding step reads a whole cache once, and the addresses of many small pages take longer to
// translate than their bytes to arrive.
#pragma once
#include <node_api.h>

namespace heed {

// Asks the system for large pages under an ArrayBuffer, best before anything is written there.
void preferLargePages(napi_env env, napi_value buffer);

}  // namespace heed
