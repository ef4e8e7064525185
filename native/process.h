#ifndef SOCKETRY_PROCESS_H
#define SOCKETRY_PROCESS_H

#include <node_api.h>

napi_value
process_pidfd_open(napi_env env, napi_callback_info info);
napi_value
process_pidfd_send_signal(napi_env env, napi_callback_info info);

#endif
