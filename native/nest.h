// Where sockets are watched at first: see nest.c.
#ifndef SOCKETRY_NEST_H
#define SOCKETRY_NEST_H

#include "engine_state.h"

// Makes sure that there is a nest. False when there cannot be one: libuv watches everything then.
bool
nest_open(struct engine* engine);

// Has exactly these events of a nested watch reported; 0 reports none. Returns 0 or -errno.
int
nest_arm(struct watch* watch, int events);

// Reports what is ready.
void
nest_gather(struct engine* engine);

void
nest_close(struct engine* engine);

#endif
