// Vectors of 32 bytes in 16 registers, with fused multiply-add.
#define HEED_AVX2
#include "level.h"

namespace heed {

extern const Level avx2Level;
constinit const Level avx2Level = levelOf("avx2", "AVX2");

}  // namespace heed
