// Readiness: which descriptors can be read or written, told to JavaScript once per turn of the event loop.
#ifndef SOCKETRY_ENGINE_H
#define SOCKETRY_ENGINE_H

#include "js.h"

// Allocates the engine of one environment and registers its clean-up; opens nothing yet.
void
engine_create(struct environment* environment);

// Whether this environment's loop watches the descriptor.
bool
engine_watches(const struct engine* engine, int fd);

// Whether a socket object of this environment owns the descriptor.
bool
engine_owns(const struct engine* engine, int fd);

// Notes a descriptor that a call has made (or an error number), so that a worker which is terminated before
// anybody owns it does not leave it open.
void
engine_note(struct environment* environment, ssize_t fd);

// Forgets a descriptor that is about to be closed or was given away.
void
engine_forget(struct engine* engine, int fd);

napi_value
engine_arm(napi_env env, napi_callback_info info);
napi_value
engine_disown(napi_env env, napi_callback_info info);
napi_value
engine_hold(napi_env env, napi_callback_info info);
napi_value
engine_ledger(napi_env env, napi_callback_info info);
napi_value
engine_own(napi_env env, napi_callback_info info);
napi_value
engine_spin(napi_env env, napi_callback_info info);
napi_value
engine_start(napi_env env, napi_callback_info info);
napi_value
engine_unwatch(napi_env env, napi_callback_info info);
napi_value
engine_watch(napi_env env, napi_callback_info info);

#endif
