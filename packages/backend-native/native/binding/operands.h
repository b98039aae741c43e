// Typed arrays that a call gives, as memory.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "environment.h"

namespace heed {

// An operand; one that is absent has no data.
struct Given {
  void* data = nullptr;
  napi_value buffer = nullptr;
  i64 bytes = 0;
};

// Finds the memory of a typed array. Throws and returns false for anything but one of so many bytes.
bool readArray(napi_env env, napi_value value, i64 bytes, const std::string& name, Given& array);

// The same for an operand, which may be undefined, and which the job reads or fills.
bool readOperand(napi_env env, Job& job, napi_value operands, uint32_t index, i64 bytes, bool isFilled, Given& operand);

// An operation over operands: how many numbers each has, the first of which are inputs and the others results.
struct Operation {
  std::vector<i64> counts;
  uint32_t inputs;
  // Gives the job's problem the memory of the operands.
  std::function<void(const Given*)> setOperands;
  // Plans the problem, and tells the run of it.
  std::function<void(const Kernels&)> plan;
  const char* outOfMemory;
  // How many of the last operands are int32; the others are of the element type of the call.
  uint32_t integers = 0;
};

// Runs the operation of a call (team, isDouble, numbers, operands, control): undefined if all is done, else a promise of the end.
napi_value runOperation(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given, std::unique_ptr<OwnedJob> job,
                        const Operation& operation);

// The numbers of such a call.
const double* numbersOf(napi_env env, const napi_value* given);

}  // namespace heed
