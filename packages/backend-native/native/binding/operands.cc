#include "operands.h"

#include <string>

#include "pin.h"
#include "values.h"

namespace heed {

i64 elementBytes(napi_typedarray_type type) {
  static constexpr i64 bytes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  return bytes[type];
}

bool readOperand(napi_env env, napi_value operands, uint32_t index, i64 count, i64 numberBytes, Given& operand) {
  const napi_value value = element(env, operands, index);
  napi_valuetype valueType = napi_undefined;
  napi_typeof(env, value, &valueType);
  if (valueType == napi_undefined) return true;
  size_t length = 0, offset = 0;
  const bool isArray =
      napi_get_typedarray_info(env, value, nullptr, &length, &operand.data, &operand.buffer, &offset) == napi_ok;
  if (isArray && static_cast<i64>(length) == count) {
    // An empty operand may have no address, like an absent one.
    static char nothing;
    if (operand.data == nullptr) operand.data = &nothing;
    operand.bytes = count * numberBytes;
    return true;
  }
  const std::string message = "operand " + std::to_string(index) + " has another length than the problem says; was its buffer transferred?";
  napi_throw_error(env, "SHAPE", message.c_str());
  return false;
}

const double* numbersOf(napi_env env, const napi_value* given) {
  void* numbers = nullptr;
  napi_get_typedarray_info(env, given[2], nullptr, nullptr, &numbers, nullptr, nullptr);
  return static_cast<const double*>(numbers);
}

napi_value runOperation(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given, std::unique_ptr<OwnedJob> job,
                        const Operation& operation) {
  bool isDouble = false;
  napi_get_value_bool(env, given[1], &isDouble);
  std::vector<Given> operands(operation.counts.size());
  for (uint32_t n = 0; n < operands.size(); n++) {
    if (!readOperand(env, given[3], n, operation.counts[n], isDouble ? 8 : 4, operands[n])) return nullptr;
    if (operands[n].data != nullptr) {
      job->ranges.push_back({static_cast<const char*>(operands[n].data), operands[n].bytes, n >= operation.inputs});
    }
  }
  operation.setOperands(operands.data());
  job->team = team;
  operation.plan(isDouble ? team->level->float64 : team->level->float32);
  OwnedJob& kept = *job;
  return begin(env, std::move(job), given[3], given[4], operation.outOfMemory, [&] {
    for (uint32_t n = 0; n < operation.inputs; n++) {
      Given& input = operands[n];
      if (input.data != nullptr && !keep(env, input.buffer, input.bytes, input.data, kept)) return false;
    }
    operation.setOperands(operands.data());
    return true;
  });
}

}  // namespace heed
