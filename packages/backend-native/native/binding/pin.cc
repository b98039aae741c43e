#include "pin.h"

#include <atomic>
#include <cstring>
#include <new>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace heed {

namespace {

// A reference keeps a JavaScript buffer, not its memory: transfer() and postMessage() hand that to another buffer, which may
// be collected at any time. Node-API cannot share the memory, but V8 can, by a second buffer over it. Both of V8's
// functions have had the same signature since Node 14; they are looked up by name, and if they are not found, or do not
// do what they should, the memory is copied.
#if !defined(_WIN32)

// A std::shared_ptr of V8's standard library, which need not be ours: never copied or destroyed here, only handed on.
struct Shared {
  void* pointer = nullptr;
  void* count = nullptr;
  Shared() = default;
  Shared(Shared&& other) : pointer(other.pointer), count(other.count) { other.pointer = other.count = nullptr; }
  ~Shared() {}
};

struct V8 {
  void* (*isolate)();
  Shared (*memoryOf)(napi_value buffer);
  napi_value (*bufferOver)(void* isolate, Shared* memory);
};

template <class Function>
bool find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return function != nullptr;
}

// Returns a second buffer over the memory of `buffer`; null if there can be none.
napi_value second(napi_env env, const V8& v8, napi_value buffer) {
  void *first = nullptr, *other = nullptr;
  Shared memory = v8.memoryOf(buffer);
  if (memory.pointer == nullptr) return nullptr;
  const napi_value made = v8.bufferOver(v8.isolate(), &memory);
  // It takes the pointer over; one that is left would never be freed.
  if (made == nullptr || memory.count != nullptr) return nullptr;
  if (napi_get_arraybuffer_info(env, buffer, &first, nullptr) != napi_ok) return nullptr;
  if (napi_get_arraybuffer_info(env, made, &other, nullptr) != napi_ok || first != other) return nullptr;
  return made;
}

const V8* findV8() {
  static V8 v8{};
  const bool found =
      find(v8.isolate, "_ZN2v87Isolate10GetCurrentEv") && find(v8.memoryOf, "_ZN2v811ArrayBuffer15GetBackingStoreEv") &&
      (find(v8.bufferOver, "_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE") ||
       find(v8.bufferOver, "_ZN2v811ArrayBuffer3NewEPNS_7IsolateENSt3__110shared_ptrINS_12BackingStoreEEE"));
  return found ? &v8 : nullptr;
}

enum class Trial { none, passed, failed };

// Returns V8's functions; null if they do not do what they should, or if this environment, which may be ending, cannot try them.
const V8* triedV8(napi_env env) {
  static const V8* const v8 = findV8();
  static std::atomic<Trial> trial{Trial::none};
  if (v8 == nullptr) return nullptr;
  if (trial == Trial::none) {
    napi_value buffer = nullptr;
    void* data = nullptr;
    if (napi_create_arraybuffer(env, 64, &data, &buffer) != napi_ok) return nullptr;
    trial = second(env, *v8, buffer) == nullptr ? Trial::failed : Trial::passed;
  }
  return trial == Trial::passed ? v8 : nullptr;
}

// V8 counts the memory of every buffer over it, and collects garbage when the count has grown. A second buffer for each
// run over a cache of 1 GB made it do so at every step (3 ms more each); so those of large inputs are kept.
// A step of a decoder has hundreds of weights and caches below a megabyte: together they are as bad.
constexpr i64 KEPT_BYTES = i64{1} << 15;

// Returns the kept second buffer of `buffer` if it is still over the same memory.
napi_value keptSecond(napi_env env, napi_value seconds, napi_value buffer) {
  napi_value get = nullptr, made = nullptr;
  if (napi_get_named_property(env, seconds, "get", &get) != napi_ok) return nullptr;
  if (napi_call_function(env, seconds, get, 1, &buffer, &made) != napi_ok) return nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, made, &type) != napi_ok || type == napi_undefined) return nullptr;
  void *first = nullptr, *other = nullptr;
  if (napi_get_arraybuffer_info(env, buffer, &first, nullptr) != napi_ok) return nullptr;
  return napi_get_arraybuffer_info(env, made, &other, nullptr) == napi_ok && first == other ? made : nullptr;
}

void keepSecond(napi_env env, napi_value seconds, napi_value buffer, napi_value made) {
  napi_value set = nullptr;
  const napi_value entry[] = {buffer, made};
  if (napi_get_named_property(env, seconds, "set", &set) == napi_ok) napi_call_function(env, seconds, set, 2, entry, nullptr);
}

bool pin(napi_env env, napi_value buffer, i64 bytes, OwnedJob& job) {
  const V8* const v8 = triedV8(env);
  if (v8 == nullptr) return false;
  const napi_value seconds = bytes < KEPT_BYTES ? nullptr : Environment::of(env).secondBuffers();
  napi_value made = seconds == nullptr ? nullptr : keptSecond(env, seconds, buffer);
  if (made == nullptr) {
    made = second(env, *v8, buffer);
    if (made != nullptr && seconds != nullptr) keepSecond(env, seconds, buffer, made);
  }
  napi_ref reference = nullptr;
  if (made == nullptr || napi_create_reference(env, made, 1, &reference) != napi_ok) return false;
  job.pins.push_back(reference);
  return true;
}

#else

bool pin(napi_env, napi_value, i64, OwnedJob&) { return false; }

#endif

}  // namespace

bool keep(napi_env env, napi_value buffer, i64 bytes, void*& data, OwnedJob& job) {
  if (bytes == 0 || pin(env, buffer, bytes, job)) return true;
  std::unique_ptr<char[]> copy(new (std::nothrow) char[static_cast<size_t>(bytes)]);
  if (copy == nullptr) return false;
  std::memcpy(copy.get(), data, static_cast<size_t>(bytes));
  data = copy.get();
  job.copies.push_back(std::move(copy));
  return true;
}

}  // namespace heed
