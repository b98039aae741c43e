#include "pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace heed {

namespace {

constexpr i64 ALIGNMENT = 64;
// Largest scratch that a backend keeps for its next run.
constexpr i64 SPARE_BYTES = i64{1} << 27;

// Work that is over before another thread is awake runs on the calling thread. Work that is over before the event loop would turn
// runs on the calling thread and on others, and the call waits: a decoding step has a hundred such calls one after the other,
// and the way through the event loop took as long as they did.
constexpr double CALLING_THREAD_MICROSECONDS = 50;
constexpr double WAITING_MICROSECONDS = 300;

void yieldThread() { std::this_thread::yield(); }

void stop(Job& job) { __atomic_store_n(const_cast<int32_t*>(job.run.stop), 1, __ATOMIC_RELAXED); }

bool overlap(const Range& one, const Range& other) {
  return one.begin < other.begin + other.bytes && other.begin < one.begin + one.bytes;
}

// Returns whether one of two jobs fills what the other reads or fills.
bool conflict(const Job& one, const Job& other) {
  for (const Range& range : one.ranges) {
    for (const Range& its : other.ranges) {
      if ((range.isFilled || its.isFilled) && overlap(range, its)) return true;
    }
  }
  return false;
}

bool isStopped(const Job& job) { return __atomic_load_n(job.run.stop, __ATOMIC_RELAXED) != 0; }

}  // namespace

