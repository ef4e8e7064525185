// Staying in the engine while its own sockets are busy: see linger.c.
#ifndef SOCKETRY_LINGER_H
#define SOCKETRY_LINGER_H

#include "engine_state.h"

// To be called after a dispatch: waits for and dispatches further events as long as only this engine's sockets
// have any.
void
linger(struct engine* engine);

void
linger_close(struct engine* engine);

void
linger_free(struct engine* engine);

#endif
