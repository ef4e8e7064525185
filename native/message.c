// Scattered buffers, addresses and control messages: sendmsg, recvmsg and their batches.
#include "attempt.h"
#include "engine.h"
#include "transfer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// One row of a batch table, in int32 columns; mirrored by BATCH_* in src/sys/contract.ts.
enum batch_column {
  BATCH_DATA_OFFSET,
  BATCH_DATA_LENGTH,
  BATCH_NAME_OFFSET,
  BATCH_NAME_LENGTH,
  BATCH_CONTROL_OFFSET,
  BATCH_CONTROL_LENGTH,
  BATCH_OUT_BYTES,
  BATCH_OUT_NAME_LENGTH,
  BATCH_OUT_CONTROL_LENGTH,
  BATCH_OUT_FLAGS,
  BATCH_COLUMNS,
};

enum { BUFFERS_MAX = 64, BATCH_MAX = 1024 };

// Linux 6.5; absent from older headers.
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

// As the kernel has them (include/linux/socket.h), and called without the C library: that of musl has other types,
// takes no more than 1,024 bytes of control messages, and makes sendmmsg a loop.
struct user_msghdr {
  void* name;
  int name_length;
  struct iovec* vectors;
  size_t vector_count;
  void* control;
  size_t control_length;
  unsigned flags;
};

struct user_mmsghdr {
  struct user_msghdr header;
  unsigned length;
};

struct user_cmsghdr {
  size_t length;
  int level;
  int type;
};

struct message {
  int fd;
  int flags;
  struct user_msghdr header;
  struct bytes name;
  struct bytes control;
  struct iovec buffers[BUFFERS_MAX];
};

