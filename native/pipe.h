#ifndef SOCKETRY_PIPE_H
#define SOCKETRY_PIPE_H

#include <node_api.h>

napi_value
pipe_open(napi_env env, napi_callback_info info);
napi_value
pipe_splice(napi_env env, napi_callback_info info);

#endif
