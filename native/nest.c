// An epoll descriptor of the engine's own, in which a socket that the library has just made is watched at first.
//
// For libuv to watch a descriptor takes five calls of the kernel and 176 bytes; here it takes one call and none. In
// return each turn with events asks the kernel once more. So a socket moves to libuv when it has proved busy: what
// waits long, or lives shortly, never gets there.
#include "nest.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

// Events of a socket after which the extra calls would have cost as much as the move.
enum { STAY_EVENTS = 4 };
enum { EVENTS_MAX = 256 };

static void
nest__on_ready(uv_handle* handle, int status, int events) {
  (void) status;
  (void) events;
  nest_gather(uv_handle_get_data(handle));
}

static void
nest__on_closed(uv_handle* handle) {
  engine_handle_gone(uv_handle_get_data(handle), handle);
}

bool
nest_open(struct engine* engine) {
  if (engine->nest != NULL) return true;
  int fd = epoll_create1(EPOLL_CLOEXEC);
  uv_handle* nest = calloc(1, uv_handle_size(UV_POLL));
  if (fd < 0 || nest == NULL || uv_poll_init(engine->loop, nest, fd) < 0) {
    if (fd >= 0) close(fd);
    free(nest);
    return false;
  }
  uv_handle_set_data(nest, engine);
  uv_poll_start(nest, UV_READABLE, nest__on_ready);
  uv_unref(nest);
  engine->nest = nest;
  engine->nest_fd = fd;
  engine->handle_count++;
  engine->kept_count++;
  return true;
}

void
nest_close(struct engine* engine) {
  if (engine->nest == NULL) return;
  uv_close(engine->nest, nest__on_closed);
  close(engine->nest_fd);
}

int
nest_arm(struct watch* watch, int events) {
  if (events == 0 && !watch->joined) return 0;
  struct epoll_event event = { .data.fd = watch->fd };
  if (events & UV_READABLE) event.events |= EPOLLIN;
  if (events & UV_WRITABLE) event.events |= EPOLLOUT;
  if (events & UV_DISCONNECT) event.events |= EPOLLRDHUP;
  int operation = events == 0 ? EPOLL_CTL_DEL : watch->joined ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  int rc = epoll_ctl(watch->engine->nest_fd, operation, watch->fd, &event) < 0 ? -errno : 0;
  // Who fails is not in it: perhaps the number was closed behind our back.
  watch->joined = rc == 0 && events != 0;
  return rc;
}

void
nest_gather(struct engine* engine) {
  // Never more than fit: a dispatch in between could close a descriptor whose event is yet to be reported here, and
  // open another one of the same number.
  struct epoll_event ready[EVENTS_MAX];
  int room = READY_MAX - engine->ready_count;
  int count = epoll_wait(engine->nest_fd, ready, room < EVENTS_MAX ? room : EVENTS_MAX, 0);
  for (int i = 0; i < count; i++) {
    struct watch* watch = watch_find(engine, ready[i].data.fd);
    if (watch == NULL || !watch->nested) continue;
    int events = watch_events(watch, ready[i].events);
    if (++watch->nest_events == STAY_EVENTS) watch_leave_nest(watch);
    watch_report(watch, events);
  }
}
