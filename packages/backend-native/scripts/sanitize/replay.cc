// Kernels and pool without Node: `replay RECORDING LEVEL` computes the recorded runs on one thread, then again from several
// callers at once, each with a backend of two threads, and compares every bit. Some runs are abandoned half-way, and
// callers come and go, so that the pool ends and begins again meanwhile.
#include <cstdio>
#include <cstring>
#include <future>
#include <string>
#include <vector>

#include "../../native/cpu.h"
#include "../../native/pool/pool.h"
#include "recording.h"

using namespace heed;

namespace {

constexpr int CALLERS = 4, ROUNDS = 3, ABANDONED = 17;

using Bytes = std::vector<char>;

struct Case {
  Recorded recorded;
  // Inputs; results have the size that they will have.
  std::vector<Bytes> operands{operandCount};
  std::vector<Bytes> expected;
};

// A run of a case, with results of its own.
struct Replay : Job {
  std::vector<Bytes> results{operandCount};
  int32_t stopped = 0;
  std::promise<void> ended;

  Replay(const Case& from, const std::shared_ptr<Team>& team, void* caller) {
    this->team = team;
    owner = caller;
    problem = from.recorded.problem;
    const Kernels& kernels = from.recorded.isDouble ? team->level->float64 : team->level->float32;
    plan = (from.recorded.isGradient ? kernels.planGradient : kernels.planForward)(problem, team->threads);
    task = from.recorded.isGradient ? kernels.gradient : kernels.forward;
    for (int n = 0; n < operandCount; n++) {
      const Bytes& given = from.operands[n];
      run.operands[n] = nullptr;
      if (from.recorded.bytes[n] < 0) continue;
      if (isResult(from.recorded, n)) results[n] = Bytes(given.size());
      run.operands[n] = isResult(from.recorded, n) ? results[n].data() : const_cast<char*>(given.data());
      // An address, though nothing is read there: null would mean an absent operand.
      static char nothing;
      if (given.empty()) run.operands[n] = &nothing;
    }
    run.noise = from.recorded.noise;
    run.stop = &stopped;
    finished = [](Job* job) { static_cast<Replay*>(job)->ended.set_value(); };
  }
};

std::vector<Case> read(const char* path) {
  std::vector<Case> cases;
  FILE* file = std::fopen(path, "rb");
  for (Case next; file != nullptr && std::fread(&next.recorded, sizeof next.recorded, 1, file) == 1; next = Case()) {
    for (int n = 0; n < operandCount; n++) {
      if (next.recorded.bytes[n] <= 0) continue;
      next.operands[n].resize((size_t)next.recorded.bytes[n]);
      if (isResult(next.recorded, n)) continue;
      if (std::fread(next.operands[n].data(), next.operands[n].size(), 1, file) != 1) return cases;
    }
    cases.push_back(next);
  }
  if (file != nullptr) std::fclose(file);
  return cases;
}

std::shared_ptr<Team> teamOf(const Level* level, int threads) {
  auto team = std::make_shared<Team>();
  team->level = level;
  team->threads = threads;
  return team;
}

// Returns the number of results that differ.
int callerWork(const std::vector<Case>& cases, const Level* level, size_t caller) {
  int wrong = 0;
  int self = 0;
  for (int round = 0; round < ROUNDS; round++) {
    Pool::instance().acquire();
    const auto team = teamOf(level, 2);
    for (size_t n = 0; n < cases.size(); n++) {
      const Case& one = cases[(n + caller * cases.size() / CALLERS) % cases.size()];
      Replay job(one, team, &self);
      if (job.plan.tasks == 0) continue;
      if (!prepare(job, 0)) return -1;
      auto ended = job.ended.get_future();
      if (!Pool::instance().submit(&job)) return -1;
      const bool isAbandoned = (n + (size_t)round) % ABANDONED == 0;
      if (isAbandoned) Pool::instance().abandon(&self);
      ended.wait();
      // Its thread may still be leaving the job.
      Pool::instance().abandon(&self);
      putBack(job);
      if (!isAbandoned && job.results != one.expected) wrong++;
    }
    Pool::instance().release();
  }
  return wrong;
}

}  // namespace

int main(int, char** words) {
  std::vector<Case> cases = read(words[1]);
  const Level* level = nullptr;
  for (const Level* one : levelsHere()) {
    if (std::string(one->option) == words[2]) level = one;
  }
  if (level == nullptr || cases.empty()) {
    std::printf("no level %s, or no runs in %s\n", words[2], words[1]);
    return 2;
  }
  const auto alone = teamOf(level, 1);
  for (Case& one : cases) {
    Replay job(one, alone, nullptr);
    if (job.plan.tasks > 0 && !prepare(job, job.plan.threadBytes)) return 2;
    if (job.plan.tasks > 0) runHere(job);
    one.expected = job.results;
  }
  std::vector<std::future<int>> callers;
  for (size_t n = 0; n < CALLERS; n++) callers.push_back(std::async(std::launch::async, callerWork, std::cref(cases), level, n));
  int wrong = 0;
  for (auto& caller : callers) wrong += caller.get();
  std::printf("%s: %zu runs, %d callers, %d wrong\n", words[2], cases.size(), CALLERS, wrong);
  return wrong == 0 ? 0 : 1;
}
