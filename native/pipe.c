// Bytes from one descriptor to another by way of a pipe, without a copy into this process.
#include "pipe.h"

#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

napi_value
pipe_open(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t* pair;
  size_t count;
  int32_t flags;
  if (!js_begin(env, info, 2, &call) || !js_int32_array(&call, 0, &pair, &count) || !js_int32(&call, 1, &flags)) {
    return NULL;
  }
  if (count < 2) return js_number(&call, -EINVAL);
  if (pipe2(pair, flags) < 0) return js_number(&call, -errno);
  engine_note(call.environment, pair[0]);
  engine_note(call.environment, pair[1]);
  return js_number(&call, 0);
}

// Never waits for the pipe; whether it waits for the other descriptor is that one's O_NONBLOCK.
napi_value
pipe_splice(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t from, to, flags;
  size_t length;
  if (!js_begin(env, info, 4, &call) || !js_int32(&call, 0, &from) || !js_int32(&call, 1, &to) ||
      !js_size(&call, 2, &length) || !js_int32(&call, 3, &flags)) {
    return NULL;
  }
  ssize_t rc;
  do rc = splice(from, NULL, to, NULL, length, (unsigned) flags | SPLICE_F_NONBLOCK);
  while (rc < 0 && errno == EINTR);
  return js_number(&call, rc < 0 ? -errno : rc);
}
