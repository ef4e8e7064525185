// What the engine's files share: one engine per environment, its watches, its libuv handles.
#ifndef SOCKETRY_ENGINE_STATE_H
#define SOCKETRY_ENGINE_STATE_H

#include "js.h"
#include "loop.h"
#include "numbers.h"

enum { READY_MAX = 1024, READY_ERROR = 8, NS_PER_US = 1000, NS_PER_MS = 1000000 };

// The shared array: these cells, then READY_MAX pairs of descriptor and events; mirrored in src/sys/contract.ts.
enum shared_cell { SHARED_WAITERS, SHARED_HELD, SHARED_IN_TURN, SHARED_RESERVED, SHARED_PAIRS };

// The watch of one descriptor number. It outlives its use, and so does its poll: the next socket of the same number is
// spared the three system calls with which uv_poll_init examines a descriptor.
struct watch {
  struct engine* engine;
  uv_handle* poll; // NULL until libuv watches the number for the first time
  int32_t fd;
  int32_t armed; // events that libuv, or the nest, has been asked for
  int32_t spin_us;
  bool used;   // between watch and unwatch
  bool nested; // the nest watches it, not libuv
  bool joined; // the nest's epoll descriptor knows it
  uint8_t nest_events;
};

struct engine {
  struct environment* environment;
  struct uv_loop_s* loop;
  uv_handle* check;
  uv_handle* idle;
  napi_ref dispatch;
  napi_async_cleanup_hook_handle cleanup;
  struct watch** watches; // by descriptor number
  int32_t watch_room;     // length of watches
  int32_t watch_count;    // watches in use
  int32_t handle_count;   // libuv handles not yet closed, of all kinds
  int32_t kept_count;     // those of them that stay when a watch ends: no leaks
  int32_t ready_count;
  int32_t dispatched_count; // pairs that JavaScript is going through
  int32_t* shared;
  uint64_t spin_until_ns;
  bool spinning;
  bool closing;
  struct numbers owned; // to be closed with the environment
  struct numbers made;  // made by calls of this worker and not owned yet: to be closed with it as well
  struct linger* linger;
  uv_handle* nest; // NULL until it is needed
  int nest_fd;
};

// Notes that a descriptor is ready; dispatches when the shared array is full.
void
engine_gather(struct watch* watch, int events);

// Calls JavaScript with what was gathered. Returns false when nothing was, or JavaScript cannot be called any more.
bool
engine_flush(struct engine* engine);

// Keeps the loop from sleeping for so long from now on.
void
engine_stay_hot(struct engine* engine, int32_t spin_us);

// Frees a closed handle (or NULL), and the engine after its last one.
void
engine_handle_gone(struct engine* engine, void* memory);

// Closes every watch.
void
watch_close_all(struct engine* engine);

// The ready bits that a report of epoll comes to. An error ends the watching, as in libuv.
int
watch_events(struct watch* watch, uint32_t bits);

// Hands on an event.
void
watch_report(struct watch* watch, int events);

// Has libuv watch what the nest has watched so far, if that is possible.
void
watch_leave_nest(struct watch* watch);

// The watch in use of a descriptor, or NULL.
struct watch*
watch_find(const struct engine* engine, int32_t fd);

#endif
