// Arguments in, numbers out: the only place that knows how JavaScript values look.
//
// Every exported function receives its environment as callback data, reads its arguments through these
// helpers and returns one number: >= 0, or -errno. A wrong call (a missing argument, a string for a number,
// a detached buffer's range) throws a TypeError or RangeError and returns NULL at once.
//
// Calls that may run JavaScript or allocate on its heap fail when the thread is being terminated, at any
// moment: they are never CHECKed, their caller returns NULL and leaves the rest to Node.
#ifndef SOCKETRY_JS_H
#define SOCKETRY_JS_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define JS_ARGUMENTS_MAX 11
#define OUT_COUNT 4

// What the lean calls are given and what they answer; mirrored in src/sys/lean-calls.ts.
enum lean_cell {
  LEAN_FD,
  LEAN_OFFSET,
  LEAN_LENGTH,
  LEAN_FLAGS,
  LEAN_TIMEOUT_MS,
  LEAN_SPIN_US,
  LEAN_GIVEN,
  LEAN_RESULT = LEAN_GIVEN,
  LEAN_COUNT
};
#define LEAN_REFUSED INT32_MIN

struct engine;

// One per JavaScript environment (main thread or worker), never shared.
struct environment {
  napi_env env;
  struct engine* engine;
  int32_t* out;  // shared with JavaScript: see `out` in src/sys/contract.ts
  int32_t* lean; // shared with JavaScript: enum lean_cell
  bool is_main_thread;
  int slept_fd; // what the latest blocking call slept for; see attempt.c
  short slept_events;
};

struct js_call {
  napi_env env;
  struct environment* environment;
  size_t count;
  napi_value values[JS_ARGUMENTS_MAX];
};

struct bytes {
  uint8_t* data;
  size_t length;
};

// Aborts with the place of the mistake: a Node-API call failed that cannot fail unless we misuse it.
#define CHECK(status) js_check((status), __FILE__, __LINE__)

_Noreturn void
js_abort(napi_status status, const char* file, int line);

static inline void
js_check(napi_status status, const char* file, int line) {
  if (status != napi_ok) js_abort(status, file, line);
}

bool
js_begin(napi_env env, napi_callback_info info, size_t required, struct js_call* call);

bool
js_int32(struct js_call* call, size_t index, int32_t* value);

// As js_int32, but an absent argument gives `fallback`.
bool
js_int32_or(struct js_call* call, size_t index, int32_t fallback, int32_t* value);

// An integer from 0 to 2^53 - 1.
bool
js_size(struct js_call* call, size_t index, size_t* value);

bool
js_bytes(struct js_call* call, size_t index, struct bytes* bytes);

// As js_bytes; null or undefined gives {NULL, 0}.
bool
js_bytes_or_null(struct js_call* call, size_t index, struct bytes* bytes);

// Three consecutive arguments: a Uint8Array, an offset and a length that must lie within it.
bool
js_range(struct js_call* call, size_t index, struct bytes* bytes);

// The same, where offset and length are known: false when they do not lie within it, or it is no Uint8Array. Throws
// nothing.
bool
js_range_of(const struct js_call* call, size_t index, int32_t offset, int32_t length, struct bytes* bytes);

bool
js_int32_array(struct js_call* call, size_t index, int32_t** data, size_t* count);

bool
js_function(struct js_call* call, size_t index);

// An Int32Array that both sides keep for good: over a SharedArrayBuffer, which nobody can transfer away.
// False with an exception pending.
bool
js_shared_int32(napi_env env, size_t count, int32_t** data, napi_value* array);

// False while the thread is being terminated: whatever blocks has to return.
bool
js_can_run(const struct js_call* call);

napi_value
js_number(struct js_call* call, ssize_t result);

#endif
