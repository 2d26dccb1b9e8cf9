/* cloudsim: a simulated AWS. A library first: deterministic, no clock and no sockets of its own; an HTTP server and in-process
 * tests stand around it. It does what rules.md says AWS does, whatever that means for amiferry, and it shares no encoder, decoder
 * or signer with it: only base/.
 *
 * Time: now_ms is the wall clock (signatures and credentials are judged by it). Resources mature on the world's own time, which
 * runs `speed` times as fast from the moment the simulation was made. */
#ifndef CLOUDSIM_H
#define CLOUDSIM_H

#include <jansson.h>

#include "base/buf.h"
#include "base/doc.h"

/* Where memory is out, cloudsim says so on standard error and ends the program with this status. jansson leaves out what it can't hold and
 * says nothing, and where OpenSSL fails a good signature looks bad: after this call their allocations end the program as well. For a
 * program that is cloudsim and nothing else, before OpenSSL is first used: the allocators are the whole process's. */
enum { CS_EXIT_NO_MEMORY = 2 };
_Noreturn void cs_no_memory(void);
void cs_guard_libraries(void);

struct cs_header {
  struct af_str name, value;
};
struct cs_request { /* borrowed */
  struct af_str method, path, query; /* as on the wire; the query without "?" */
  const struct cs_header *headers;
  size_t n_headers;
  struct af_str body;
};

/* How the reply travels: faults happen on the way, too. */
enum cs_fate {
  CS_FATE_REPLY,
  CS_FATE_CLOSE, /* the connection is closed without a reply (the call was carried out, or not: the fault says) */
  CS_FATE_HALF,  /* half of the body, then the connection is closed */
};
struct cs_reply {
  int status;
  struct af_buf headers; /* "Name: value\n" lines */
  struct af_buf body;
  struct af_buf note;    /* one line for a log: the call, the caller and the outcome, without secrets */
  int64_t delay_ms;      /* to be waited before it is sent */
  enum cs_fate fate;
};
void cs_reply_init(struct cs_reply *r);
void cs_reply_done(struct cs_reply *r);

struct cs_sim;
/* The world file is described in docs/cloudsim.md. Errors carry line and path. seed drives ids, latencies and faults drawn by chance. */
int cs_sim_new(struct cs_sim **ret, const struct af_doc *world, int64_t now_ms, uint64_t seed, struct af_error *err);
void cs_sim_free(struct cs_sim *sim);
/* Instead of the world file's `speed`; before the first request. */
void cs_sim_set_speed(struct cs_sim *sim, double speed);

/* Carries one request out and gives the one reply. Never fails: what goes wrong is a reply. */
void cs_sim_handle(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *ret);

/* What happened and what is left: every call by API and outcome, the peak of concurrent copies for each account and Region,
 * duplicates (images or snapshots made twice from one source by one copy tag), shares and grants that are open beyond what the
 * world file began with, resources that exist beyond it. */
json_t *cs_sim_audit(struct cs_sim *sim, int64_t now_ms);

/* Switches faults on and off while it runs: the same JSON as the world file's `faults` list; replaces the list. */
int cs_sim_faults(struct cs_sim *sim, const json_t *faults, struct af_error *err);

/* The account subscribes to a Marketplace product, as a person does in the console; twice is once. */
int cs_sim_subscribe(struct cs_sim *sim, const char *account, const char *product_code, struct af_error *err);

/* The account's administrator disables a key, named by its alias, or enables it again. */
int cs_sim_enable_key(struct cs_sim *sim, const char *account, const char *region, const char *alias, bool enabled, struct af_error *err);

/* Virtual time of the next thing that changes by itself (a copy that completes, a grant that arrives); INT64_MAX where nothing will. */
int64_t cs_sim_next_ms(struct cs_sim *sim, int64_t now_ms);

#endif
