// A problem from TypeScript, read once when it is compiled.
#pragma once
#include <node_api.h>

#include "../problem.h"

namespace heed {

struct Compiled {
  Problem problem{};
  bool isDouble = false;
  // Number of bytes of each operand; -1 if the problem has no such operand.
  i64 operandBytes[operandCount];
};

Compiled readProblem(napi_env env, napi_value object);

}  // namespace heed
