// One pool of threads for the whole process, shared by all environments (the main thread and worker_threads) and all
// backends. Not libuv's four, which files and DNS wait for.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../problem.h"

namespace heed {

// Memory that begins at a multiple of 64 bytes. Null if there is none.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(memory_); }
  // Makes room for so many bytes; contents may be lost. Returns whether there was memory.
  bool reserve(i64 bytes);
  char* begin() const { return begin_; }
  i64 bytes() const { return bytes_; }
  void swap(Buffer& other);

 private:
  void* memory_ = nullptr;
  char* begin_ = nullptr;
  i64 bytes_ = 0;
};

// A backend: the number of threads that it may use at a time, and the scratch of its last run, which the next one
// takes.
struct Team {
  const Level* level;
  int threads;
  std::mutex mutex;
  Buffer spare;
  // Threads at work for it; the pool's mutex guards it.
  int active = 0;
};

// Memory that a job reads or fills.
struct Range {
  const char* begin;
  i64 bytes;
  bool isFilled;
};

struct Job {
  virtual ~Job() = default;
  std::shared_ptr<Team> team;
  Plan plan;
  Problem problem;
  Linear linear;
  Slope slope;
  Norm norm;
  ElementDropout dropout;
  Rotary rotary;
  Embedding embedding;
  Run run{};
  // Its inputs and results: a job waits for earlier ones that fill what it reads, or use what it fills.
  std::vector<Range> ranges;
  void (*task)(const Run&, i64 task, char* scratch);
  Buffer shared;
  // Its environment, which learns of its end, once, on a thread of the pool; null where the calling thread waits for it.
  void* owner = nullptr;
  void (*finished)(Job*);
  std::atomic<i64> next{0};
  std::atomic<bool> outOfMemory{false};
  bool noThreads = false;
  // Threads at work on it; the pool's mutex guards it.
  int workers = 0;
  // Earlier jobs that it waits for; the pool's mutex guards it.
  int waitsFor = 0;
};

// Gives the job its scratch. Returns whether there was memory.
bool prepare(Job& job, i64 extraBytes);
void putBack(Job& job);
// Runs all tasks on this thread.
void runHere(Job& job);
// Runs a job that is over soon before the call returns, if it is one, waits for no other, and its threads are not all at work: a tiny
// one on this thread, a short one on this thread and on those of the pool that wake in time. Its scratch must have room for a
// thread's. Returns whether it did; `outOfMemory` then tells whether all tasks ran.
bool runBeforeReturning(Job& job);
// Room for the calling thread's scratch, in jobs that may run before the call returns.
i64 callingThreadBytes(const Plan& plan);

class Pool {
 public:
  static Pool& instance();
  // Registers an environment. All threads have ended when the last one has released the pool.
  void acquire();
  void release();
  // Returns whether any thread will run it.
  bool submit(Job* job);
  // Runs all tasks on this thread and on others. Returns false, having done nothing, where the team's threads are all at work or the
  // job waits for another.
  bool runTogether(Job& job);
  // Returns whether a job would wait for those of the pool.
  bool waits(const Job& job);
  // Ends the jobs of an environment early, and waits until no thread is at work on them: their memory may then go.
  void abandon(void* owner);

 private:
  void work();
  Job* choose();
  int countBefore(const Job& job) const;
  bool remove(Job& job);
  bool grow(int threads);

  // Held while threads end: an environment that came meanwhile would count on threads that end, too.
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable wake_, left_;
  std::list<Job*> jobs_;
  // Environments that are being told of the end of a job.
  std::list<void*> told_;
  std::vector<std::thread> threads_;
  int environments_ = 0;
  bool ending_ = false;
};

}  // namespace heed
