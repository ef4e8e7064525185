// One uv_poll per busy descriptor, the others in one epoll (nest.c), the ready ones gathered in a shared array, one
// call into JavaScript in the check phase of the same turn. Level-triggered: JavaScript arms and disarms, nothing here
// decides.
//
// What keeps the process alive is a wait, not a watch: JavaScript counts its waiters in a shared cell, all polls
// are unreferenced, and the check handle is referenced while there are waiters. Within a turn, where waits end
// and begin again all the time, that is settled once, after the microtasks.
#include "engine.h"

#include "engine_state.h"
#include "linger.h"
#include "nest.h"

#include <errno.h>
#include <stdlib.h>

static uv_handle*
engine__new_handle(struct engine* engine, int type) {
  uv_handle* handle = calloc(1, uv_handle_size(type));
  if (handle != NULL) engine->handle_count++;
  return handle;
}

static void
engine__free(struct engine* engine) {
  linger_free(engine);
  free(engine->watches);
  free(engine->owned.bits);
  free(engine->made.bits);
  free(engine->environment);
  free(engine);
}

void
engine_handle_gone(struct engine* engine, void* memory) {
  free(memory);
  engine->handle_count--;
  if (!engine->closing || engine->handle_count > 0) return;
  napi_async_cleanup_hook_handle cleanup = engine->cleanup;
  engine__free(engine);
  napi_remove_async_cleanup_hook(cleanup);
}

static void
engine__on_closed(uv_handle* handle) {
  engine_handle_gone(uv_handle_get_data(handle), handle);
}

static void
engine__hold(struct engine* engine, bool active) {
  engine->shared[SHARED_HELD] = active;
  if (active) uv_ref(engine->check);
  else uv_unref(engine->check);
}

void
engine_gather(struct watch* watch, int events) {
  struct engine* engine = watch->engine;
  int32_t* pair = engine->shared + SHARED_PAIRS + 2 * engine->ready_count++;
  pair[0] = watch->fd;
  pair[1] = events;
  if (engine->ready_count == READY_MAX) engine_flush(engine);
}

// The dispatch function never throws by design; if it does all the same, the exception must not get lost.
bool
engine_flush(struct engine* engine) {
  napi_env env = engine->environment->env;
  if (engine->ready_count == 0 || engine->closing) return false;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  engine->dispatched_count = engine->ready_count;
  engine->ready_count = 0;
  engine->shared[SHARED_IN_TURN] = 1;
  napi_value global, dispatch, argument;
  napi_status status = napi_get_global(env, &global);
  if (status == napi_ok) status = napi_get_reference_value(env, engine->dispatch, &dispatch);
  if (status == napi_ok) status = napi_create_int32(env, engine->dispatched_count, &argument);
  if (status == napi_ok) status = napi_make_callback(env, NULL, global, dispatch, 1, &argument, NULL);
  if (status == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
  engine->dispatched_count = 0;
  engine->shared[SHARED_IN_TURN] = 0;
  bool waiting = engine->shared[SHARED_WAITERS] > 0;
  if (waiting != (engine->shared[SHARED_HELD] != 0)) engine__hold(engine, waiting);
  return status == napi_ok;
}

static void
engine__on_idle(uv_handle* handle) {
  // An active idle handle is what keeps the loop from sleeping; there is nothing to do in it.
  (void) handle;
}

static void
engine__on_check(uv_handle* handle) {
  struct engine* engine = uv_handle_get_data(handle);
  if (engine_flush(engine)) linger(engine);
  if (engine->spinning && uv_hrtime() >= engine->spin_until_ns) {
    engine->spinning = false;
    uv_idle_stop(engine->idle);
  }
}

void
engine_stay_hot(struct engine* engine, int32_t spin_us) {
  uint64_t until = uv_hrtime() + (uint64_t) spin_us * NS_PER_US;
  if (until > engine->spin_until_ns) engine->spin_until_ns = until;
  if (engine->spinning) return;
  engine->spinning = true;
  uv_idle_start(engine->idle, engine__on_idle);
}

// Asynchronous, because libuv frees a handle only after a further turn: Node keeps the loop running until
// napi_remove_async_cleanup_hook. Runs at process exit and at the end of a worker, however it ends.
static void
engine__on_cleanup(napi_async_cleanup_hook_handle handle, void* data) {
  struct engine* engine = data;
  engine->closing = true;
  engine->ready_count = 0;
  engine->handle_count++; // held until the end of this function
  watch_close_all(engine);
  nest_close(engine);
  linger_close(engine);
  if (engine->check != NULL) uv_close(engine->check, engine__on_closed);
  if (engine->idle != NULL) uv_close(engine->idle, engine__on_closed);
  numbers_close(&engine->owned);
  numbers_close(&engine->made);
  engine->cleanup = handle;
  engine_handle_gone(engine, NULL);
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
  return watch_find(engine, fd) != NULL;
}

bool
engine_owns(const struct engine* engine, int fd) {
  return numbers_have(&engine->owned, fd);
}

// The main thread ends with its process, which closes everything.
void
engine_note(struct environment* environment, ssize_t fd) {
  if (fd < 0 || environment->is_main_thread) return;
  struct numbers* made = &environment->engine->made;
  if (numbers_reserve(made, (int) fd) == 0 && !numbers_have(made, (int) fd)) numbers_set(made, (int) fd, true);
}

void
engine_forget(struct engine* engine, int fd) {
  if (numbers_have(&engine->owned, fd)) numbers_set(&engine->owned, fd, false);
  if (numbers_have(&engine->made, fd)) numbers_set(&engine->made, fd, false);
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

// own(fd): this descriptor is closed with the environment, also when a worker is terminated.
napi_value
engine_own(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd)) return NULL;
  struct engine* engine = call.environment->engine;
  int room = numbers_reserve(&engine->owned, fd);
  if (room < 0) return js_number(&call, room);
  if (engine_owns(engine, fd)) return js_number(&call, -EEXIST);
  engine_forget(engine, fd);
  numbers_set(&engine->owned, fd, true);
  return js_number(&call, 0);
}

// disown(fd): the opposite of own, also for what a call of this worker has made.
napi_value
engine_disown(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd)) return NULL;
  struct engine* engine = call.environment->engine;
  if (!engine_owns(engine, fd) && !numbers_have(&engine->made, fd)) return js_number(&call, -EBADF);
  engine_forget(engine, fd);
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
  out[1] = engine->handle_count - engine->kept_count;
  out[2] = engine->owned.count;
  return js_number(&call, 0);
}
