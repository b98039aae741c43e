// Vectors of 64 bytes in 32 registers.
#define HEED_AVX512
#include "level.h"

namespace heed {

extern const Level avx512Level;
constinit const Level avx512Level = levelOf("avx512", "AVX-512");

}  // namespace heed
