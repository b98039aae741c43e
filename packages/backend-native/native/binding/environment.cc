#include "environment.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace heed {

namespace {

napi_value errorOf(napi_env env, const char* code, const char* message) {
  napi_value codeValue = nullptr, messageValue = nullptr, error = nullptr;
  napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &codeValue);
  napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &messageValue);
  napi_create_error(env, codeValue, messageValue, &error);
  return error;
}

}  // namespace

napi_value begin(napi_env env, std::unique_ptr<OwnedJob> job, napi_value operands, napi_value control, const char* outOfMemory,
                 const std::function<bool()>& keepInputs) {
  const auto throwOutOfMemory = [&]() -> napi_value {
    napi_throw_error(env, "OUT_OF_MEMORY", outOfMemory);
    return nullptr;
  };
  if (job->plan.tasks == 0) return nullptr;
  void* memory = nullptr;
  napi_get_typedarray_info(env, control, nullptr, nullptr, &memory, nullptr, nullptr);
  auto* const told = static_cast<Control*>(memory);
  job->run.stop = &told->stop;
  if (!prepare(*job, callingThreadBytes(job->plan))) return throwOutOfMemory();
  if (runBeforeReturning(*job)) return job->outOfMemory ? throwOutOfMemory() : nullptr;
  // Nobody else has the results until the run ends.
  if (told->isOwn == 0 && !keepInputs()) return throwOutOfMemory();
  constexpr double longest = INT32_MAX;
  told->microseconds = static_cast<int32_t>(std::ceil(std::min(job->plan.microseconds, longest)));
  return Environment::of(env).start(std::move(job), operands, control);
}

void Environment::create(napi_env env) {
  auto* self = new Environment(env);
  Pool::instance().acquire();
  napi_value name = nullptr;
  napi_create_string_utf8(env, "heed", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, self, settle, &self->settle_);
  napi_unref_threadsafe_function(env, self->settle_);
  napi_set_instance_data(env, self, destroy, nullptr);
  // Registered after the function was made: hooks run in reverse order, so the function lives as long as runs do.
  napi_add_env_cleanup_hook(env, end, self);
}

Environment& Environment::of(napi_env env) {
  void* self = nullptr;
  napi_get_instance_data(env, &self);
  return *static_cast<Environment*>(self);
}

napi_value Environment::start(std::unique_ptr<OwnedJob> job, napi_value operands, napi_value control) {
  napi_value promise = nullptr;
  if (napi_create_promise(env_, &job->deferred, &promise) != napi_ok) return nullptr;
  napi_create_reference(env_, operands, 1, &job->operands);
  napi_create_reference(env_, control, 1, &job->control);
  job->owner = this;
  job->finished = finished;
  if (underWay_++ == 0) napi_ref_threadsafe_function(env_, settle_);
  OwnedJob* const started = job.release();
  if (!Pool::instance().submit(started)) {
    started->noThreads = true;
    settle(env_, nullptr, this, static_cast<Job*>(started));
  }
  return promise;
}

napi_value Environment::secondBuffers() {
  napi_value map = nullptr;
  if (secondBuffers_ == nullptr) {
    napi_value global = nullptr, constructor = nullptr;
    if (napi_get_global(env_, &global) != napi_ok) return nullptr;
    if (napi_get_named_property(env_, global, "WeakMap", &constructor) != napi_ok) return nullptr;
    if (napi_new_instance(env_, constructor, 0, nullptr, &map) != napi_ok) return nullptr;
    if (napi_create_reference(env_, map, 1, &secondBuffers_) != napi_ok) return nullptr;
  }
  return napi_get_reference_value(env_, secondBuffers_, &map) == napi_ok ? map : nullptr;
}

// On a thread of the pool.
void Environment::finished(Job* job) {
  napi_call_threadsafe_function(static_cast<Environment*>(job->owner)->settle_, job, napi_tsfn_nonblocking);
}

// On the thread of the environment. Without an environment, it has ended, and nobody waits for the promise.
void Environment::settle(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<OwnedJob> job(static_cast<OwnedJob*>(static_cast<Job*>(data)));
  putBack(*job);
  if (env == nullptr) return;
  auto* self = static_cast<Environment*>(context);
  if (--self->underWay_ == 0) napi_unref_threadsafe_function(env, self->settle_);
  napi_delete_reference(env, job->operands);
  napi_delete_reference(env, job->control);
  for (const napi_ref pin : job->pins) napi_delete_reference(env, pin);
  napi_value value = nullptr;
  if (job->noThreads) {
    napi_reject_deferred(env, job->deferred, errorOf(env, "ENGINE", "the system started no thread"));
  } else if (job->outOfMemory) {
    napi_reject_deferred(env, job->deferred, errorOf(env, "OUT_OF_MEMORY", "not enough memory for the scratch of a run"));
  } else {
    napi_get_undefined(env, &value);
    napi_resolve_deferred(env, job->deferred, value);
  }
}

void Environment::end(void* data) {
  Pool::instance().abandon(data);
  Pool::instance().release();
}

void Environment::destroy(napi_env, void* data, void*) { delete static_cast<Environment*>(data); }

}  // namespace heed
