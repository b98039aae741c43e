// Peak at the level that this is compiled for, a line of standard input after another: `float32|float64 MILLISECONDS THREADS`
// prints GFLOP/s of multiply-adds in registers, of all threads; `sum BYTES 1` prints GB/s of one thread's sum over so many
// bytes.
#include <chrono>
#include <cstdio>
#include <cstring>
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

double sumOver(size_t bytes) {
  std::vector<float> numbers(bytes / 4, 1);
  double best = 0;
  float total = 0;
  for (int round = 0; round < 9; round++) {
    Vector<float> sums[8] = {};
    const double started = now();
    for (size_t n = 0; n + 8 * LANES<float> <= numbers.size(); n += 8 * LANES<float>) {
#pragma GCC unroll 8
      for (int s = 0; s < 8; s++) sums[s] += load(numbers.data() + n + s * LANES<float>);
    }
    const double seconds = now() - started;
#pragma GCC unroll 8
    for (int s = 0; s < 8; s++) total += sumOf<float>(sums[s]);
    best = bytes / seconds > best ? bytes / seconds : best;
  }
  return total > 0 ? best / 1e9 : 0;
}

}  // namespace

int main() {
  char kind[16];
  double amount;
  int threads;
  while (std::scanf("%15s %lf %d", kind, &amount, &threads) == 3) {
    if (std::strcmp(kind, "sum") == 0) std::printf("%f\n", sumOver((size_t)amount));
    else if (std::strcmp(kind, "float64") == 0) std::printf("%f\n", multiplyAdds<double>(amount, threads));
    else std::printf("%f\n", multiplyAdds<float>(amount, threads));
    std::fflush(stdout);
  }
}
