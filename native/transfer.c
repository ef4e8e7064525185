// Bytes from one buffer to one descriptor or back: read, write, recv, send, recvfrom, sendto.
//
// Buffers belong to JavaScript and are touched only inside the call, so no collection, detachment or
// resizing can happen to them meanwhile.
#include "transfer.h"

#include "attempt.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct transfer {
  int fd;
  int flags;
  int told; // the flags that the kernel set
  struct bytes buffer;
  struct bytes name;
  socklen_t name_length;
};

// read() and write() have no MSG_DONTWAIT: whether they wait is the descriptor's O_NONBLOCK.
static ssize_t
transfer__read(void* data) {
  struct transfer* transfer = data;
  return read(transfer->fd, transfer->buffer.data, transfer->buffer.length);
}

static ssize_t
transfer__write(void* data) {
  struct transfer* transfer = data;
  return write(transfer->fd, transfer->buffer.data, transfer->buffer.length);
}

// With MSG_CTRUNC among the flags, which means nothing to the kernel on the way in: by recvmsg(2) without room for
// control messages, since only that tells whether some came along. The kernel drops them.
static ssize_t
transfer__recv_telling(struct transfer* transfer) {
  struct iovec buffer = { .iov_base = transfer->buffer.data, .iov_len = transfer->buffer.length };
  struct msghdr header = { .msg_iov = &buffer, .msg_iovlen = 1 };
  if (transfer->name.length > 0) {
    header.msg_name = transfer->name.data;
    header.msg_namelen = (socklen_t) transfer->name.length;
  }
  ssize_t rc = syscall(SYS_recvmsg, transfer->fd, &header, (transfer->flags & ~MSG_CTRUNC) | MSG_DONTWAIT);
  transfer->told = header.msg_flags;
  transfer->name_length = header.msg_namelen;
  return rc;
}

// The two calls of every message are made without the C library, which has to provide for a thread that is cancelled
// in them. Nobody cancels one here.
static ssize_t
transfer__recv(void* data) {
  struct transfer* transfer = data;
  if ((transfer->flags & MSG_CTRUNC) != 0) return transfer__recv_telling(transfer);
  return syscall(SYS_recvfrom, transfer->fd, transfer->buffer.data, transfer->buffer.length,
                 transfer->flags | MSG_DONTWAIT, NULL, NULL);
}

static ssize_t
transfer__send(void* data) {
  struct transfer* transfer = data;
  return syscall(SYS_sendto, transfer->fd, transfer->buffer.data, transfer->buffer.length,
                 transfer->flags | MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
}

static ssize_t
transfer__recvfrom(void* data) {
  struct transfer* transfer = data;
  if ((transfer->flags & MSG_CTRUNC) != 0) return transfer__recv_telling(transfer);
  transfer->name_length = (socklen_t) transfer->name.length;
  return recvfrom(transfer->fd, transfer->buffer.data, transfer->buffer.length, transfer->flags | MSG_DONTWAIT,
                  (struct sockaddr*) transfer->name.data, &transfer->name_length);
}

static ssize_t
transfer__sendto(void* data) {
  struct transfer* transfer = data;
  return sendto(transfer->fd, transfer->buffer.data, transfer->buffer.length,
                transfer->flags | MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr*) transfer->name.data,
                (socklen_t) transfer->name.length);
}

// fd, buffer, offset, length: the arguments that all six begin with.
static bool
transfer__begin(napi_env env, napi_callback_info info, size_t required, struct js_call* call,
                struct transfer* transfer) {
  return js_begin(env, info, required, call) && js_int32(call, 0, &transfer->fd) &&
         js_range(call, 1, &transfer->buffer);
}

static napi_value
transfer__plain(napi_env env, napi_callback_info info, attempt_fn perform, short events) {
  struct js_call call;
  struct transfer transfer = { 0 };
  struct patience patience;
  if (!transfer__begin(env, info, 4, &call, &transfer) || !attempt_patience(&call, 4, &patience)) return NULL;
  return js_number(&call, attempt(perform, &transfer, transfer.fd, events, patience));
}

