// One uv_poll per watched descriptor, the ready ones gathered in a shared array, one call into JavaScript in
// the check phase of the same turn. Level-triggered: JavaScript arms and disarms, nothing here decides.
//
// What keeps the process alive is a wait, not a watch: JavaScript counts its waiters in a shared cell, all polls
// are unreferenced, and the check handle is referenced while there are waiters. Within a turn, where waits end
// and begin again all the time, that is settled once, after the microtasks.
//
// A slot names a watch. It is reused only after libuv has closed the handle, which happens after the check
// phase, so an event gathered in this turn can never reach the next owner of its slot.
#include "engine.h"

#include "loop.h"
#include "numbers.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READY_MAX = 1024, READY_ERROR = 8, NS_PER_US = 1000 };

// The shared array: these cells, then READY_MAX pairs of slot and events; mirrored in src/socket/readiness.ts.
enum shared_cell { SHARED_WAITERS, SHARED_HELD, SHARED_IN_TURN, SHARED_RESERVED, SHARED_PAIRS };

struct watch {
  struct engine* engine;
  uv_handle* poll;
  int fd;
  int32_t slot;
  int32_t spin_us;
};

struct engine {
  struct environment* environment;
  struct uv_loop_s* loop;
  uv_handle* check;
  uv_handle* idle;
  napi_ref dispatch;
  napi_async_cleanup_hook_handle cleanup;
  struct watch** watches;
  int32_t* free_slots;
  int32_t slot_count; // length of watches and of free_slots
  int32_t free_count;
  int32_t watch_count;  // watches whose uv_poll is not yet closed
  int32_t handle_count; // libuv handles not yet closed, of all kinds
  int32_t ready_count;
  int32_t* shared;
  uint64_t spin_until_ns;
  bool spinning;
  bool closing;
  struct numbers owned;   // to be closed with the environment
  struct numbers watched; // not to be closed before they are unwatched
};

static uv_handle*
engine__new_handle(struct engine* engine, int type) {
  uv_handle* handle = calloc(1, uv_handle_size(type));
  if (handle != NULL) engine->handle_count++;
  return handle;
}

static void
engine__free(struct engine* engine) {
  free(engine->watches);
  free(engine->free_slots);
  free(engine->owned.bits);
  free(engine->watched.bits);
  free(engine->environment);
  free(engine);
}

static void
engine__handle_gone(struct engine* engine, uv_handle* handle) {
  free(handle);
  engine->handle_count--;
  if (!engine->closing || engine->handle_count > 0) return;
  napi_async_cleanup_hook_handle cleanup = engine->cleanup;
  engine__free(engine);
  napi_remove_async_cleanup_hook(cleanup);
}

static void
engine__on_closed(uv_handle* handle) {
  engine__handle_gone(uv_handle_get_data(handle), handle);
}

static void
engine__on_watch_closed(uv_handle* handle) {
  struct watch* watch = uv_handle_get_data(handle);
  struct engine* engine = watch->engine;
  engine->watches[watch->slot] = NULL;
  engine->free_slots[engine->free_count++] = watch->slot;
  engine->watch_count--;
  free(watch);
  engine__handle_gone(engine, handle);
}

static void
engine__hold(struct engine* engine, bool active) {
  engine->shared[SHARED_HELD] = active;
  if (active) uv_ref(engine->check);
  else uv_unref(engine->check);
}

