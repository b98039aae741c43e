#include "operands.h"

#include "pin.h"
#include "values.h"

namespace heed {

namespace {

i64 elementBytes(napi_typedarray_type type) {
  static constexpr i64 bytes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  return bytes[type];
}

}  // namespace

bool readArray(napi_env env, napi_value value, i64 bytes, const std::string& name, Given& array) {
  napi_typedarray_type type{};
  size_t length = 0, offset = 0;
  const bool isArray = napi_get_typedarray_info(env, value, &type, &length, &array.data, &array.buffer, &offset) == napi_ok;
  if (isArray && static_cast<i64>(length) * elementBytes(type) == bytes) {
    // An empty array may have no address, like an absent one; nothing may be added to a null pointer, nor memset() get one.
    static char nothing;
    if (array.data == nullptr) array.data = &nothing;
    array.bytes = bytes;
    return true;
  }
  const std::string message = name + " has another length than the problem says; was its buffer transferred?";
  napi_throw_error(env, "SHAPE", message.c_str());
  return false;
}

bool readOperand(napi_env env, Job& job, napi_value operands, uint32_t index, i64 bytes, bool isFilled, Given& operand) {
  const napi_value value = element(env, operands, index);
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  if (type == napi_undefined) return true;
  if (!readArray(env, value, bytes, "operand " + std::to_string(index), operand)) return false;
  job.ranges.push_back({static_cast<const char*>(operand.data), operand.bytes, isFilled});
  return true;
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
    const bool isInteger = n + operation.integers >= operands.size();
    const i64 bytes = operation.counts[n] * (isDouble && !isInteger ? 8 : 4);
    if (!readOperand(env, *job, given[3], n, bytes, n >= operation.inputs, operands[n])) return nullptr;
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
