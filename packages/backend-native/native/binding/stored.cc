#include "stored.h"

#include <cstring>

namespace heed {

namespace {

constexpr i64 BLOCK_STEPS = 32;

bool isBlock(Weight type) { return type == Weight::q8_0 || type == Weight::q4_0 || type == Weight::q4_1; }

i64 blockBytes(Weight type) { return type == Weight::q8_0 ? 34 : type == Weight::q4_0 ? 18 : 20; }

void packHalves(i64 outputs, i64 inputs, i64 width, i64 step, const uint16_t* from, uint16_t* to) {
  for (i64 n = 0; n < outputs; n++) {
    uint16_t* column = to + n / width * step * width * inputs + n % width;
    for (i64 k = 0; k < inputs; k++) column[k * width] = from[n * inputs + k];
  }
}

// A block: `to` is the place of its column in its panel's block.
void packBlock(Weight type, i64 width, const uint8_t* from, uint8_t* to, i64 column) {
  const i64 head = type == Weight::q4_1 ? 2 : 1;
  for (i64 n = 0; n < head; n++) std::memcpy(to + (n * width + column) * 2, from + 2 * n, 2);
  const uint8_t* numbers = from + 2 * head;
  uint8_t* steps = to + 2 * head * width + column;
  if (type == Weight::q8_0) {
    for (i64 k = 0; k < BLOCK_STEPS; k++) steps[k * width] = numbers[k];
    return;
  }
  // Byte n has numbers n and n + 16; packed, it has neighbors.
  const auto number = [&](i64 k) { return k < 16 ? numbers[k] & 15 : numbers[k - 16] >> 4; };
  for (i64 k = 0; k < BLOCK_STEPS / 2; k++) steps[k * width] = static_cast<uint8_t>(number(2 * k) | number(2 * k + 1) << 4);
}

}  // namespace

i64 packedBytes(Weight type, i64 outputs, i64 inputs, i64 width) {
  const i64 columns = (outputs + width - 1) / width * width;
  return isBlock(type) ? columns * (inputs / BLOCK_STEPS) * blockBytes(type) : columns * inputs * 2;
}

void packStored(Weight type, i64 outputs, i64 inputs, i64 width, i64 step, const uint8_t* from, uint8_t* to) {
  if (!isBlock(type)) {
    packHalves(outputs, inputs, width, step, reinterpret_cast<const uint16_t*>(from), reinterpret_cast<uint16_t*>(to));
    return;
  }
  const i64 blocks = inputs / BLOCK_STEPS, bytes = blockBytes(type);
  for (i64 n = 0; n < outputs; n++) {
    for (i64 block = 0; block < blocks; block++)
      packBlock(type, width, from + (n * blocks + block) * bytes, to + (n / width * step * blocks + block) * width * bytes, n % width);
  }
}

}  // namespace heed
