// The addon's table of contents: every export in alphabetical order, and nothing else.
#include "engine.h"
#include "js.h"
#include "memory.h"
#include "pipe.h"
#include "process.h"
#include "socket.h"
#include "transfer.h"

#include <stdlib.h>
#include <unistd.h>

#define EXPORTS(V)                                  \
  V("accept4", socket_accept4)                      \
  V("bind", socket_bind)                            \
  V("close", socket_close)                          \
  V("connect", socket_connect)                      \
  V("dup", socket_dup)                              \
  V("engineArm", engine_arm)                        \
  V("engineDisown", engine_disown)                  \
  V("engineHold", engine_hold)                      \
  V("engineLedger", engine_ledger)                  \
  V("engineOwn", engine_own)                        \
  V("engineSpin", engine_spin)                      \
  V("engineStart", engine_start)                    \
  V("engineUnwatch", engine_unwatch)                \
  V("engineWatch", engine_watch)                    \
  V("fcntl", socket_fcntl)                          \
  V("flock", socket_flock)                          \
  V("getpeername", socket_getpeername)              \
  V("getsockname", socket_getsockname)              \
  V("getsockopt", socket_getsockopt)                \
  V("leanRecv", transfer_lean_recv)                 \
  V("leanSend", transfer_lean_send)                 \
  V("listen", socket_listen)                        \
  V("memfd_create", memory_create)                  \
  V("mmap", memory_map)                             \
  V("pidfd_open", process_pidfd_open)               \
  V("pidfd_send_signal", process_pidfd_send_signal) \
  V("pipe2", pipe_open)                             \
  V("poll", socket_poll)                            \
  V("read", transfer_read)                          \
  V("recv", transfer_recv)                          \
  V("recvfrom", transfer_recvfrom)                  \
  V("recvmmsg", transfer_recvmmsg)                  \
  V("recvmsg", transfer_recvmsg)                    \
  V("send", transfer_send)                          \
  V("sendmmsg", transfer_sendmmsg)                  \
  V("sendmsg", transfer_sendmsg)                    \
  V("sendto", transfer_sendto)                      \
  V("setsockopt", socket_setsockopt)                \
  V("shutdown", socket_shutdown)                    \
  V("socket", socket_open)                          \
  V("socketpair", socket_pair)                      \
  V("splice", pipe_splice)                          \
  V("write", transfer_write)

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  struct environment* environment = calloc(1, sizeof *environment);
  CHECK(environment == NULL ? napi_generic_failure : napi_ok);
  environment->env = env;
  environment->is_main_thread = gettid() == getpid();
  environment->slept_fd = -1;
  engine_create(environment);
  napi_value out, lean;
  if (!js_shared_int32(env, OUT_COUNT, &environment->out, &out) ||
      !js_shared_int32(env, LEAN_COUNT, &environment->lean, &lean)) {
    return NULL;
  }
  napi_property_descriptor properties[] = {
#define DESCRIBE(name, function) { name, NULL, function, NULL, NULL, NULL, napi_default_jsproperty, environment },
    EXPORTS(DESCRIBE)
#undef DESCRIBE
      { "lean", NULL, NULL, NULL, NULL, lean, napi_default_jsproperty, NULL },
    { "out", NULL, NULL, NULL, NULL, out, napi_default_jsproperty, NULL },
  };
  napi_status status = napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return status == napi_ok ? exports : NULL;
}
