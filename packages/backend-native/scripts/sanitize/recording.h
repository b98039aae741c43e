// A recorded run, written by `record.cc` and read by `replay`. Both are built on one machine from one source, so that
// structs are written as they are in memory.
#pragma once
#include "../../native/problem.h"

namespace heed {

struct Recorded {
  Problem problem;
  bool isDouble, isGradient;
  Noise noise;
  // Bytes of each operand, whose contents follow in this order unless they are results; -1 for none.
  i64 bytes[operandCount];
};

inline bool isResult(const Recorded& run, int operand) {
  return operand >= (run.isGradient ? Operand::dQuery : Operand::output);
}

}  // namespace heed
