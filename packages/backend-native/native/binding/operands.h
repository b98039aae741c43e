// Typed arrays that a call gives, as memory.
#pragma once
#include <node_api.h>

#include <cstdint>

#include "../problem.h"

namespace heed {

// An operand; one that is absent has no data.
struct Given {
  void* data = nullptr;
  napi_value buffer = nullptr;
  i64 bytes = 0;
};

// Finds the memory of an operand. Throws and returns false for anything but undefined or a typed array of so many numbers.
bool readOperand(napi_env env, napi_value operands, uint32_t index, i64 count, i64 elementBytes, Given& operand);

}  // namespace heed
