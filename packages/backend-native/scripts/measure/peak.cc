// Peak at the level that this is compiled for, a line of standard input after another: `float32|float64 MILLISECONDS THREADS`
// prints GFLOP/s of multiply-adds in registers, of all threads; `sum BYTES 1` prints GB/s of one thread's sum over so many
// bytes, `pages BYTES 1` over pages of 4 KB in random order, fetched ahead.
#if !defined(_WIN32)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "../../native/kernels/vector.h"

namespace {

using namespace heed;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// More sums than latency times units, so that no unit waits.
constexpr int SUMS = VECTOR_BYTES == 64 ? 24 : 12;

template <class T>
double multiplyAdds(double milliseconds) {
  constexpr int rounds = 20000;
  double best = 0;
  volatile T one = 1, small = (T)1e-9;
  for (const double end = now() + milliseconds / 1000; now() < end;) {
    Vector<T> sums[SUMS] = {};
    const Vector<T> x = splat<T>(one), y = splat<T>(small);
    const double started = now();
    for (int n = 0; n < rounds; n++) {
#pragma GCC unroll 24
      for (int s = 0; s < SUMS; s++) {
        sums[s] = multiplyAdd(x, y, sums[s]);
#if defined(__x86_64__)
        __asm__("" : "+v"(sums[s]));
#else
        __asm__("" : "+w"(sums[s]));
#endif
      }
    }
    const double seconds = now() - started;
    const double flops = 2.0 * rounds * SUMS * LANES<T>;
    best = flops / seconds > best ? flops / seconds : best;
    Vector<T> all{};
#pragma GCC unroll 24
    for (int s = 0; s < SUMS; s++) all += sums[s];
    one = sumOf<T>(all) > 1e30 ? 2 : 1;
  }
  return best / 1e9;
}

template <class T>
double multiplyAdds(double milliseconds, int threads) {
  std::vector<double> rates(threads);
  std::vector<std::thread> running;
  for (double& rate : rates) running.emplace_back([&rate, milliseconds] { rate = multiplyAdds<T>(milliseconds); });
  double all = 0;
  for (int n = 0; n < threads; n++) {
    running[n].join();
    all += rates[n];
  }
  return all;
}

// Bytes of a page of 16 keys of 64 numbers.
constexpr size_t PAGE = 4096;
// Bytes that a sum over pages fetches ahead; of 2 to 128 KB, the fastest.
constexpr size_t AHEAD = 8192;

// Ones, in large pages where Linux has them on request, like resident tensors.
float* ones(size_t bytes) {
#if defined(_WIN32)
  float* numbers = new float[bytes / sizeof(float)];
#else
  constexpr size_t LARGE_PAGE = 2 << 20;
  const size_t size = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
  float* numbers = (float*)std::aligned_alloc(LARGE_PAGE, size);
#if defined(MADV_HUGEPAGE)
  madvise(numbers, size, MADV_HUGEPAGE);
#endif
#endif
  std::fill_n(numbers, bytes / sizeof(float), 1.0f);
  return numbers;
}

void giveBack(float* numbers) {
#if defined(_WIN32)
  delete[] numbers;
#else
  std::free(numbers);
#endif
}

// Over pages in the given order; without one, over all numbers as they lie. Between rounds others are written, so that none are
// in a cache, as none are when contestants take turns.
double sumOver(size_t bytes, const std::vector<size_t>& order) {
  float *numbers = ones(bytes), *others = ones(bytes);
  const size_t length = order.empty() ? bytes : PAGE, pieces = bytes / length;
  constexpr int L = LANES<float>;
  double best = 0;
  float total = 0;
  for (int round = 0; round < 9; round++) {
    Vector<float> sums[8] = {};
    std::fill_n(others, bytes / sizeof(float), (float)round);
    const double started = now();
    for (size_t piece = 0; piece < pieces; piece++) {
      const float* from = numbers + (order.empty() ? 0 : order[piece] * PAGE / sizeof(float));
      const size_t later = std::min(piece + AHEAD / PAGE, pieces - 1);
      const char* next = order.empty() ? nullptr : (const char*)numbers + order[later] * PAGE;
      for (size_t n = 0; n + 8 * L <= length / sizeof(float); n += 8 * L) {
        if (next != nullptr) {
          for (size_t line = 0; line < 8 * L * sizeof(float); line += 64) __builtin_prefetch(next + n * sizeof(float) + line);
        }
#pragma GCC unroll 8
        for (int s = 0; s < 8; s++) sums[s] += load(from + n + s * L);
      }
    }
    const double seconds = now() - started;
#pragma GCC unroll 8
    for (int s = 0; s < 8; s++) total += sumOf<float>(sums[s]);
    best = bytes / seconds > best ? bytes / seconds : best;
  }
  for (float* memory : {numbers, others}) giveBack(memory);
  return total > 0 ? best / 1e9 : 0;
}

std::vector<size_t> shuffledPages(size_t bytes) {
  std::vector<size_t> order(bytes / PAGE);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  return order;
}

}  // namespace

int main() {
  char kind[16];
  double amount;
  int threads;
  while (std::scanf("%15s %lf %d", kind, &amount, &threads) == 3) {
    if (std::strcmp(kind, "sum") == 0) std::printf("%f\n", sumOver((size_t)amount, {}));
    else if (std::strcmp(kind, "pages") == 0) std::printf("%f\n", sumOver((size_t)amount, shuffledPages((size_t)amount)));
    else if (std::strcmp(kind, "float64") == 0) std::printf("%f\n", multiplyAdds<double>(amount, threads));
    else std::printf("%f\n", multiplyAdds<float>(amount, threads));
    std::fflush(stdout);
  }
}
