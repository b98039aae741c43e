// A problem as TypeScript has it, read once when it is compiled.
#pragma once
#include <node_api.h>

#include "../problem.h"

namespace heed {

struct Compiled {
  Problem problem{};
  bool isDouble = false;
  // Bytes that each operand has; -1 where the problem has no such operand.
  i64 operandBytes[operandCount];
};

Compiled readProblem(napi_env env, napi_value object);

}  // namespace heed
