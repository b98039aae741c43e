// Linked into the checked program instead of a function that it calls. If HEED_PLANTED asks for it, each run has a
// fault of one kind, which the sanitizer must find: `overflow` writes behind scratch; `race` has tasks count together
// on several threads, instead of computing.
#include <cstdlib>
#include <cstring>

#include "../../native/pool/pool.h"

using namespace heed;

extern "C" {
bool realPrepare(Job&, i64) __asm__("__real__ZN4heed7prepareERNS_3JobEl");
bool wrapPrepare(Job&, i64) __asm__("__wrap__ZN4heed7prepareERNS_3JobEl");
}

namespace {
constexpr int ALIGNMENT = 64;

bool isPlanted(const char* fault) {
  const char* planted = std::getenv("HEED_PLANTED");
  return planted != nullptr && std::strcmp(planted, fault) == 0;
}

volatile long counted = 0;

void count(const Run&, i64, char*) {
  for (int n = 0; n < 10000; n++) counted = counted + 1;
}
}  // namespace

bool wrapPrepare(Job& job, i64 extraBytes) {
  const bool enough = realPrepare(job, extraBytes);
  if (enough && isPlanted("overflow")) job.shared.begin()[job.shared.bytes() + ALIGNMENT] = 1;
  if (isPlanted("race")) job.task = count;
  return enough;
}
