#include "cpu.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#endif

namespace heed {

#if defined(__x86_64__) || defined(_M_X64)

extern const Level avx512Level, avx2Level, plainLevel;

namespace {

struct Registers {
  unsigned a, b, c, d;
};

Registers cpuid(unsigned leaf) {
  Registers r{};
  __get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d);
  return r;
}

// Register state that the system saves when it switches threads.
unsigned savedState() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool has(unsigned flags, unsigned wanted) { return (flags & wanted) == wanted; }

}  // namespace

std::vector<const Level*> levelsHere() {
  std::vector<const Level*> levels{&plainLevel};
  const Registers basic = cpuid(1), extended = cpuid(7), more = cpuid(0x80000001);
  constexpr unsigned movbe = 1u << 22, fma = 1u << 12, saved = 1u << 27, avx = 1u << 28, half = 1u << 29;
  constexpr unsigned bits = 1u << 3 | 1u << 8, avx2 = 1u << 5, lzcnt = 1u << 5;
  constexpr unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
  if (!has(basic.c, movbe | fma | saved | avx | half) || !has(extended.b, bits | avx2) || !has(more.c, lzcnt)) return levels;
  const unsigned state = savedState();
  if (!has(state, 0x06)) return levels;
  levels.insert(levels.begin(), &avx2Level);
  if (has(extended.b, avx512) && has(state, 0xe6)) levels.insert(levels.begin(), &avx512Level);
  return levels;
}

#else

extern const Level neonLevel, plainLevel;

// Every arm64 processor has NEON.
std::vector<const Level*> levelsHere() { return {&neonLevel, &plainLevel}; }

#endif

}  // namespace heed
