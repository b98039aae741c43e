// Functions for TypeScript: levels(), createTeam(level, threads), compile(team, problem), run(kernel, ...),
// linear(team, ...), weightGradient(team, ...), slope(team, ...), norm(team, ...), elementDropout(team, ...), rotary(team, ...),
// embedding(team, ...), packLinear(team, ...), panelWidth(team, ...), packWeight(team, ...), preferLargePages(buffer). Typed arrays are
// read and written in place, and JavaScript makes the results.
#include <cstring>
#include <memory>
#include <string>

#include "../cpu.h"
#include "element_dropout.h"
#include "embedding.h"
#include "environment.h"
#include "large_pages.h"
#include "linear.h"
#include "norm.h"
#include "operands.h"
#include "pin.h"
#include "problem.h"
#include "rotary.h"
#include "slope.h"
#include "values.h"

namespace heed {
namespace {

struct Pass {
  Plan plan;
  void (*task)(const Run&, i64, char*);
};

struct Kernel {
  std::shared_ptr<Team> team;
  Compiled compiled;
  Pass forward, gradient;
};

template <class T>
void finalize(napi_env, void* data, void*) {
  delete static_cast<T*>(data);
}

template <class T>
napi_value external(napi_env env, T* data) {
  napi_value value = nullptr;
  if (napi_create_external(env, data, finalize<T>, nullptr, &value) != napi_ok) delete data;
  return value;
}

template <class T>
T* externalOf(napi_env env, napi_value value) {
  void* data = nullptr;
  napi_get_value_external(env, value, &data);
  return static_cast<T*>(data);
}

struct Arguments {
  napi_value values[8];
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = 8;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
};

napi_value textValue(napi_env env, const char* text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

void setNumber(napi_env env, napi_value object, const char* name, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

// levels(): { option, name } of each level of this machine, the best first.
napi_value levels(napi_env env, napi_callback_info) {
  napi_value array = nullptr;
  napi_create_array(env, &array);
  uint32_t n = 0;
  for (const Level* level : levelsHere()) {
    napi_value entry = nullptr;
    napi_create_object(env, &entry);
    napi_set_named_property(env, entry, "option", textValue(env, level->option));
    napi_set_named_property(env, entry, "name", textValue(env, level->name));
    napi_set_element(env, array, n++, entry);
  }
  return array;
}

// createTeam(index of the level, threads)
napi_value createTeam(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  uint32_t level = 0;
  int32_t threads = 1;
  napi_get_value_uint32(env, given.values[0], &level);
  napi_get_value_int32(env, given.values[1], &threads);
  auto team = std::make_shared<Team>();
  team->level = levelsHere().at(level);
  team->threads = threads;
  return external(env, new std::shared_ptr<Team>(std::move(team)));
}

// compile(team, problem): { kernel, blockRows, tileKeys, scratchBytes }
napi_value compile(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  auto kernel = std::make_unique<Kernel>();
  kernel->team = *externalOf<std::shared_ptr<Team>>(env, given.values[0]);
  kernel->compiled = readProblem(env, given.values[1]);
  const Level& level = *kernel->team->level;
  const Kernels& kernels = kernel->compiled.isDouble ? level.float64 : level.float32;
  const int threads = kernel->team->threads;
  kernel->forward = {kernels.planForward(kernel->compiled.problem, threads), kernels.forward};
  kernel->gradient = {kernels.planGradient(kernel->compiled.problem, threads), kernels.gradient};
  const auto scratch = [&](const Plan& plan) {
    return static_cast<double>(plan.sharedBytes) + static_cast<double>(plan.threadBytes) * threads;
  };
  napi_value result = nullptr;
  napi_create_object(env, &result);
  const Plan& plan = kernel->forward.plan;
  setNumber(env, result, "blockRows", static_cast<double>(plan.blockRows));
  setNumber(env, result, "tileKeys", static_cast<double>(plan.tileKeys));
  setNumber(env, result, "forwardBytes", scratch(plan));
  setNumber(env, result, "gradientBytes", scratch(kernel->gradient.plan));
  napi_set_named_property(env, result, "kernel", external(env, kernel.release()));
  return result;
}

// run(kernel, isGradient, operands, noise, control): undefined if all is done, else a promise of the end. `noise` is a
// Uint32Array in the order of Noise, `control` an Int32Array as Control.
napi_value run(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  const Kernel& kernel = *externalOf<Kernel>(env, given.values[0]);
  bool isGradient = false;
  napi_get_value_bool(env, given.values[1], &isGradient);
  const Pass& pass = isGradient ? kernel.gradient : kernel.forward;
  if (pass.plan.tasks == 0) return nullptr;
  auto job = std::make_unique<OwnedJob>();
  job->team = kernel.team;
  job->problem = kernel.compiled.problem;
  job->plan = pass.plan;
  job->task = pass.task;
  const int inputs = isGradient ? Operand::dQuery : Operand::output;
  Given operands[operandCount] = {};
  for (int n = 0; n < operandCount; n++) {
    const i64 bytes = kernel.compiled.operandBytes[n];
    if (!readOperand(env, *job, given.values[2], static_cast<uint32_t>(n), bytes, n >= inputs, operands[n])) return nullptr;
    job->run.operands[n] = operands[n].data;
  }
  void* noise = nullptr;
  napi_get_typedarray_info(env, given.values[3], nullptr, nullptr, &noise, nullptr, nullptr);
  std::memcpy(&job->run.noise, noise, sizeof job->run.noise);
  OwnedJob& kept = *job;
  return begin(env, std::move(job), given.values[2], given.values[4], "not enough memory for a run", [&] {
    for (int n = 0; n < inputs; n++) {
      void*& data = kept.run.operands[n];
      if (data != nullptr && !keep(env, operands[n].buffer, operands[n].bytes, data, kept)) return false;
    }
    return true;
  });
}

using TeamRun = napi_value(napi_env env, const std::shared_ptr<Team>& team, const napi_value* given);

// A run whose first argument is a team.
template <TeamRun run>
napi_value ofTeam(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  return run(env, *externalOf<std::shared_ptr<Team>>(env, given.values[0]), given.values);
}

napi_value packLinear(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  return packLinear(env, **externalOf<std::shared_ptr<Team>>(env, given.values[0]), given.values);
}

napi_value panelWidth(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  return panelWidth(env, **externalOf<std::shared_ptr<Team>>(env, given.values[0]), given.values);
}

napi_value packWeight(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  return packWeight(env, **externalOf<std::shared_ptr<Team>>(env, given.values[0]), given.values);
}

napi_value preferLargePages(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  heed::preferLargePages(env, given.values[0]);
  return nullptr;
}

// A function of the module.
template <napi_callback function>
napi_property_descriptor exported(const char* name) {
  const napi_callback answered = [](napi_env env, napi_callback_info info) -> napi_value {
    try {
      return function(env, info);
    } catch (const Unanswered&) {
      return nullptr;
    }
  };
  return {name, nullptr, answered, nullptr, nullptr, nullptr, napi_enumerable, nullptr};
}

napi_value initialize(napi_env env, napi_value exports) {
  Environment::create(env);
  const napi_property_descriptor functions[] = {
      exported<levels>("levels"),
      exported<createTeam>("createTeam"),
      exported<compile>("compile"),
      exported<ofTeam<runLinear>>("linear"),
      exported<ofTeam<runWeightGradient>>("weightGradient"),
      exported<ofTeam<runSlope>>("slope"),
      exported<ofTeam<runNorm>>("norm"),
      exported<ofTeam<runElementDropout>>("elementDropout"),
      exported<ofTeam<runRotary>>("rotary"),
      exported<ofTeam<runEmbedding>>("embedding"),
      exported<packLinear>("packLinear"),
      exported<panelWidth>("panelWidth"),
      exported<packWeight>("packWeight"),
      exported<preferLargePages>("preferLargePages"),
      exported<run>("run"),
  };
  // Fingerprint of the sources (scripts/build/fingerprint.cjs).
  napi_set_named_property(env, exports, "sources", textValue(env, HEED_SOURCES));
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}

}  // namespace
}  // namespace heed

NAPI_MODULE_INIT() { return heed::initialize(env, exports); }