// The dispatch function never throws by design; if it does all the same, the exception must not get lost.
static void
engine__flush(struct engine* engine) {
  napi_env env = engine->environment->env;
  int32_t count = engine->ready_count;
  if (count == 0 || engine->closing) return;
  engine->ready_count = 0;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  engine->shared[SHARED_IN_TURN] = 1;
  napi_value global, dispatch, argument;
  if (napi_get_global(env, &global) == napi_ok &&
      napi_get_reference_value(env, engine->dispatch, &dispatch) == napi_ok &&
      napi_create_int32(env, count, &argument) == napi_ok &&
      napi_make_callback(env, NULL, global, dispatch, 1, &argument, NULL) == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
  engine->shared[SHARED_IN_TURN] = 0;
  bool waiting = engine->shared[SHARED_WAITERS] > 0;
  if (waiting != (engine->shared[SHARED_HELD] != 0)) engine__hold(engine, waiting);
}

static void
engine__on_idle(uv_handle* handle) {
  // An active idle handle is what keeps the loop from sleeping; there is nothing to do in it.
  (void) handle;
}

static void
engine__on_check(uv_handle* handle) {
  struct engine* engine = uv_handle_get_data(handle);
  engine__flush(engine);
  if (engine->spinning && uv_hrtime() >= engine->spin_until_ns) {
    engine->spinning = false;
    uv_idle_stop(engine->idle);
  }
}

static void
engine__stay_hot(struct engine* engine, int32_t spin_us) {
  uint64_t until = uv_hrtime() + (uint64_t) spin_us * NS_PER_US;
  if (until > engine->spin_until_ns) engine->spin_until_ns = until;
  if (engine->spinning) return;
  engine->spinning = true;
  uv_idle_start(engine->idle, engine__on_idle);
}

static void
engine__on_ready(uv_handle* handle, int status, int events) {
  struct watch* watch = uv_handle_get_data(handle);
  struct engine* engine = watch->engine;
  // libuv stops a poll that reports EPOLLERR and answers UV_EBADF (uv__poll_io in unix/poll.c); the error
  // itself is fetched by whichever syscall comes next.
  if (status < 0) events = UV_READABLE | UV_WRITABLE | READY_ERROR;
  if (watch->spin_us > 0) engine__stay_hot(engine, watch->spin_us);
  int32_t* pair = engine->shared + SHARED_PAIRS + 2 * engine->ready_count++;
  pair[0] = watch->slot;
  pair[1] = events;
  if (engine->ready_count == READY_MAX) engine__flush(engine);
}

static bool
engine__grow(struct engine* engine) {
  int32_t count = engine->slot_count == 0 ? 64 : engine->slot_count * 2;
  struct watch** watches = realloc(engine->watches, (size_t) count * sizeof *watches);
  if (watches == NULL) return false;
  engine->watches = watches;
  int32_t* free_slots = realloc(engine->free_slots, (size_t) count * sizeof *free_slots);
  if (free_slots == NULL) return false;
  engine->free_slots = free_slots;
  for (int32_t slot = count - 1; slot >= engine->slot_count; slot--) {
    watches[slot] = NULL;
    free_slots[engine->free_count++] = slot;
  }
  engine->slot_count = count;
  return true;
}

static struct watch*
engine__find(struct engine* engine, int32_t slot) {
  return slot >= 0 && slot < engine->slot_count ? engine->watches[slot] : NULL;
}

// Asynchronous, because libuv frees a handle only after a further turn: Node keeps the loop running until
// napi_remove_async_cleanup_hook. Runs at process exit and at the end of a worker, however it ends.
static void
engine__on_cleanup(napi_async_cleanup_hook_handle handle, void* data) {
  struct engine* engine = data;
  engine->closing = true;
  engine->ready_count = 0;
  engine->handle_count++; // held until the end of this function
  for (int32_t slot = 0; slot < engine->slot_count; slot++) {
    struct watch* watch = engine->watches[slot];
    if (watch != NULL && watch->poll != NULL) uv_close(watch->poll, engine__on_watch_closed);
  }
  if (engine->check != NULL) uv_close(engine->check, engine__on_closed);
  if (engine->idle != NULL) uv_close(engine->idle, engine__on_closed);
  for (size_t fd = 0; fd < engine->owned.bytes * CHAR_BIT; fd++) {
    if (numbers_have(&engine->owned, (int) fd)) close((int) fd);
  }
  engine->cleanup = handle;
  engine__handle_gone(engine, NULL);
}

void
engine_create(struct environment* environment) {
  struct engine* engine = calloc(1, sizeof *engine);
  CHECK(engine == NULL ? napi_generic_failure : napi_ok);
  engine->environment = environment;
  environment->engine = engine;
  CHECK(napi_add_async_cleanup_hook(environment->env, engine__on_cleanup, engine, &engine->cleanup));
}

bool
engine_watches(const struct engine* engine, int fd) {
  return numbers_have(&engine->watched, fd);
}

// start(dispatch): the shared array; opens the engine's two own handles.
napi_value
engine_start(napi_env env, napi_callback_info info) {
  struct js_call call;
  if (!js_begin(env, info, 1, &call) || !js_function(&call, 0)) return NULL;
  struct engine* engine = call.environment->engine;
  if (engine->check != NULL) {
    napi_throw_error(env, "ERR_ALREADY_STARTED", "the engine of this thread has been started before");
    return NULL;
  }
  napi_value array;
  if (!js_shared_int32(env, SHARED_PAIRS + 2 * READY_MAX, &engine->shared, &array)) return NULL;
  CHECK(napi_get_uv_event_loop(env, &engine->loop));
  CHECK(napi_create_reference(env, call.values[0], 1, &engine->dispatch));

  engine->check = engine__new_handle(engine, UV_CHECK);
  engine->idle = engine__new_handle(engine, UV_IDLE);
  CHECK(engine->check == NULL || engine->idle == NULL ? napi_generic_failure : napi_ok);
  uv_check_init(engine->loop, engine->check);
  uv_idle_init(engine->loop, engine->idle);
  uv_handle_set_data(engine->check, engine);
  uv_handle_set_data(engine->idle, engine);
  uv_check_start(engine->check, engine__on_check);
  uv_unref(engine->check);
  uv_unref(engine->idle);
  return array;
}

// watch(fd): a slot, or -errno: EPERM for a kind that epoll does not take, EEXIST when this thread's loop
// already watches that number, EINVAL before start.
napi_value
engine_watch(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd)) return NULL;
  struct engine* engine = call.environment->engine;
  if (engine->check == NULL) return js_number(&call, -EINVAL);
  int room = numbers_reserve(&engine->watched, fd);
  if (room < 0) return js_number(&call, room);
  if (numbers_have(&engine->watched, fd)) return js_number(&call, -EEXIST);
  if (engine->free_count == 0 && !engine__grow(engine)) return js_number(&call, -ENOMEM);
  struct watch* watch = calloc(1, sizeof *watch);
  uv_handle* poll = calloc(1, uv_handle_size(UV_POLL));
  int rc = watch == NULL || poll == NULL ? -ENOMEM : uv_poll_init(engine->loop, poll, fd);
  if (rc < 0) {
    free(watch);
    free(poll);
    return js_number(&call, rc);
  }
  engine->handle_count++;
  engine->watch_count++;
  watch->engine = engine;
  watch->poll = poll;
  watch->fd = fd;
  watch->slot = engine->free_slots[--engine->free_count];
  engine->watches[watch->slot] = watch;
  numbers_set(&engine->watched, fd, true);
  uv_handle_set_data(poll, watch);
  uv_unref(poll);
  return js_number(&call, watch->slot);
}

