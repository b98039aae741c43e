// Typed arrays that a call gives, as memory.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "environment.h"

namespace heed {

// An operand; one that is absent has no data.
struct Given {
  void* data = nullptr;
  napi_value buffer = nullptr;
  i64 bytes = 0;
};

// Bytes of an element of a typed array.
i64 elementBytes(napi_typedarray_type type);

// Finds the memory of an operand. Throws and returns false for anything but undefined or a typed array of so many numbers.
bool readOperand(napi_env env, napi_value operands, uint32_t index, i64 count, i64 numberBytes, Given& operand);

// An operation over operands: how many numbers each has, the first of which are inputs and the others results.
struct Operation {
  std::vector<i64> counts;
  uint32_t inputs;
  // Gives the job's problem the memory of the operands.
  std::function<void(const Given*)> setOperands;
  // Plans the problem, and tells the run of it.
  std::function<void(const Kernels&)> plan;
  const char* outOfMemory;
};

// Runs the operation of a call (team, isDouble, numbers, operands, control): undefined if all is done, else a promise of the end.
napi_value runOperation(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given, std::unique_ptr<OwnedJob> job,
                        const Operation& operation);

// The numbers of such a call.
const double* numbersOf(napi_env env, const napi_value* given);

}  // namespace heed
