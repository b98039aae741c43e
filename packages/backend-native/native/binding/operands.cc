#include "operands.h"

#include <string>

namespace heed {

bool readOperand(napi_env env, napi_value operands, uint32_t index, i64 count, i64 elementBytes, Given& operand) {
  napi_value value = nullptr;
  napi_valuetype valueType = napi_undefined;
  napi_get_element(env, operands, index, &value);
  napi_typeof(env, value, &valueType);
  if (valueType == napi_undefined) return true;
  size_t length = 0, offset = 0;
  const bool isArray =
      napi_get_typedarray_info(env, value, nullptr, &length, &operand.data, &operand.buffer, &offset) == napi_ok;
  if (isArray && static_cast<i64>(length) == count) {
    // An empty operand may have no address, like an absent one.
    static char nothing;
    if (operand.data == nullptr) operand.data = &nothing;
    operand.bytes = count * elementBytes;
    return true;
  }
  const std::string message = "operand " + std::to_string(index) + " has another length than the problem says; was its buffer transferred?";
  napi_throw_error(env, "SHAPE", message.c_str());
  return false;
}

}  // namespace heed