// arm(slot, events): from now on exactly these events are reported; 0 reports none. libuv asserts that they are
// known ones.
napi_value
engine_arm(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t slot, events;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &slot) || !js_int32(&call, 1, &events)) return NULL;
  struct watch* watch = engine__find(call.environment->engine, slot);
  if (watch == NULL || watch->poll == NULL) return js_number(&call, -EBADF);
  if ((events & ~(UV_READABLE | UV_WRITABLE | UV_DISCONNECT)) != 0) return js_number(&call, -EINVAL);
  int rc = events == 0 ? uv_poll_stop(watch->poll) : uv_poll_start(watch->poll, events, engine__on_ready);
  return js_number(&call, rc);
}

// unwatch(slot): no event of this watch is reported any more, not even one already gathered.
napi_value
engine_unwatch(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t slot;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &slot)) return NULL;
  struct engine* engine = call.environment->engine;
  struct watch* watch = engine__find(engine, slot);
  if (watch == NULL || watch->poll == NULL) return js_number(&call, -EBADF);
  uv_handle* poll = watch->poll;
  watch->poll = NULL;
  numbers_set(&engine->watched, watch->fd, false);
  uv_close(poll, engine__on_watch_closed);
  return js_number(&call, 0);
}

// hold(active): whether the process stays alive for the sake of waiters.
napi_value
engine_hold(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t active;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &active)) return NULL;
  struct engine* engine = call.environment->engine;
  if (engine->check == NULL) return js_number(&call, -EINVAL);
  engine__hold(engine, active != 0);
  return js_number(&call, 0);
}

// spin(slot, us): after each event of this watch the loop polls without sleeping for so long.
napi_value
engine_spin(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t slot, spin_us;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &slot) || !js_int32(&call, 1, &spin_us)) return NULL;
  struct watch* watch = engine__find(call.environment->engine, slot);
  if (watch == NULL || watch->poll == NULL) return js_number(&call, -EBADF);
  watch->spin_us = spin_us;
  if (spin_us > 0) engine__stay_hot(call.environment->engine, spin_us);
  return js_number(&call, 0);
}

// own(fd): this descriptor is closed with the environment, also when a worker is terminated.
napi_value
engine_own(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd)) return NULL;
  struct engine* engine = call.environment->engine;
  int room = numbers_reserve(&engine->owned, fd);
  if (room < 0) return js_number(&call, room);
  if (numbers_have(&engine->owned, fd)) return js_number(&call, -EEXIST);
  numbers_set(&engine->owned, fd, true);
  return js_number(&call, 0);
}

// disown(fd): the opposite of own.
napi_value
engine_disown(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd)) return NULL;
  struct engine* engine = call.environment->engine;
  if (!numbers_have(&engine->owned, fd)) return js_number(&call, -EBADF);
  numbers_set(&engine->owned, fd, false);
  return js_number(&call, 0);
}

// ledger(): out = [watches, libuv handles, owned descriptors]; what a test compares before and after.
napi_value
engine_ledger(napi_env env, napi_callback_info info) {
  struct js_call call;
  if (!js_begin(env, info, 0, &call)) return NULL;
  struct engine* engine = call.environment->engine;
  int32_t* out = call.environment->out;
  out[0] = engine->watch_count;
  out[1] = engine->handle_count;
  out[2] = engine->owned.count;
  return js_number(&call, 0);
}
