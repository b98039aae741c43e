// The kernels of one level: this file is compiled once for each, with its own instructions, and exports one table.
#include "attend.h"
#include "gradient.h"

#if defined(HEED_AVX512)
#define TABLE avx512Level
#define OPTION "avx512"
#define NAME "AVX-512"
#elif defined(HEED_AVX2)
#define TABLE avx2Level
#define OPTION "avx2"
#define NAME "AVX2"
#elif defined(HEED_NEON)
#define TABLE neonLevel
#define OPTION "neon"
#define NAME "NEON"
#else
#define TABLE plainLevel
#define OPTION "plain"
#define NAME "plain"
#endif

namespace heed {

extern const Level TABLE;
const Level TABLE = {
    .option = OPTION,
    .name = NAME,
    .float32 = {planForward<float>, planGradient<float>, forwardTask<float>, gradientTask<float>},
    .float64 = {planForward<double>, planGradient<double>, forwardTask<double>, gradientTask<double>},
};

}  // namespace heed
