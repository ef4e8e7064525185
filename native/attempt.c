#include "attempt.h"

#include "loop.h"

#include <errno.h>
#include <time.h>

static const uint64_t NS_PER_US = 1000;
static const uint64_t NS_PER_MS = 1000000;
static const uint64_t NS_PER_S = 1000000000;

// How long worker.terminate(), and with it the end of the process, may have to wait for a thread that blocks.
static const uint64_t SLICE_NS = 50000000;

// Pauses when a descriptor says that it is ready and then is not.
static const uint64_t PAUSE_MIN_NS = 20000;
static const uint64_t PAUSE_MAX_NS = 1000000;

bool
attempt_patience(struct js_call* call, size_t index, struct patience* patience) {
  patience->call = call;
  return js_int32_or(call, index, 0, &patience->timeout_ms) && js_int32_or(call, index + 1, 0, &patience->spin_us);
}

uint64_t
attempt_deadline(int32_t timeout_ms) {
  return timeout_ms < 0 ? UINT64_MAX : uv_hrtime() + (uint64_t) timeout_ms * NS_PER_MS;
}

// EINTR is retried without returning to JavaScript: its signal handlers run only when this thread is back in
// the event loop, so there is nothing to interrupt for.
static ssize_t
attempt__once(attempt_fn perform, void* request) {
  for (;;) {
    ssize_t rc = perform(request);
    if (rc >= 0) return rc;
    if (errno == EWOULDBLOCK) return -EAGAIN;
    if (errno != EINTR) return -errno;
  }
}

static struct timespec
attempt__timespec(uint64_t ns) {
  return (struct timespec) { .tv_sec = (time_t) (ns / NS_PER_S), .tv_nsec = (long) (ns % NS_PER_S) };
}

int
attempt_poll(const struct js_call* call, struct pollfd* watched, size_t count, uint64_t deadline_ns) {
  for (;;) {
    uint64_t now = uv_hrtime();
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    struct timespec slice = attempt__timespec(left < SLICE_NS ? left : SLICE_NS);
    // The main thread cannot be terminated, and a sleep without a limit is the cheaper one: on virtual machines each
    // programming of the timer leaves the guest.
    bool endless = deadline_ns == UINT64_MAX && call->environment->is_main_thread;
    int rc = ppoll(watched, (nfds_t) count, endless ? NULL : &slice, NULL);
    if (rc != 0) return rc < 0 ? -errno : rc;
    if (left <= SLICE_NS || !js_can_run(call)) return 0;
  }
}

// Whether to sleep before the first attempt: the previous call of this thread slept for the same, as in a
// conversation, so that an attempt would most likely find nothing. A sleep that ends at once breaks the habit.
static void
attempt__expect(const struct js_call* call, int fd, short events, uint64_t deadline) {
  struct environment* environment = call->environment;
  if (environment->slept_fd != fd || environment->slept_events != events) return;
  struct pollfd watched = { .fd = fd, .events = events };
  uint64_t before = uv_hrtime();
  attempt_poll(call, &watched, 1, deadline);
  if (uv_hrtime() - before < NS_PER_US) environment->slept_fd = -1;
}

ssize_t
attempt(attempt_fn perform, void* request, int fd, short events, struct patience patience) {
  struct environment* environment = patience.call->environment;
  uint64_t deadline = patience.timeout_ms == 0 ? 0 : attempt_deadline(patience.timeout_ms);
  if (patience.timeout_ms != 0 && patience.spin_us == 0) attempt__expect(patience.call, fd, events, deadline);
  ssize_t rc = attempt__once(perform, request);
  if (rc != -EAGAIN || patience.timeout_ms == 0) return rc;
  environment->slept_fd = fd;
  environment->slept_events = events;

  uint64_t spin_end = uv_hrtime() + (uint64_t) (patience.spin_us > 0 ? patience.spin_us : 0) * NS_PER_US;
  uint64_t pause = PAUSE_MIN_NS;
  bool was_ready = false;
  do {
    if (was_ready) {
      // An unconnected Unix datagram socket is "writable" although the receiver's queue is full (unix_dgram_poll in
      // net/unix/af_unix.c): without a pause this would burn a processor until there is room.
      struct timespec length = attempt__timespec(pause);
      nanosleep(&length, NULL);
      if (pause < PAUSE_MAX_NS) pause *= 2;
      was_ready = false;
    } else if (uv_hrtime() >= spin_end) {
      struct pollfd watched = { .fd = fd, .events = events };
      was_ready = attempt_poll(patience.call, &watched, 1, deadline) > 0;
    }
    rc = attempt__once(perform, request);
    if (rc != -EAGAIN) return rc;
  } while (uv_hrtime() < deadline && js_can_run(patience.call));
  return -EAGAIN;
}