static napi_value
transfer__flagged(napi_env env, napi_callback_info info, attempt_fn perform, short events) {
  struct js_call call;
  struct transfer transfer = { 0 };
  struct patience patience;
  if (!transfer__begin(env, info, 5, &call, &transfer) || !js_int32(&call, 4, &transfer.flags) ||
      !attempt_patience(&call, 5, &patience)) {
    return NULL;
  }
  ssize_t rc = attempt(perform, &transfer, transfer.fd, events, patience);
  call.environment->out[2] = transfer.told;
  return js_number(&call, rc);
}

static napi_value
transfer__named(napi_env env, napi_callback_info info, attempt_fn perform, short events) {
  struct js_call call;
  struct transfer transfer = { 0 };
  struct patience patience;
  if (!transfer__begin(env, info, 6, &call, &transfer) || !js_int32(&call, 4, &transfer.flags) ||
      !js_bytes_or_null(&call, 5, &transfer.name) || !attempt_patience(&call, 6, &patience)) {
    return NULL;
  }
  ssize_t rc = attempt(perform, &transfer, transfer.fd, events, patience);
  if (events == POLLIN) {
    call.environment->out[0] = (int32_t) transfer.name_length;
    call.environment->out[2] = transfer.told;
  }
  return js_number(&call, rc);
}

// recv(buffer) and send(buffer), whose numbers lie in shared cells: to fetch four of them from JavaScript's values one
// by one, and to make a value of the result, takes longer than all the rest of the call. A wrong call answers
// LEAN_REFUSED, and makes no call of the kernel.
static napi_value
transfer__lean(napi_env env, napi_callback_info info, attempt_fn perform, short events) {
  struct js_call call = { .env = env, .count = 1 };
  void* data = NULL;
  CHECK(napi_get_cb_info(env, info, &call.count, call.values, NULL, &data));
  call.environment = data;
  int32_t* cells = call.environment->lean;
  int32_t given[LEAN_GIVEN];
  memcpy(given, cells, sizeof given);
  cells[LEAN_RESULT] = LEAN_REFUSED;
  struct transfer transfer = { .fd = given[LEAN_FD], .flags = given[LEAN_FLAGS] };
  if (!js_range_of(&call, 0, given[LEAN_OFFSET], given[LEAN_LENGTH], &transfer.buffer)) return NULL;
  struct patience patience = { &call, given[LEAN_TIMEOUT_MS], given[LEAN_SPIN_US] };
  cells[LEAN_RESULT] = (int32_t) attempt(perform, &transfer, transfer.fd, events, patience);
  call.environment->out[2] = transfer.told;
  return NULL;
}

napi_value
transfer_lean_recv(napi_env env, napi_callback_info info) {
  return transfer__lean(env, info, transfer__recv, POLLIN);
}

napi_value
transfer_lean_send(napi_env env, napi_callback_info info) {
  return transfer__lean(env, info, transfer__send, POLLOUT);
}

napi_value
transfer_read(napi_env env, napi_callback_info info) {
  return transfer__plain(env, info, transfer__read, POLLIN);
}

napi_value
transfer_write(napi_env env, napi_callback_info info) {
  return transfer__plain(env, info, transfer__write, POLLOUT);
}

napi_value
transfer_recv(napi_env env, napi_callback_info info) {
  return transfer__flagged(env, info, transfer__recv, POLLIN);
}

napi_value
transfer_send(napi_env env, napi_callback_info info) {
  return transfer__flagged(env, info, transfer__send, POLLOUT);
}

napi_value
transfer_recvfrom(napi_env env, napi_callback_info info) {
  return transfer__named(env, info, transfer__recvfrom, POLLIN);
}

napi_value
transfer_sendto(napi_env env, napi_callback_info info) {
  return transfer__named(env, info, transfer__sendto, POLLOUT);
}
