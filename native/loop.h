// The part of libuv's ABI that the engine uses, declared by hand.
//
// libuv's symbols are exported by the node binary itself. Sizes come from uv_handle_size() at run time and
// every handle is opaque here, so no layout of any libuv version is compiled in; the numbers below are
// part of libuv's stable 1.x ABI (uv.h, UV_HANDLE_TYPE_MAP and enum uv_poll_event).
#ifndef SOCKETRY_LOOP_H
#define SOCKETRY_LOOP_H

#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
typedef struct uv_handle_s uv_handle;

enum { UV_ASYNC = 1, UV_CHECK = 2, UV_IDLE = 6, UV_POLL = 8 };
enum { UV_READABLE = 1, UV_WRITABLE = 2, UV_DISCONNECT = 4, UV_PRIORITIZED = 8 };

typedef void (*uv_handle_cb)(uv_handle* handle);
typedef void (*uv_poll_cb)(uv_handle* handle, int status, int events);

extern size_t
uv_handle_size(int type);
extern void*
uv_handle_get_data(const uv_handle* handle);
extern void
uv_handle_set_data(uv_handle* handle, void* data);
extern void
uv_close(uv_handle* handle, uv_handle_cb closed);
extern void
uv_ref(uv_handle* handle);
extern void
uv_unref(uv_handle* handle);
extern uint64_t
uv_hrtime(void);

extern int
uv_backend_fd(const struct uv_loop_s* loop);
extern int
uv_backend_timeout(const struct uv_loop_s* loop);
extern void
uv_update_time(struct uv_loop_s* loop);
extern int
uv_async_init(struct uv_loop_s* loop, uv_handle* handle, uv_handle_cb nudged);
extern int
uv_async_send(uv_handle* handle);

extern int
uv_poll_init(struct uv_loop_s* loop, uv_handle* handle, int fd);
extern int
uv_poll_start(uv_handle* handle, int events, uv_poll_cb ready);
extern int
uv_poll_stop(uv_handle* handle);
extern int
uv_check_init(struct uv_loop_s* loop, uv_handle* handle);
extern int
uv_check_start(uv_handle* handle, uv_handle_cb turned);
extern int
uv_idle_init(struct uv_loop_s* loop, uv_handle* handle);
extern int
uv_idle_start(uv_handle* handle, uv_handle_cb turned);
extern int
uv_idle_stop(uv_handle* handle);

#endif
