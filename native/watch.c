// The watches of an engine, by descriptor number.
//
// An event that was gathered for a descriptor must not reach the next owner of its number: whoever ends a watch
// strikes it out of what JavaScript is going through and of what it has not seen yet.
#include "engine.h"
#include "engine_state.h"
#include "nest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void
watch__on_closed(uv_handle* handle) {
  engine_handle_gone(uv_handle_get_data(handle), handle);
}

void
watch_report(struct watch* watch, int events) {
  if (watch->spin_us > 0) engine_stay_hot(watch->engine, watch->spin_us);
  engine_gather(watch, events);
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
  watch_report(watch, events);
}

static void
watch__stop(struct watch* watch) {
  if (watch->nested) nest_arm(watch, 0);
  else uv_poll_stop(watch->poll);
  watch->armed = 0;
}

// As uv__io_poll and uv__poll_io in libuv do it.
int
watch_events(struct watch* watch, uint32_t bits) {
  if (bits & EPOLLERR) {
    watch__stop(watch);
    return UV_READABLE | UV_WRITABLE | READY_ERROR;
  }
  if (bits & EPOLLHUP) return watch->armed;
  return ((bits & EPOLLIN) ? UV_READABLE : 0) | ((bits & EPOLLOUT) ? UV_WRITABLE : 0) |
         ((bits & EPOLLRDHUP) ? UV_DISCONNECT : 0);
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
  if (engine->watches[fd] != NULL) return 0;
  struct watch* watch = calloc(1, sizeof *watch);
  if (watch == NULL) return -ENOMEM;
  watch->engine = engine;
  watch->fd = fd;
  engine->watches[fd] = watch;
  return 0;
}

static void
watch__discard_poll(struct engine* engine, uv_handle* poll) {
  if (poll == NULL) return;
  engine->kept_count--;
  uv_handle_set_data(poll, engine);
  uv_close(poll, watch__on_closed);
}

// A new poll in the place of a spare one.
static int
watch__open_poll(struct watch* watch) {
  struct engine* engine = watch->engine;
  uv_handle* poll = calloc(1, uv_handle_size(UV_POLL));
  if (poll == NULL) return -ENOMEM;
  int rc = uv_poll_init(engine->loop, poll, watch->fd);
  if (rc < 0) {
    free(poll);
    return rc;
  }
  uv_handle_set_data(poll, watch);
  uv_unref(poll);
  engine->handle_count++;
  engine->kept_count++;
  // Only now: closing the spare one takes the number out of epoll, whoever else of this loop watches it.
  watch__discard_poll(engine, watch->poll);
  watch->poll = poll;
  return 0;
}

// A spare poll fits any socket. Anything else has to pass uv_poll_init's examination, since libuv aborts when
// epoll refuses a descriptor later.
static bool
watch__is_socket(int32_t fd) {
  int type;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

void
watch_leave_nest(struct watch* watch) {
  // libuv makes it non-blocking, which is so for all who share it then: a program that has it as its standard input
  // may rely on waiting.
  int flags = fcntl(watch->fd, F_GETFL);
  if (watch->poll == NULL && watch__open_poll(watch) < 0) return;
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) fcntl(watch->fd, F_SETFL, flags);
  nest_arm(watch, 0);
  watch->nested = false;
  if (watch->armed != 0) uv_poll_start(watch->poll, watch->armed, watch__on_ready);
}

void
watch_close_all(struct engine* engine) {
  for (int32_t fd = 0; fd < engine->watch_room; fd++) {
    struct watch* watch = engine->watches[fd];
    engine->watches[fd] = NULL;
    if (watch != NULL) watch__discard_poll(engine, watch->poll);
    free(watch);
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
  rc = watch__create(engine, fd);
  if (rc < 0) return js_number(&call, rc);
  struct watch* watch = engine->watches[fd];
  if (watch->used) return js_number(&call, -EEXIST);
  watch->nested = fresh != 0 && nest_open(engine);
  if (!watch->nested) {
    if (watch->poll == NULL || fresh == 0 || !watch__is_socket(fd)) rc = watch__open_poll(watch);
    if (rc < 0) return js_number(&call, rc);
  }
  watch->used = true;
  watch->spin_us = 0;
  watch->nest_events = 0;
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
  int rc = 0;
  if (watch->nested) rc = nest_arm(watch, events);
  else if (events == 0) uv_poll_stop(watch->poll);
  else rc = uv_poll_start(watch->poll, events, watch__on_ready);
  if (rc == 0) watch->armed = events;
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
  watch__stop(watch);
  watch->used = false;
  engine->watch_count--;
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