bool Buffer::reserve(i64 bytes) {
  if (bytes <= bytes_) return true;
  std::free(memory_);
  memory_ = std::malloc(static_cast<size_t>(bytes + ALIGNMENT));
  const auto address = reinterpret_cast<uintptr_t>(memory_);
  begin_ = memory_ == nullptr ? nullptr : reinterpret_cast<char*>((address + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  bytes_ = memory_ == nullptr ? 0 : bytes;
  return memory_ != nullptr;
}

void Buffer::swap(Buffer& other) {
  std::swap(memory_, other.memory_);
  std::swap(begin_, other.begin_);
  std::swap(bytes_, other.bytes_);
}

bool prepare(Job& job, i64 extraBytes) {
  {
    const std::lock_guard lock(job.team->mutex);
    job.shared.swap(job.team->spare);
  }
  if (!job.shared.reserve(job.plan.sharedBytes + extraBytes)) return false;
  // Of no bytes, begin() may be null, which memset() must not get.
  std::fill_n(job.shared.begin(), job.plan.clearedBytes, char{0});
  job.run.problem = &job.problem;
  job.run.plan = &job.plan;
  job.run.shared = job.shared.begin();
  job.run.yield = yieldThread;
  return true;
}

void putBack(Job& job) {
  if (job.shared.bytes() > SPARE_BYTES) return;
  const std::lock_guard lock(job.team->mutex);
  if (job.team->spare.bytes() < job.shared.bytes()) job.shared.swap(job.team->spare);
}

void runHere(Job& job) {
  char* scratch = job.shared.begin() + job.plan.sharedBytes;
  for (i64 task = 0; task < job.plan.tasks; task++) job.task(job.run, task, scratch);
}

i64 callingThreadBytes(const Plan& plan) { return plan.microseconds < WAITING_MICROSECONDS ? plan.threadBytes : 0; }

bool runBeforeReturning(Job& job) {
  const bool isTiny = job.plan.microseconds < CALLING_THREAD_MICROSECONDS;
  const bool isShort = job.plan.microseconds < WAITING_MICROSECONDS && job.team->threads > 1;
  if (isTiny && Pool::instance().waits(job)) return false;
  if (isTiny) runHere(job);
  else if (!isShort || !Pool::instance().runTogether(job)) return false;
  putBack(job);
  return true;
}

Pool& Pool::instance() {
  // Never destroyed: a process may exit with threads at work.
  static Pool& pool = *new Pool;
  return pool;
}

void Pool::acquire() {
  const std::lock_guard turn(turn_);
  const std::lock_guard lock(mutex_);
  environments_++;
}

void Pool::release() {
  const std::lock_guard turn(turn_);
  std::vector<std::thread> ended;
  {
    const std::lock_guard lock(mutex_);
    if (--environments_ > 0) return;
    ending_ = true;
    ended.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : ended) thread.join();
  const std::lock_guard lock(mutex_);
  ending_ = false;
}

bool Pool::grow(int threads) {
  try {
    while (static_cast<int>(threads_.size()) < threads) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // The machine gives no more threads: the existing ones do the work.
  }
  return !threads_.empty();
}

int Pool::countBefore(const Job& job) const {
  int count = 0;
  for (const Job* other : jobs_) count += conflict(job, *other);
  return count;
}

bool Pool::waits(const Job& job) {
  const std::lock_guard lock(mutex_);
  return countBefore(job) > 0;
}

// Returns whether a later job has waited for this one alone.
bool Pool::remove(Job& job) {
  bool isAwaited = false;
  bool isLater = false;
  for (Job* other : jobs_) {
    if (isLater && conflict(job, *other)) isAwaited |= --other->waitsFor == 0;
    isLater |= other == &job;
  }
  jobs_.remove(&job);
  return isAwaited;
}

bool Pool::submit(Job* job) {
  {
    const std::lock_guard lock(mutex_);
    if (!grow(job->team->threads)) return false;
    job->waitsFor = countBefore(*job);
    jobs_.push_back(job);
  }
  for (int n = 0; n < job->team->threads; n++) wake_.notify_one();
  return true;
}

bool Pool::runTogether(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (job.team->active >= job.team->threads || countBefore(job) > 0) return false;
    grow(job.team->threads - 1);
    job.workers = 1;
    job.team->active++;
    jobs_.push_back(&job);
  }
  for (int n = 1; n < job.team->threads; n++) wake_.notify_one();
  char* scratch = job.shared.begin() + job.plan.sharedBytes;
  for (i64 task; (task = job.next.fetch_add(1)) < job.plan.tasks;) job.task(job.run, task, scratch);
  std::unique_lock lock(mutex_);
  job.team->active--;
  job.workers--;
  left_.wait(lock, [&] { return job.workers == 0; });
  if (remove(job)) wake_.notify_all();
  // A thread that found the team at its limit sleeps again, and would not hear of this.
  else if (choose() != nullptr) wake_.notify_one();
  return true;
}

void Pool::abandon(void* owner) {
  std::unique_lock lock(mutex_);
  for (Job* job : jobs_) {
    if (job->owner == owner) stop(*job);
  }
  left_.wait(lock, [&] {
    for (const Job* job : jobs_) {
      if (job->owner == owner) return false;
    }
    for (const void* told : told_) {
      if (told == owner) return false;
    }
    return true;
  });
}

Job* Pool::choose() {
  for (Job* job : jobs_) {
    if (job->waitsFor == 0 && job->next.load(std::memory_order_relaxed) < job->plan.tasks && job->team->active < job->team->threads) return job;
  }
  return nullptr;
}

void Pool::work() {
  Buffer scratch;
  std::unique_lock lock(mutex_);
  for (;;) {
    Job* job = choose();
    if (job == nullptr) {
      if (ending_) return;
      wake_.wait(lock);
      continue;
    }
    job->workers++;
    job->team->active++;
    lock.unlock();
    if (!scratch.reserve(job->plan.threadBytes)) {
      job->outOfMemory = true;
      stop(*job);
    }
    for (i64 task; (task = job->next.fetch_add(1)) < job->plan.tasks;) {
      if (!isStopped(*job)) job->task(job->run, task, scratch.begin());
    }
    lock.lock();
    job->team->active--;
    if (--job->workers > 0) continue;
    if (job->owner == nullptr) {
      // The calling thread waits, and removes it.
      left_.notify_all();
      continue;
    }
    // The owner deletes the job as soon as it is told.
    // What has waited for it may be for more threads than this one.
    if (remove(*job)) wake_.notify_all();
    const auto told = told_.insert(told_.end(), job->owner);
    lock.unlock();
    job->finished(job);
    lock.lock();
    told_.erase(told);
    left_.notify_all();
  }
}

}  // namespace heed
