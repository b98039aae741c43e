// Levels that this machine can run, the best first.
#pragma once
#include <vector>

#include "problem.h"

namespace heed {

std::vector<const Level*> levelsHere();

}  // namespace heed
