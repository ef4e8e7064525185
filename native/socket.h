#ifndef SOCKETRY_SOCKET_H
#define SOCKETRY_SOCKET_H

#include <node_api.h>

napi_value
socket_accept4(napi_env env, napi_callback_info info);
napi_value
socket_bind(napi_env env, napi_callback_info info);
napi_value
socket_close(napi_env env, napi_callback_info info);
napi_value
socket_connect(napi_env env, napi_callback_info info);
napi_value
socket_dup(napi_env env, napi_callback_info info);
napi_value
socket_fcntl(napi_env env, napi_callback_info info);
napi_value
socket_flock(napi_env env, napi_callback_info info);
napi_value
socket_getpeername(napi_env env, napi_callback_info info);
napi_value
socket_getsockname(napi_env env, napi_callback_info info);
napi_value
socket_getsockopt(napi_env env, napi_callback_info info);
napi_value
socket_listen(napi_env env, napi_callback_info info);
napi_value
socket_open(napi_env env, napi_callback_info info);
napi_value
socket_pair(napi_env env, napi_callback_info info);
napi_value
socket_poll(napi_env env, napi_callback_info info);
napi_value
socket_setsockopt(napi_env env, napi_callback_info info);
napi_value
socket_shutdown(napi_env env, napi_callback_info info);

#endif
