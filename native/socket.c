// The life of a descriptor: one function per syscall. See src/sys/contract.ts for each one's contract.
#include "socket.h"

#include "attempt.h"
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

// sizeof(struct sock_filter) of <linux/filter.h>, which musl comes without.
enum { FILTER_INSTRUCTION_BYTES = 8 };

static ssize_t
socket__result(int rc) {
  return rc < 0 ? -errno : rc;
}

// The answer of a call that makes a descriptor.
static napi_value
socket__made(struct js_call* call, ssize_t fd) {
  engine_note(call->environment, fd);
  return js_number(call, fd);
}

napi_value
socket_open(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t domain, type, protocol;
  if (!js_begin(env, info, 3, &call) || !js_int32(&call, 0, &domain) || !js_int32(&call, 1, &type) ||
      !js_int32(&call, 2, &protocol)) {
    return NULL;
  }
  return socket__made(&call, socket__result(socket(domain, type, protocol)));
}

napi_value
socket_pair(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t domain, type, protocol;
  int32_t* pair;
  size_t count;
  if (!js_begin(env, info, 4, &call) || !js_int32(&call, 0, &domain) || !js_int32(&call, 1, &type) ||
      !js_int32(&call, 2, &protocol) || !js_int32_array(&call, 3, &pair, &count)) {
    return NULL;
  }
  if (count < 2) return js_number(&call, -EINVAL);
  ssize_t rc = socket__result(socketpair(domain, type, protocol, pair));
  if (rc < 0) return js_number(&call, rc);
  engine_note(call.environment, pair[0]);
  engine_note(call.environment, pair[1]);
  return js_number(&call, rc);
}

// A Uint8Array of exactly the address's bytes becomes a sockaddr; longer than any sockaddr is EINVAL.
static bool
socket__name(struct js_call* call, size_t index, struct sockaddr_storage* name, socklen_t* length) {
  struct bytes bytes;
  if (!js_bytes(call, index, &bytes)) return false;
  *length = (socklen_t) (bytes.length > sizeof *name ? sizeof *name + 1 : bytes.length);
  memset(name, 0, sizeof *name);
  if (*length <= sizeof *name && bytes.length > 0) memcpy(name, bytes.data, bytes.length);
  return true;
}

napi_value
socket_bind(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  struct sockaddr_storage name;
  socklen_t length;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !socket__name(&call, 1, &name, &length)) {
    return NULL;
  }
  return js_number(&call, socket__result(bind(fd, (struct sockaddr*) &name, length)));
}

napi_value
socket_listen(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, backlog;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &backlog)) return NULL;
  return js_number(&call, socket__result(listen(fd, backlog)));
}

struct accept_request {
  int fd;
  int flags;
  struct bytes name;
  socklen_t name_length;
};

static ssize_t
socket__accept(void* data) {
  struct accept_request* request = data;
  request->name_length = (socklen_t) request->name.length;
  if (request->name.data == NULL) return accept4(request->fd, NULL, NULL, request->flags);
  return accept4(request->fd, (struct sockaddr*) request->name.data, &request->name_length, request->flags);
}

napi_value
socket_accept4(napi_env env, napi_callback_info info) {
  struct js_call call;
  struct accept_request request;
  struct patience patience;
  if (!js_begin(env, info, 3, &call) || !js_int32(&call, 0, &request.fd) ||
      !js_bytes_or_null(&call, 1, &request.name) || !js_int32(&call, 2, &request.flags) ||
      !attempt_patience(&call, 3, &patience)) {
    return NULL;
  }
  ssize_t rc = attempt(socket__accept, &request, request.fd, POLLIN, patience);
  call.environment->out[0] = (int32_t) request.name_length;
  return socket__made(&call, rc);
}

// Answers as accept4 does: EAGAIN until the handshake is over, then 0 or the handshake's error.
static ssize_t
socket__connected(void* data) {
  struct pollfd watched = { .fd = *(int*) data, .events = POLLOUT };
  int ready = poll(&watched, 1, 0);
  if (ready < 0) return -1;
  int error = EAGAIN;
  socklen_t length = sizeof error;
  if (ready > 0 && getsockopt(watched.fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -1;
  errno = error;
  return error == 0 ? 0 : -1;
}

napi_value
socket_connect(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  struct sockaddr_storage name;
  socklen_t length;
  struct patience patience;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !socket__name(&call, 1, &name, &length) ||
      !attempt_patience(&call, 2, &patience)) {
    return NULL;
  }
  ssize_t rc = socket__result(connect(fd, (struct sockaddr*) &name, length));
  // Any kernel: a connect interrupted by a signal goes on by itself, as if it had answered EINPROGRESS, and a
  // second call would answer EALREADY; POSIX.1-2017 connect(), EINTR.
  if (rc == -EINTR) rc = -EINPROGRESS;
  if (rc == -EINPROGRESS && patience.timeout_ms != 0) rc = attempt(socket__connected, &fd, fd, POLLOUT, patience);
  return js_number(&call, rc);
}

napi_value
socket_shutdown(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, how;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &how)) return NULL;
  return js_number(&call, socket__result(shutdown(fd, how)));
}