static ssize_t
message__sendmsg(void* data) {
  struct message* message = data;
  return syscall(SYS_sendmsg, message->fd, &message->header, message->flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t
message__recvmsg(void* data) {
  struct message* message = data;
  message->header.name_length = (int) message->name.length;
  message->header.control_length = message->control.length;
  return syscall(SYS_recvmsg, message->fd, &message->header, message->flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

// At most BUFFERS_MAX views: a longer array is cut, which reads as a short count, as writev(2) may. Fetching an
// element can run a getter, which can throw or detach the buffers before it: their memory is looked up last.
static bool
message__buffers(struct js_call* call, size_t index, struct message* message) {
  uint32_t count;
  if (napi_get_array_length(call->env, call->values[index], &count) != napi_ok) {
    napi_throw_type_error(call->env, "ERR_INVALID_ARG_TYPE", "buffers must be an array of Uint8Array");
    return false;
  }
  if (count > BUFFERS_MAX) count = BUFFERS_MAX;
  napi_value elements[BUFFERS_MAX];
  for (uint32_t i = 0; i < count; i++) {
    if (napi_get_element(call->env, call->values[index], i, &elements[i]) != napi_ok) return false;
  }
  struct js_call element = { .env = call->env, .count = 1 };
  for (uint32_t i = 0; i < count; i++) {
    struct bytes bytes;
    element.values[0] = elements[i];
    if (!js_bytes(&element, 0, &bytes)) return false;
    message->buffers[i] = (struct iovec) { .iov_base = bytes.data, .iov_len = bytes.length };
  }
  message->header.vectors = message->buffers;
  message->header.vector_count = count;
  return true;
}

static bool
message__begin(napi_env env, napi_callback_info info, struct js_call* call, struct message* message) {
  if (!js_begin(env, info, 5, call) || !js_int32(call, 0, &message->fd) || !message__buffers(call, 1, message) ||
      !js_bytes_or_null(call, 2, &message->name) || !js_bytes_or_null(call, 3, &message->control) ||
      !js_int32(call, 4, &message->flags)) {
    return false;
  }
  message->header.flags = 0;
  message->header.name = message->name.data;
  message->header.name_length = (int) message->name.length;
  message->header.control = message->control.data;
  message->header.control_length = message->control.length;
  return true;
}

napi_value
transfer_sendmsg(napi_env env, napi_callback_info info) {
  struct js_call call;
  struct message message;
  struct patience patience;
  if (!message__begin(env, info, &call, &message) || !attempt_patience(&call, 5, &patience)) return NULL;
  return js_number(&call, attempt(message__sendmsg, &message, message.fd, POLLOUT, patience));
}

// The descriptors that came along.
static void
message__note(struct environment* environment, const struct user_msghdr* header) {
  if (environment->is_main_thread) return;
  struct user_cmsghdr each;
  size_t offset = 0;
  while (header->control_length >= sizeof each && offset <= header->control_length - sizeof each) {
    const uint8_t* start = (const uint8_t*) header->control + offset;
    memcpy(&each, start, sizeof each);
    if (each.length < sizeof each || each.length > header->control_length - offset) return;
    if (each.level == SOL_SOCKET && (each.type == SCM_RIGHTS || each.type == SCM_PIDFD)) {
      for (size_t at = sizeof each; at + sizeof(int) <= each.length; at += sizeof(int)) {
        int fd;
        memcpy(&fd, start + at, sizeof fd);
        engine_note(environment, fd);
      }
    }
    offset += (each.length + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
  }
}

napi_value
transfer_recvmsg(napi_env env, napi_callback_info info) {
  struct js_call call;
  struct message message;
  struct patience patience;
  if (!message__begin(env, info, &call, &message) || !attempt_patience(&call, 5, &patience)) return NULL;
  ssize_t rc = attempt(message__recvmsg, &message, message.fd, POLLIN, patience);
  if (rc >= 0) message__note(call.environment, &message.header);
  int32_t* out = call.environment->out;
  out[0] = message.header.name_length;
  out[1] = (int32_t) message.header.control_length;
  out[2] = (int32_t) message.header.flags;
  return js_number(&call, rc);
}

// What a row gave as room. The table and the slabs can be shared memory that another thread writes to, so each
// figure is read once and the checked copy is used.
struct room {
  int name_length;
  size_t control_length;
};

struct batch {
  int fd;
  int flags;
  size_t count;
  int32_t* rows;
  struct user_mmsghdr* headers;
  struct room* rooms;
};

static ssize_t
batch__sendmmsg(void* data) {
  struct batch* batch = data;
  int flags = batch->flags | MSG_DONTWAIT | MSG_NOSIGNAL;
  return syscall(SYS_sendmmsg, batch->fd, batch->headers, (unsigned) batch->count, flags);
}

// After a failed attempt the kernel may have touched the lengths, so each attempt starts from the rooms.
static ssize_t
batch__recvmmsg(void* data) {
  struct batch* batch = data;
  for (size_t i = 0; i < batch->count; i++) {
    batch->headers[i].header.name_length = batch->rooms[i].name_length;
    batch->headers[i].header.control_length = batch->rooms[i].control_length;
  }
  int flags = batch->flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  return syscall(SYS_recvmmsg, batch->fd, batch->headers, (unsigned) batch->count, flags, NULL);
}

static bool
batch__slice(const struct bytes* slab, int32_t offset, int32_t length, void** start) {
  if (offset < 0 || length < 0 || (size_t) offset > slab->length) return false;
  if ((size_t) length > slab->length - (size_t) offset) return false;
  *start = length == 0 ? NULL : slab->data + offset;
  return true;
}

static bool
batch__prepare(struct batch* batch, struct iovec* vectors, const struct bytes slabs[3]) {
  for (size_t i = 0; i < batch->count; i++) {
    int32_t row[BATCH_COLUMNS];
    memcpy(row, batch->rows + i * BATCH_COLUMNS, sizeof row);
    struct user_msghdr* header = &batch->headers[i].header;
    header->flags = 0;
    header->vectors = &vectors[i];
    header->vector_count = 1;
    header->name_length = row[BATCH_NAME_LENGTH];
    header->control_length = (size_t) row[BATCH_CONTROL_LENGTH];
    vectors[i].iov_len = (size_t) row[BATCH_DATA_LENGTH];
    batch->headers[i].length = 0;
    batch->rooms[i] = (struct room) { header->name_length, header->control_length };
    if (!batch__slice(&slabs[0], row[BATCH_DATA_OFFSET], row[BATCH_DATA_LENGTH], &vectors[i].iov_base) ||
        !batch__slice(&slabs[1], row[BATCH_NAME_OFFSET], row[BATCH_NAME_LENGTH], &header->name) ||
        !batch__slice(&slabs[2], row[BATCH_CONTROL_OFFSET], row[BATCH_CONTROL_LENGTH], &header->control)) {
      return false;
    }
  }
  return true;
}

// fd, table, first, count, data, names, control, flags, timeoutMs?, spinUs?
static napi_value
batch__run(napi_env env, napi_callback_info info, attempt_fn perform, short events) {
  struct js_call call;
  struct batch batch;
  struct bytes slabs[3];
  struct patience patience;
  int32_t first, count;
  size_t size;
  if (!js_begin(env, info, 8, &call) || !js_int32(&call, 0, &batch.fd) ||
      !js_int32_array(&call, 1, &batch.rows, &size) || !js_int32(&call, 2, &first) || !js_int32(&call, 3, &count) ||
      !js_bytes(&call, 4, &slabs[0]) || !js_bytes_or_null(&call, 5, &slabs[1]) ||
      !js_bytes_or_null(&call, 6, &slabs[2]) || !js_int32(&call, 7, &batch.flags) ||
      !attempt_patience(&call, 8, &patience)) {
    return NULL;
  }
  if (first < 0 || count < 0 || count > BATCH_MAX || (size_t) first + (size_t) count > size / BATCH_COLUMNS) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "first and count must lie within the batch table");
    return NULL;
  }
  batch.rows += (size_t) first * BATCH_COLUMNS;
  batch.count = (size_t) count;
  struct user_mmsghdr headers[BATCH_MAX];
  struct iovec vectors[BATCH_MAX];
  struct room rooms[BATCH_MAX];
  batch.headers = headers;
  batch.rooms = rooms;
  if (!batch__prepare(&batch, vectors, slabs)) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "a row of the batch table points outside its buffer");
    return NULL;
  }
  ssize_t rc = attempt(perform, &batch, batch.fd, events, patience);
  for (ssize_t i = 0; i < rc; i++) {
    if (events == POLLIN) message__note(call.environment, &headers[i].header);
    int32_t* row = batch.rows + i * BATCH_COLUMNS;
    row[BATCH_OUT_BYTES] = (int32_t) headers[i].length;
    row[BATCH_OUT_NAME_LENGTH] = headers[i].header.name_length;
    row[BATCH_OUT_CONTROL_LENGTH] = (int32_t) headers[i].header.control_length;
    row[BATCH_OUT_FLAGS] = (int32_t) headers[i].header.flags;
  }
  return js_number(&call, rc);
}

napi_value
transfer_sendmmsg(napi_env env, napi_callback_info info) {
  return batch__run(env, info, batch__sendmmsg, POLLOUT);
}

napi_value
transfer_recvmmsg(napi_env env, napi_callback_info info) {
  return batch__run(env, info, batch__recvmmsg, POLLIN);
}
