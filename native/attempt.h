// One syscall, never waiting or waiting for a bounded time: the blocking half of every transfer function.
#ifndef SOCKETRY_ATTEMPT_H
#define SOCKETRY_ATTEMPT_H

#include "js.h"

// Performs the syscall once; returns >= 0, or -1 with errno.
typedef ssize_t (*attempt_fn)(void* request);

struct patience {
  int32_t timeout_ms; // 0: never wait; -1: wait for ever
  int32_t spin_us;    // poll the call itself for this long before sleeping
};

// Reads the two optional trailing arguments (timeoutMs, spinUs).
bool
attempt_patience(struct js_call* call, size_t index, struct patience* patience);

// Repeats the call over EINTR, and over EAGAIN as long as there is patience. Returns >= 0 or -errno;
// -EAGAIN when the time is up.
ssize_t
attempt(attempt_fn perform, void* request, int fd, short events, struct patience patience);

#endif
