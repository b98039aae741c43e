// A JavaScript environment: the main thread or one of worker_threads.
#pragma once
#include <node_api.h>

#include <functional>
#include <memory>
#include <vector>

#include "../pool/pool.h"

namespace heed {

// A job, and the references that keep its memory alive in JavaScript.
struct OwnedJob : Job {
  napi_deferred deferred = nullptr;
  napi_ref operands = nullptr;
  napi_ref control = nullptr;
  // Keeps the memory of inputs, whose buffers may be transferred and collected during the run.
  std::vector<napi_ref> pins;
  std::vector<std::unique_ptr<char[]>> copies;
};

// What a run and TypeScript tell each other: an Int32Array that TypeScript makes for each run.
struct Control {
  // Once it is not 0, the run ends early.
  int32_t stop;
  // 1 if all inputs are memory of the backend, which nobody can transfer.
  int32_t isOwn;
  // Filled for a run that is not over at its return: microseconds that it will take, roughly, at least 1.
  int32_t microseconds;
};

// Runs a planned job, whose problem and ranges are set, and returns undefined if it is over, else a promise of its end; null after a
// throw. `keepInputs` sees to it that inputs which are not the backend's own stay where the job finds them; it returns false without memory.
napi_value begin(napi_env env, std::unique_ptr<OwnedJob> job, napi_value operands, napi_value control, const char* outOfMemory,
                 const std::function<bool()>& keepInputs);

// Hands runs to the pool and settles their promises. The event loop stays alive while any is under way. When the
// environment ends, also by terminate() or process.exit(), it ends its runs early and waits until no thread touches their
// memory.
class Environment {
 public:
  static void create(napi_env env);
  static Environment& of(napi_env env);

  // Returns the promise of a run. The operands and the control are kept until it is settled.
  napi_value start(std::unique_ptr<OwnedJob> job, napi_value operands, napi_value control);

  // A WeakMap from buffers to second buffers over their memory, for `pin.cc`; null if there can be none. The memory of a
  // buffer that was transferred lives until that buffer, now empty, is collected.
  napi_value secondBuffers();

 private:
  explicit Environment(napi_env env) : env_(env) {}
  static void end(void* self);
  static void destroy(napi_env env, void* self, void* hint);
  static void finished(Job* job);
  static void settle(napi_env env, napi_value callback, void* self, void* job);

  napi_env env_;
  napi_threadsafe_function settle_ = nullptr;
  napi_ref secondBuffers_ = nullptr;
  int underWay_ = 0;
};

}  // namespace heed
