#ifndef SOCKETRY_MEMORY_H
#define SOCKETRY_MEMORY_H

#include <node_api.h>

napi_value
memory_create(napi_env env, napi_callback_info info);
napi_value
memory_map(napi_env env, napi_callback_info info);

#endif
