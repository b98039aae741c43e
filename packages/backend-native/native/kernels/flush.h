// While it lives, results below the smallest normal number are 0: x86 processors take a hundred times as long for them. Weights of
// keys far away are as small as that (ALiBi), and their products with values or gradients are too small for any sum. Not for products
// of queries and keys: their factor may be large.
#pragma once

namespace heed {
namespace {

class FlushesToZero {
#if defined(__SSE2__)
  const unsigned before = __builtin_ia32_stmxcsr();

 public:
  FlushesToZero() { __builtin_ia32_ldmxcsr(before | 1u << 15); }
  ~FlushesToZero() { __builtin_ia32_ldmxcsr(before); }
#else
 public:
  FlushesToZero() {}
  ~FlushesToZero() {}
#endif
  FlushesToZero(const FlushesToZero&) = delete;
};

}  // namespace
}  // namespace heed
