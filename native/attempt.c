#include "attempt.h"

#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

static const uint64_t NS_PER_US = 1000;
static const uint64_t NS_PER_MS = 1000000;
static const uint64_t NS_PER_S = 1000000000;

bool
attempt_patience(struct js_call* call, size_t index, struct patience* patience) {
  return js_int32_or(call, index, 0, &patience->timeout_ms) && js_int32_or(call, index + 1, 0, &patience->spin_us);
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

static void
attempt__sleep(int fd, short events, uint64_t now, uint64_t deadline) {
  struct pollfd watched = { .fd = fd, .events = events };
  struct timespec left = { 0 };
  if (deadline != UINT64_MAX) {
    uint64_t ns = deadline > now ? deadline - now : 0;
    left.tv_sec = (time_t) (ns / NS_PER_S);
    left.tv_nsec = (long) (ns % NS_PER_S);
  }
  ppoll(&watched, 1, deadline == UINT64_MAX ? NULL : &left, NULL);
}

ssize_t
attempt(attempt_fn perform, void* request, int fd, short events, struct patience patience) {
  ssize_t rc = attempt__once(perform, request);
  if (rc != -EAGAIN || patience.timeout_ms == 0) return rc;

  uint64_t now = uv_hrtime();
  uint64_t spin_end = now + (uint64_t) (patience.spin_us > 0 ? patience.spin_us : 0) * NS_PER_US;
  uint64_t deadline = patience.timeout_ms < 0 ? UINT64_MAX : now + (uint64_t) patience.timeout_ms * NS_PER_MS;
  do {
    if (now >= spin_end) attempt__sleep(fd, events, now, deadline);
    rc = attempt__once(perform, request);
    if (rc != -EAGAIN) return rc;
    now = uv_hrtime();
  } while (now < deadline);
  return -EAGAIN;
}
