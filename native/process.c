// Descriptors of processes, which never come to mean another one as their numbers do.
#include "process.h"

#include "engine.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

// Both without a function in glibc before 2.36.
napi_value
process_pidfd_open(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t pid, flags;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &pid) || !js_int32(&call, 1, &flags)) return NULL;
  long fd = syscall(SYS_pidfd_open, pid, flags);
  if (fd < 0) return js_number(&call, -errno);
  engine_note(call.environment, fd);
  return js_number(&call, fd);
}

napi_value
process_pidfd_send_signal(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, signal;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &signal)) return NULL;
  long rc = syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
  return js_number(&call, rc < 0 ? -errno : rc);
}
