// Staying in the engine while its own sockets are busy.
//
// A turn of Node's loop costs as much as a small message, and a sleep with a time limit far more: on virtual
// machines each programming of the timer leaves the guest (measured: 12 us a turn). So after a dispatch the
// engine itself waits on libuv's epoll descriptor, without a limit, and dispatches what its own sockets have to
// tell. libuv provides for embedders who do so: uv_backend_timeout() is 0 whenever it needs a turn of its own (a
// timer is due, a watcher has changed, a handle closes, setImmediate or an idle handle waits).
//
// An alarm, a timerfd that is set once and not once a wait, ends the stay at the next timer of the loop, and
// after LINGER_MS at the latest: that bounds how long libuv, which books this time as busy, counts idle time
// wrongly (performance.eventLoopUtilization), and how long anybody is kept waiting who hooks into its phases.
#include "linger.h"

#include "nest.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { LINGER_MS = 5, EVENTS_MAX = 64 };

// Only while events follow each other this closely; otherwise the alarm would cost more than it spares.
static const uint64_t BUSY_GAP_NS = 200 * NS_PER_US;
static const uint64_t NS_PER_S = 1000000000;
// After other descriptors of the loop had events: they want libuv, and each of them would cost us a detour.
enum { TURNS_OFF = 64 };

struct linger {
  int alarm_fd;
  uv_handle* alarm;
  uv_handle* nudge;
  uint64_t alarm_at_ns; // 0: not set
  uint64_t latest_ns;   // of the latest dispatch
  int32_t turns_off;
  bool usable;
};

static void
linger__on_alarm(uv_handle* handle, int status, int events) {
  (void) status;
  (void) events;
  struct engine* engine = uv_handle_get_data(handle);
  uint64_t expirations;
  if (read(engine->linger->alarm_fd, &expirations, sizeof expirations) > 0) engine->linger->alarm_at_ns = 0;
}

static void
linger__on_nudge(uv_handle* handle) {
  // What counts is that libuv wakes and looks at all its handles.
  (void) handle;
}

static void
linger__on_closed(uv_handle* handle) {
  engine_handle_gone(uv_handle_get_data(handle), handle);
}

// Without an alarm or a nudge there is no lingering: then libuv does all the waiting.
static void
linger__open(struct engine* engine) {
  struct linger* linger = calloc(1, sizeof *linger);
  if (linger == NULL) return;
  linger->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  linger->alarm = calloc(1, uv_handle_size(UV_POLL));
  linger->nudge = calloc(1, uv_handle_size(UV_ASYNC));
  bool made = linger->alarm_fd >= 0 && linger->alarm != NULL && linger->nudge != NULL &&
              uv_poll_init(engine->loop, linger->alarm, linger->alarm_fd) == 0;
  if (!made) {
    if (linger->alarm_fd >= 0) close(linger->alarm_fd);
    free(linger->alarm);
    free(linger->nudge);
    free(linger);
    return;
  }
  engine->linger = linger;
  uv_handle_set_data(linger->alarm, engine);
  uv_poll_start(linger->alarm, UV_READABLE, linger__on_alarm);
  uv_unref(linger->alarm);
  engine->handle_count++;
  engine->kept_count++;
  linger->usable = uv_async_init(engine->loop, linger->nudge, linger__on_nudge) == 0;
  if (!linger->usable) return;
  uv_handle_set_data(linger->nudge, engine);
  uv_unref(linger->nudge);
  engine->handle_count++;
  engine->kept_count++;
}

void
linger_close(struct engine* engine) {
  struct linger* linger = engine->linger;
  if (linger == NULL) return;
  uv_close(linger->alarm, linger__on_closed);
  close(linger->alarm_fd);
  if (linger->usable) uv_close(linger->nudge, linger__on_closed);
  else free(linger->nudge);
}

static void
linger__set_alarm(struct linger* linger, uint64_t at_ns) {
  if (linger->alarm_at_ns != 0 && linger->alarm_at_ns <= at_ns) return;
  struct itimerspec when = { 0 };
  when.it_value.tv_sec = (time_t) (at_ns / NS_PER_S);
  when.it_value.tv_nsec = (long) (at_ns % NS_PER_S);
  timerfd_settime(linger->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
  linger->alarm_at_ns = at_ns;
}

// Waits once. Returns whether to go on.
static bool
linger__turn(struct engine* engine) {
  struct linger* linger = engine->linger;
  struct epoll_event ready[EVENTS_MAX];
  int count = (int) syscall(SYS_epoll_pwait, uv_backend_fd(engine->loop), ready, EVENTS_MAX, -1, NULL, 0);
  bool stay = count > 0;
  bool foreign = false;
  bool nested = false;
  for (int i = 0; i < count; i++) {
    int fd = ready[i].data.fd;
    struct watch* watch = watch_find(engine, fd);
    if (watch != NULL && watch->armed != 0) engine_gather(watch, watch_events(watch, ready[i].events));
    else if (engine->nest != NULL && fd == engine->nest_fd) nested = true;
    else if (fd == linger->alarm_fd) linger__on_alarm(linger->alarm, 0, UV_READABLE);
    else foreign = true;
    stay = stay && fd != linger->alarm_fd && !foreign;
  }
  if (nested) nest_gather(engine);
  if (foreign) {
    // libuv >= 1.49 watches the descriptor of its async handles edge-triggered: we have taken the edge, so it needs
    // another one. Its other descriptors are level-triggered.
    uv_async_send(linger->nudge);
    linger->turns_off = TURNS_OFF;
  }
  return engine_flush(engine) && stay;
}

void
linger(struct engine* engine) {
  if (engine->linger == NULL) linger__open(engine);
  struct linger* linger = engine->linger;
  if (linger == NULL || !linger->usable) return;
  uint64_t now = uv_hrtime();
  uint64_t gap = now - linger->latest_ns;
  linger->latest_ns = now;
  if (linger->turns_off > 0) {
    linger->turns_off--;
    return;
  }
  if (gap > BUSY_GAP_NS) return;
  do {
    uv_update_time(engine->loop);
    int timeout_ms = engine->closing ? 0 : uv_backend_timeout(engine->loop);
    if (timeout_ms == 0) break;
    uint64_t stay_ms = timeout_ms < 0 || timeout_ms > LINGER_MS ? LINGER_MS : (uint64_t) timeout_ms;
    // One that is set ends the stay in time for all but nearer timers.
    if (linger->alarm_at_ns == 0 || stay_ms < LINGER_MS) linger__set_alarm(linger, uv_hrtime() + stay_ms * NS_PER_MS);
  } while (linger__turn(engine));
  linger->latest_ns = uv_hrtime();
}

void
linger_free(struct engine* engine) {
  free(engine->linger);
}
