// Vectors of 16 bytes in 32 registers, with fused multiply-add: every arm64 processor.
#define HEED_NEON
#include "level.h"

namespace heed {

extern const Level neonLevel;
constinit const Level neonLevel = levelOf("neon", "NEON");

}  // namespace heed
