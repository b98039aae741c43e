#pragma once
#include <cstdint>

#include "../problem.h"

namespace heed {

// Bytes of a weight in panels of `width` columns.
i64 packedBytes(Weight type, i64 outputs, i64 inputs, i64 width);

// Packs a weight [outputs, inputs] as it is stored in panels of `width` columns (kernels/stored.h), `step` panels from one to the
// next. What lies past the last column stays.
void packStored(Weight type, i64 outputs, i64 inputs, i64 width, i64 step, const uint8_t* from, uint8_t* to);

}  // namespace heed
