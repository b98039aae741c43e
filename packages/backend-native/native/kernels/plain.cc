// Vectors of 16 bytes by the compiler's own operators alone, which every processor has.
#include "level.h"

namespace heed {

extern const Level plainLevel;
constinit const Level plainLevel = levelOf("plain", "plain");

}  // namespace heed
