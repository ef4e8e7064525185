// The watches of an engine, by descriptor number.
//
// An event that was gathered for a descriptor must not reach the next owner of its number: whoever ends a watch
// strikes it out of what JavaScript is going through and of what it has not seen yet.
#include "engine.h"
#include "engine_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void
watch__on_closed(uv_handle* handle) {
  struct watch* watch = uv_handle_get_data(handle);
  engine_handle_gone(watch->engine, watch);
}

static void
watch__on_ready(uv_handle* handle, int status, int events) {
  struct watch* watch = uv_handle_get_data(handle);
  // libuv stops a poll that reports EPOLLERR and answers UV_EBADF (uv__poll_io in unix/poll.c); the error
  // itself is fetched by whichever syscall comes next.
  if (status < 0) {
    watch->armed = 0;
    events = UV_READABLE | UV_WRITABLE | READY_ERROR;
  }
  if (watch->spin_us > 0) engine_stay_hot(watch->engine, watch->spin_us);
  engine_gather(watch, events);
}

struct watch*
watch_find(const struct engine* engine, int32_t fd) {
  struct watch* watch = fd >= 0 && fd < engine->watch_room ? engine->watches[fd] : NULL;
  return watch != NULL && watch->used ? watch : NULL;
}

// Room for a descriptor that is open, so that a wild number costs no memory.
static int
watch__reserve(struct engine* engine, int32_t fd) {
  if (fd < 0) return -EBADF;
  if (fd < engine->watch_room) return 0;
  if (fcntl(fd, F_GETFD) < 0) return -errno;
  int32_t room = fd < INT32_MAX / 2 ? fd * 2 + 64 : INT32_MAX;
  struct watch** watches = realloc(engine->watches, (size_t) room * sizeof *watches);
  if (watches == NULL) return -ENOMEM;
  memset(watches + engine->watch_room, 0, (size_t) (room - engine->watch_room) * sizeof *watches);
  engine->watches = watches;
  engine->watch_room = room;
  return 0;
}

static int
watch__create(struct engine* engine, int32_t fd) {
  size_t head = (sizeof(struct watch) + 15) & ~(size_t) 15;
  struct watch* watch = calloc(1, head + uv_handle_size(UV_POLL));
  if (watch == NULL) return -ENOMEM;
  watch->engine = engine;
  watch->fd = fd;
  watch->poll = (uv_handle*) ((char*) watch + head);
  int rc = uv_poll_init(engine->loop, watch->poll, fd);
  if (rc < 0) {
    free(watch);
    return rc;
  }
  uv_handle_set_data(watch->poll, watch);
  uv_unref(watch->poll);
  engine->handle_count++;
  engine->spare_count++;
  engine->watches[fd] = watch;
  return 0;
}

// A spare watch fits any socket. Anything else has to pass uv_poll_init's examination, since libuv aborts when
// epoll refuses a descriptor later.
static bool
watch__is_socket(int32_t fd) {
  int type;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

static void
watch__discard(struct watch* watch) {
  watch->engine->spare_count--;
  uv_close(watch->poll, watch__on_closed);
}

void
watch_close_all(struct engine* engine) {
  for (int32_t fd = 0; fd < engine->watch_room; fd++) {
    struct watch* watch = engine->watches[fd];
    engine->watches[fd] = NULL;
    if (watch != NULL) watch__discard(watch);
  }
}

static void
watch__strike_out(struct engine* engine, int32_t fd) {
  int32_t count = engine->dispatched_count > engine->ready_count ? engine->dispatched_count : engine->ready_count;
  int32_t* pair = engine->shared + SHARED_PAIRS;
  for (int32_t i = 0; i < count; i++, pair += 2) {
    if (pair[0] == fd) pair[1] = 0;
  }
}

// watch(fd, fresh): 0, or -errno: EPERM for a kind that epoll does not take, EEXIST when this thread's loop
// already watches that number, EINVAL before start. A fresh descriptor has just been made by this library, so
// that no other part of the loop can know it.
napi_value
engine_watch(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, fresh;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd) || !js_int32_or(&call, 1, 0, &fresh)) return NULL;
  struct engine* engine = call.environment->engine;
  if (engine->check == NULL) return js_number(&call, -EINVAL);
  int rc = watch__reserve(engine, fd);
  if (rc < 0) return js_number(&call, rc);
  struct watch* watch = engine->watches[fd];
  if (watch != NULL && watch->used) return js_number(&call, -EEXIST);
  if (watch == NULL || fresh == 0 || !watch__is_socket(fd)) {
    rc = watch__create(engine, fd);
    if (rc < 0) return js_number(&call, rc);
    // Only now: closing the spare one takes the number out of epoll, whoever else of this loop watches it.
    if (watch != NULL) watch__discard(watch);
    watch = engine->watches[fd];
  }
  watch->used = true;
  watch->spin_us = 0;
  engine->spare_count--;
  engine->watch_count++;
  return js_number(&call, 0);
}

// arm(fd, events): from now on exactly these events are reported; 0 reports none. libuv asserts that they are
// known ones.
napi_value
engine_arm(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, events;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &events)) return NULL;
  struct watch* watch = watch_find(call.environment->engine, fd);
  if (watch == NULL) return js_number(&call, -EBADF);
  if ((events & ~(UV_READABLE | UV_WRITABLE | UV_DISCONNECT)) != 0) return js_number(&call, -EINVAL);
  watch->armed = events;
  int rc = events == 0 ? uv_poll_stop(watch->poll) : uv_poll_start(watch->poll, events, watch__on_ready);
  return js_number(&call, rc);
}

// unwatch(fd): no event of this watch is reported any more, not even one already gathered.
napi_value
engine_unwatch(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd)) return NULL;
  struct engine* engine = call.environment->engine;
  struct watch* watch = watch_find(engine, fd);
  if (watch == NULL) return js_number(&call, -EBADF);
  uv_poll_stop(watch->poll);
  watch->armed = 0;
  watch->used = false;
  engine->watch_count--;
  engine->spare_count++;
  watch__strike_out(engine, fd);
  return js_number(&call, 0);
}

// spin(fd, us): after each event of this watch the loop polls without sleeping for so long.
napi_value
engine_spin(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, spin_us;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &spin_us)) return NULL;
  struct watch* watch = watch_find(call.environment->engine, fd);
  if (watch == NULL) return js_number(&call, -EBADF);
  watch->spin_us = spin_us;
  if (spin_us > 0) engine_stay_hot(call.environment->engine, spin_us);
  return js_number(&call, 0);
}
