// Memory that has a descriptor, and so can be handed to another process.
#include "memory.h"

#include "engine.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

// A Uint8Array without NULs inside; the kernel takes at most 249 bytes. memfd_create(2)
napi_value
memory_create(napi_env env, napi_callback_info info) {
  enum { NAME_MAX_BYTES = 249 };
  struct js_call call;
  struct bytes name;
  int32_t flags;
  if (!js_begin(env, info, 2, &call) || !js_bytes(&call, 0, &name) || !js_int32(&call, 1, &flags)) return NULL;
  if (name.length > NAME_MAX_BYTES) return js_number(&call, -EINVAL);
  char text[NAME_MAX_BYTES + 1] = { 0 };
  if (name.length > 0) memcpy(text, name.data, name.length);
  int fd = memfd_create(text, (unsigned) flags);
  if (fd < 0) return js_number(&call, -errno);
  engine_note(call.environment, fd);
  return js_number(&call, fd);
}

static void
memory__unmap(napi_env env, void* data, void* hint) {
  (void) env;
  munmap(data, (size_t) (uintptr_t) hint);
}

// Always writable: a store to a read-only page would end the process. What is not shared is copied on its first
// write, and the others never see it.
napi_value
memory_map(napi_env env, napi_callback_info info) {
  struct js_call call;
  int32_t fd, shared;
  size_t length;
  if (!js_begin(env, info, 3, &call) || !js_int32(&call, 0, &fd) || !js_size(&call, 1, &length) ||
      !js_int32(&call, 2, &shared)) {
    return NULL;
  }
  int flags = shared != 0 ? MAP_SHARED : MAP_PRIVATE;
  void* data = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (data == MAP_FAILED) return js_number(&call, -errno);
  napi_value buffer;
  napi_status status =
    napi_create_external_arraybuffer(env, data, length, memory__unmap, (void*) (uintptr_t) length, &buffer);
  if (status == napi_ok) return buffer;
  munmap(data, length);
  // A build of V8 with a sandbox takes no memory from outside it.
  return status == napi_no_external_buffers_allowed ? js_number(&call, -EOPNOTSUPP) : NULL;
}