// Linux: the descriptor is gone whatever close() answers, and a retry after EINTR could close another
// thread's descriptor of the same number; close(2), Dealing with error returns from close().
// With `owner` the descriptor is one that the engine owns, and is disowned in the same moment.
napi_value
socket_close(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, owner;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd) || !js_int32_or(&call, 1, 0, &owner)) return NULL;
  struct engine* engine = call.environment->engine;
  // libuv aborts the process when a descriptor that it watches is gone (uv__io_poll in unix/linux.c).
  if (engine_watches(engine, fd)) return js_number(&call, -EBUSY);
  if (engine_owns(engine, fd) && owner == 0) return js_number(&call, -EBUSY);
  engine_forget(engine, fd);
  ssize_t rc = socket__result(close(fd));
  return js_number(&call, rc == -EINTR ? 0 : rc);
}

napi_value
socket_dup(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd;
  if (!js_begin(env, info, 1, &call) || !js_int32(&call, 0, &fd)) return NULL;
  return socket__made(&call, socket__result(fcntl(fd, F_DUPFD_CLOEXEC, 0)));
}

// The other commands take a pointer, which JavaScript does not have.
static bool
socket__takes_integer(int command) {
  switch (command) {
  case F_DUPFD:
  case F_DUPFD_CLOEXEC:
  case F_GETFD:
  case F_SETFD:
  case F_GETFL:
  case F_SETFL:
  case F_GETOWN:
  case F_SETOWN:
  case F_GETSIG:
  case F_SETSIG:
  case F_GETLEASE:
  case F_SETLEASE:
  case F_NOTIFY:
  case F_GETPIPE_SZ:
  case F_SETPIPE_SZ:
  case F_GET_SEALS:
  case F_ADD_SEALS: return true;
  default: return false;
  }
}

napi_value
socket_fcntl(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, command, argument;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &command) ||
      !js_int32_or(&call, 2, 0, &argument)) {
    return NULL;
  }
  if (!socket__takes_integer(command)) return js_number(&call, -EINVAL);
  ssize_t rc = socket__result(fcntl(fd, command, argument));
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? socket__made(&call, rc) : js_number(&call, rc);
}

napi_value
socket_flock(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, operation;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &operation)) return NULL;
  return js_number(&call, socket__result(flock(fd, operation | LOCK_NB)));
}

typedef int (*name_fn)(int fd, struct sockaddr* name, socklen_t* length);

static napi_value
socket__get_name(napi_env env, napi_callback_info info, name_fn get) {
  struct js_call call;
  int32_t fd;
  struct bytes name;
  if (!js_begin(env, info, 2, &call) || !js_int32(&call, 0, &fd) || !js_bytes(&call, 1, &name)) return NULL;
  socklen_t length = (socklen_t) name.length;
  int rc = get(fd, (struct sockaddr*) name.data, &length);
  return js_number(&call, rc < 0 ? -errno : (ssize_t) length);
}

napi_value
socket_getsockname(napi_env env, napi_callback_info info) {
  return socket__get_name(env, info, getsockname);
}

napi_value
socket_getpeername(napi_env env, napi_callback_info info) {
  return socket__get_name(env, info, getpeername);
}

napi_value
socket_getsockopt(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, level, name;
  struct bytes value;
  if (!js_begin(env, info, 4, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &level) ||
      !js_int32(&call, 2, &name) || !js_bytes(&call, 3, &value)) {
    return NULL;
  }
  socklen_t length = (socklen_t) value.length;
  // Counts instructions of eight bytes instead of bytes (sk_get_filter in net/core/filter.c): would overrun.
  if (level == SOL_SOCKET && name == SO_GET_FILTER) length /= FILTER_INSTRUCTION_BYTES;
  // Holds addresses to which the kernel would copy.
  if (level == IPPROTO_TCP && name == TCP_ZEROCOPY_RECEIVE) return js_number(&call, -EINVAL);
  int rc = getsockopt(fd, level, name, value.data, &length);
  return js_number(&call, rc < 0 ? -errno : (ssize_t) length);
}

napi_value
socket_setsockopt(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, level, name;
  struct bytes value;
  if (!js_begin(env, info, 4, &call) || !js_int32(&call, 0, &fd) || !js_int32(&call, 1, &level) ||
      !js_int32(&call, 2, &name) || !js_bytes(&call, 3, &value)) {
    return NULL;
  }
  return js_number(&call, socket__result(setsockopt(fd, level, name, value.data, (socklen_t) value.length)));
}

// Three int32 per descriptor: fd, events, revents.
napi_value
socket_poll(napi_env env, napi_callback_info info) {
  enum { POLL_MAX = 64, POLL_ROW = 3 };
  struct js_call call;
  int32_t* table;
  size_t size;
  int32_t timeout_ms;
  if (!js_begin(env, info, 2, &call) || !js_int32_array(&call, 0, &table, &size) || !js_int32(&call, 1, &timeout_ms)) {
    return NULL;
  }
  size_t count = size / POLL_ROW;
  if (count > POLL_MAX) return js_number(&call, -EINVAL);
  struct pollfd watched[POLL_MAX];
  for (size_t i = 0; i < count; i++) {
    watched[i] = (struct pollfd) { .fd = table[i * POLL_ROW], .events = (short) table[i * POLL_ROW + 1] };
  }
  int rc = attempt_poll(&call, watched, count, attempt_deadline(timeout_ms));
  if (rc < 0) return js_number(&call, rc);
  for (size_t i = 0; i < count; i++) table[i * POLL_ROW + 2] = watched[i].revents;
  return js_number(&call, rc);
}
