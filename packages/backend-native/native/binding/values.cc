#include "values.h"

namespace heed {

napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  if (napi_get_named_property(env, object, name, &value) != napi_ok) throw Unanswered();
  return value;
}

napi_value element(napi_env env, napi_value array, uint32_t index) {
  napi_value value = nullptr;
  if (napi_get_element(env, array, index, &value) != napi_ok) throw Unanswered();
  return value;
}

}  // namespace heed
