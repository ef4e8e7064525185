#ifndef SOCKETRY_TRANSFER_H
#define SOCKETRY_TRANSFER_H

#include <node_api.h>

napi_value
transfer_lean_recv(napi_env env, napi_callback_info info);
napi_value
transfer_lean_send(napi_env env, napi_callback_info info);
napi_value
transfer_read(napi_env env, napi_callback_info info);
napi_value
transfer_recv(napi_env env, napi_callback_info info);
napi_value
transfer_recvfrom(napi_env env, napi_callback_info info);
napi_value
transfer_recvmmsg(napi_env env, napi_callback_info info);
napi_value
transfer_recvmsg(napi_env env, napi_callback_info info);
napi_value
transfer_send(napi_env env, napi_callback_info info);
napi_value
transfer_sendmmsg(napi_env env, napi_callback_info info);
napi_value
transfer_sendmsg(napi_env env, napi_callback_info info);
napi_value
transfer_sendto(napi_env env, napi_callback_info info);
napi_value
transfer_write(napi_env env, napi_callback_info info);

#endif
