// One syscall, never waiting or waiting for a bounded time: the blocking half of every transfer function.
#ifndef SOCKETRY_ATTEMPT_H
#define SOCKETRY_ATTEMPT_H

#include "js.h"

#include <poll.h>

// Performs the syscall once; returns >= 0, or -1 with errno.
typedef ssize_t (*attempt_fn)(void* request);

struct patience {
  const struct js_call* call;
  int32_t timeout_ms; // 0: never wait; -1: wait for ever
  int32_t spin_us;    // poll the call itself for this long before sleeping
};

// Reads the two optional trailing arguments (timeoutMs, spinUs).
bool
attempt_patience(struct js_call* call, size_t index, struct patience* patience);

// Repeats the call over EINTR, and over EAGAIN as long as there is patience. Returns >= 0 or -errno;
// -EAGAIN when the time is up, or when the thread is being terminated.
ssize_t
attempt(attempt_fn perform, void* request, int fd, short events, struct patience patience);

// As ppoll(2) until `deadline_ns` of uv_hrtime, UINT64_MAX being never; also ends with 0 when the thread is
// being terminated. Returns -errno.
int
attempt_poll(const struct js_call* call, struct pollfd* watched, size_t count, uint64_t deadline_ns);

// The moment `timeout_ms` from now for attempt_poll; negative is never.
uint64_t
attempt_deadline(int32_t timeout_ms);

#endif
