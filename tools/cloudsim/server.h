/* The loopback HTTP server around a simulation. One thread a connection, one lock around the simulation; delays are waited out
 * outside of the lock. Listens on 127.0.0.1 and nowhere else. */
#ifndef CS_SERVER_H
#define CS_SERVER_H

#include <stdio.h>

#include "base/time.h"
#include "tools/cloudsim/cloudsim.h"

struct cs_server;
struct cs_server_options {
  uint16_t port;                /* 0: any */
  FILE *log;                    /* one line a call; NULL: none. Borrowed */
  const struct af_clock *clock; /* borrowed */
};

/* sim stays the caller's and must outlive the server. -AF_EIO where the port can't be had. */
int cs_server_start(struct cs_server **ret, struct cs_sim *sim, const struct cs_server_options *options, struct af_error *err);
uint16_t cs_server_port(const struct cs_server *s);
/* Ends every connection, the waiting ones too. Takes NULL. */
void cs_server_stop(struct cs_server *s);

#endif
