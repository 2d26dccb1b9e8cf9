/* The rig's parts: clock, randomness, environment, transport, and the engine's comings and goings. */
#include "tests/simulation/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LATENCY_MS 20
#define START_MS 1795000000000 /* November 2026 */
#define STRINGS_MAX 16
#define FILES_MAX 8

struct pending { /* an answer on its way */
  int64_t due_ms;
  struct af_http_result result;
  struct pending *next;
};

struct rig {
  struct cs_sim *sim;
  int64_t now_ms;
  struct af_clock clock;
  struct af_random_seeded random;
  struct af_env env;
  char *names[STRINGS_MAX], *values[STRINGS_MAX];
  char *folder, *database;
  char *files[FILES_MAX];
  struct af_http http;
  uint64_t last_id, calls, fuse;
  enum rig_death death;
  bool died;
  struct pending *pending;
  struct af_store *reader; /* looks at the database as another process would */
  int stop_after, turns;
  volatile int stop;
};

static void must(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "rig: %s\n", what);
  abort();
}

/* --- clock, environment --- */

static int64_t now_ms(void *ctx) {
  return ((struct rig *)ctx)->now_ms;
}

static const char *env_get(void *ctx, const char *name) {
  struct rig *r = ctx;
  for (size_t i = 0; i < STRINGS_MAX; i++)
    if (r->names[i] && strcmp(r->names[i], name) == 0) return r->values[i];
  return NULL;
}

void rig_setenv(struct rig *r, const char *name, const char *value) {
  size_t at = STRINGS_MAX;
  for (size_t i = STRINGS_MAX; i-- > 0;)
    if (!r->names[i] || strcmp(r->names[i], name) == 0) at = i;
  for (size_t i = 0; i < STRINGS_MAX; i++)
    if (r->names[i] && strcmp(r->names[i], name) == 0) at = i;
  must(at < STRINGS_MAX, "too many variables");
  free(r->names[at]);
  free(r->values[at]);
  r->names[at] = value ? strdup(name) : NULL;
  r->values[at] = value ? strdup(value) : NULL;
}

/* --- transport --- */

#define HEADERS_MAX 32

/* An HTTP request as cloudsim wants it. */
static void to_cloudsim(struct rig *r, const struct af_http_request *req, struct cs_reply *reply) {
  struct cs_header headers[HEADERS_MAX];
  struct cs_request cs = {.method = af_str(req->method), .headers = headers, .body = req->body};
  const char *host = strstr(req->url, "://"), *path;
  must(host != NULL, "a URL without a scheme");
  host += 3;
  path = host + strcspn(host, "/?");
  size_t path_len = strcspn(path, "?");
  cs.path = path_len ? af_str_n(path, path_len) : af_str("/");
  cs.query = path[path_len] ? af_str(path + path_len + 1) : af_str("");
  headers[cs.n_headers++] = (struct cs_header){af_str("Host"), af_str_n(host, (size_t)(path - host))};
  for (size_t i = 0; req->headers[i] && cs.n_headers < HEADERS_MAX; i++) {
    const char *colon = strchr(req->headers[i], ':');
    if (!colon || strncasecmp(req->headers[i], "host:", 5) == 0) continue;
    headers[cs.n_headers++] =
        (struct cs_header){af_str_n(req->headers[i], (size_t)(colon - req->headers[i])), af_str_trim(af_str(colon + 1))};
  }
  cs_sim_handle(r->sim, r->now_ms, &cs, reply);
}

static void header(struct af_http_result *res, const char *line, size_t len) {
  static const struct {
    const char *name;
    size_t offset, size;
  } kept[] = {{"content-type:", offsetof(struct af_http_result, content_type), sizeof(res->content_type)},
              {"x-amzn-requestid:", offsetof(struct af_http_result, request_id), sizeof(res->request_id)},
              {"date:", offsetof(struct af_http_result, date), sizeof(res->date)}};
  for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
    size_t n = strlen(kept[i].name);
    if (len > n && strncasecmp(line, kept[i].name, n) == 0)
      af_str_copy((char *)res + kept[i].offset, kept[i].size, af_str_trim(af_str_n(line + n, len - n)));
  }
}

static void fill(struct af_http_result *res, struct cs_reply *reply) {
  af_buf_init_secret(&res->body, 64 * 1024 * 1024);
  res->retry_after_ms = -1;
  if (reply->fate != CS_FATE_REPLY) {
    res->sent = AF_SENT_MAYBE;
    AF_COPY(res->failure, af_str("the connection was closed"));
    return;
  }
  res->sent = AF_SENT_REPLIED;
  res->status = reply->status;
  for (const char *p = af_buf_cstr(&reply->headers); *p;) {
    size_t n = strcspn(p, "\n");
    header(res, p, n);
    p += n + (p[n] == '\n');
  }
  af_buf_str(&res->body, af_buf_view(&reply->body));
}

/* The API that a request calls: "CopyImage". */
static void action_of(const struct af_http_request *req, char out[64]) {
  const char *action = req->body.len ? strstr(req->body.ptr, "Action=") : NULL;
  if (action) action += strlen("Action=");
  for (size_t i = 0; req->headers[i] && !action; i++)
    if (strncasecmp(req->headers[i], "x-amz-target: ", 14) == 0) action = strrchr(req->headers[i], '.') + 1;
  snprintf(out, 64, "%.*s", action ? (int)strcspn(action, "&") : 0, action ? action : "");
}

static bool intends(const struct af_step_row *steps, size_t n, const char *action) {
  for (size_t i = 0; i < n; i++)
    if (steps[i].state == AF_STEP_INTENDED && strcmp(strchr(steps[i].intent, ':') + 1, action) == 0) return true;
  return false;
}

/* Is the intent of such a call committed, as another process would see it? */
static bool intent_is_committed(struct rig *r, const char *action) {
  struct af_copy_row *copies;
  size_t n = rig_copies(r, &copies);
  bool found = false;
  for (size_t i = 0; i < n && !found; i++) {
    struct af_step_row *steps;
    size_t n_steps;
    if (af_store_steps(r->reader, copies[i].id, &steps, &n_steps, NULL)) continue;
    found = intends(steps, n_steps, action);
    for (size_t k = 0; k < n_steps; k++) af_step_row_done(&steps[k]);
    free(steps);
  }
  rig_copies_free(copies, n);
  return found;
}

/* The contract's first rule, looked at from outside whenever something is about to change in AWS. */
static void check_intent(struct rig *r, const struct af_http_request *req) {
  static const char *const changes[] = {"CopyImage",       "CopySnapshot",   "RegisterImage", "DeregisterImage", "ModifySnapshotAttribute",
                                        "ModifyImageAttribute", "DeleteSnapshot", "CreateGrant",   "RetireGrant"};
  char action[64];
  action_of(req, action);
  for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
    if (strcmp(changes[i], action) == 0 && !intent_is_committed(r, action)) {
      fprintf(stderr, "rig: %s is sent, but no intent of it is committed\n", action);
      abort();
    }
}

static int submit(void *ctx, const struct af_http_request *req, uint64_t *ret_id, struct af_error *err) {
  struct rig *r = ctx;
  struct cs_reply reply;
  *ret_id = ++r->last_id;
  if (r->died) return 0;
  r->calls++;
  check_intent(r, req);
  bool burns = r->death != RIG_LIVES && --r->fuse == 0;
  if (burns) r->died = true;
  if (burns && r->death == RIG_DIES_BEFORE) return 0;
  cs_reply_init(&reply);
  to_cloudsim(r, req, &reply);
  struct pending *p = calloc(1, sizeof(*p));
  must(p != NULL, "memory");
  p->due_ms = r->now_ms + LATENCY_MS + reply.delay_ms;
  fill(&p->result, &reply);
  p->result.id = *ret_id;
  cs_reply_done(&reply);
  struct pending **at = &r->pending;
  while (*at && (*at)->due_ms <= p->due_ms) at = &(*at)->next;
  p->next = *at;
  *at = p;
  return 0;
}

/* The dead wait for nothing: the engine gives up here, before it commits again. */
static int wait_some(void *ctx, int64_t timeout_ms) {
  struct rig *r = ctx;
  if (r->died) return -AF_EIO;
  int64_t until = r->now_ms + timeout_ms;
  if (r->pending && r->pending->due_ms < until) until = r->pending->due_ms;
  if (until > r->now_ms) r->now_ms = until;
  return 0;
}

static bool next(void *ctx, struct af_http_result *ret) {
  struct rig *r = ctx;
  struct pending *p = r->pending;
  if (r->died || !p || p->due_ms > r->now_ms) return false;
  *ret = p->result;
  r->pending = p->next;
  free(p);
  return true;
}

static void drop_pending(struct rig *r) {
  while (r->pending) {
    struct pending *p = r->pending;
    r->pending = p->next;
    af_http_result_done(&p->result);
    free(p);
  }
}

/* --- life and death --- */

struct rig *rig_new(const char *world, uint64_t seed) {
  struct rig *r = calloc(1, sizeof(*r));
  struct af_doc *doc;
  struct af_error err;
  char folder[] = "/dev/shm/amiferry-rig-XXXXXX"; /* in memory: the clock is virtual, so syncs would only cost time */
  must(r != NULL, "memory");
  r->now_ms = START_MS;
  r->clock = (struct af_clock){now_ms, now_ms, r};
  r->env = (struct af_env){env_get, r};
  r->http = (struct af_http){.submit = submit, .wait = wait_some, .next = next, .ctx = r};
  af_random_seed(&r->random, seed);
  must(mkdtemp(folder) != NULL, "no folder");
  r->folder = strdup(folder);
  must(asprintf(&r->database, "%s/amiferry.db", folder) > 0, "memory");
  if (af_doc_read(&doc, "world", af_str(world), AF_DOC_YAML, NULL, &err) || cs_sim_new(&r->sim, doc, r->now_ms, seed, &err))
    must(false, err.message);
  af_doc_free(doc);
  rig_setenv(r, "AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "config", ""));
  rig_setenv(r, "AWS_SHARED_CREDENTIALS_FILE", rig_file(r, "credentials", ""));
  return r;
}

void rig_free(struct rig *r) {
  char path[512];
  static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", "-lock", "-owner"};
  drop_pending(r);
  cs_sim_free(r->sim);
  for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
    snprintf(path, sizeof(path), "%s%s", r->database, suffixes[i]);
    unlink(path);
  }
  for (size_t i = 0; i < FILES_MAX && r->files[i]; i++) {
    unlink(r->files[i]);
    free(r->files[i]);
  }
  rmdir(r->folder);
  for (size_t i = 0; i < STRINGS_MAX; i++) {
    free(r->names[i]);
    free(r->values[i]);
  }
  free(r->folder);
  free(r->database);
  free(r);
}

const char *rig_file(struct rig *r, const char *name, const char *text) {
  size_t i = 0;
  while (i < FILES_MAX && r->files[i]) i++;
  must(i < FILES_MAX && asprintf(&r->files[i], "%s/%s", r->folder, name) > 0, "too many files");
  FILE *f = fopen(r->files[i], "w");
  must(f && fputs(text, f) >= 0 && fclose(f) == 0, "a file can't be written");
  return r->files[i];
}

struct cs_sim *rig_sim(struct rig *r) {
  return r->sim;
}
int64_t rig_now(const struct rig *r) {
  return r->now_ms;
}
void rig_advance(struct rig *r, int64_t ms) {
  r->now_ms += ms;
}
const char *rig_database(const struct rig *r) {
  return r->database;
}
bool rig_died(const struct rig *r) {
  return r->died;
}
uint64_t rig_calls(const struct rig *r) {
  return r->calls;
}
void rig_stop_after(struct rig *r, int turns) {
  r->stop_after = turns;
}

void rig_arm(struct rig *r, enum rig_death death, uint64_t k) {
  r->death = death;
  r->fuse = k;
}

static void on_turn(void *ctx) {
  struct rig *r = ctx;
  if (r->stop_after && ++r->turns >= r->stop_after) r->stop = 1;
}

/* RIG_TRACE=1 shows every event as it is written: for a person who looks for a fault. */
static void on_event(void *ctx, const struct af_copy_row *copy, const struct af_step_row *step, const struct af_event_row *ev) {
  struct rig *r = ctx;
  fprintf(stderr, "%8.2f %s #%lld %-9s %-14s %-24s %-9s %s %s\n", (double)(r->now_ms - START_MS) / 1000, copy->id, (long long)ev->number,
          step ? af_step_state_name(step->state) : af_copy_state_name(copy->state), step ? step->kind : "", step ? step->item : "",
          ev->kind, ev->action ? ev->action : "", ev->message ? ev->message : "");
}

/* One life of the program: open, load or start, run, close. */
static int live(struct rig *r, const struct af_manifest *m, struct af_error *err) {
  struct af_store *store = NULL;
  struct af_aws *aws = NULL;
  struct af_engine *engine = NULL;
  struct af_batch_row *batches = NULL;
  size_t n = 0;
  char batch[64];
  bool resumed;
  r->died = false;
  r->calls = 0;
  r->turns = 0;
  r->stop = 0;
  drop_pending(r); /* answers to a process that is no more */
  struct af_aws_config aws_config = {.clock = &r->clock, .random = &r->random.random, .http = &r->http, .env = &r->env};
  int rc = af_store_open(&store, r->database, AF_STORE_OWNER, &r->clock, err);
  if (!rc) rc = af_store_open(&r->reader, r->database, AF_STORE_READER, &r->clock, err);
  if (!rc) rc = af_aws_new(&aws, &aws_config, err);
  struct af_engine_config config = {.clock = &r->clock,
                                    .random = &r->random.random,
                                    .store = store,
                                    .aws = aws,
                                    .poll_min_ms = 5000,
                                    .poll_max_ms = 30000,
                                    .window_ms = 20000,
                                    .stop = &r->stop,
                                    .on_turn = on_turn,
                                    .on_event = getenv("RIG_TRACE") ? on_event : NULL,
                                    .ctx = r};
  if (!rc) rc = af_engine_new(&engine, &config, err);
  if (!rc && m) rc = af_engine_start(engine, m, "manifest", batch, &resumed, err);
  if (!rc && !m) rc = af_store_batches(store, &batches, &n, err);
  for (size_t i = 0; i < n; i++) {
    if (!rc) rc = af_engine_load(engine, batches[i].id, AF_LOAD_RETRY, err);
    af_batch_row_done(&batches[i]);
  }
  free(batches);
  if (!rc) rc = af_engine_run(engine, err);
  af_engine_free(engine);
  af_aws_free(aws);
  af_store_close(r->reader);
  r->reader = NULL;
  af_store_close(store);
  return rc;
}

int rig_run(struct rig *r, const char *manifest, struct af_error *err) {
  struct af_manifest m;
  int rc = af_manifest_read(&m, "manifest", af_str(manifest), err);
  if (rc) return rc;
  rc = live(r, &m, err);
  af_manifest_done(&m);
  return rc;
}

int rig_resume(struct rig *r, struct af_error *err) {
  return live(r, NULL, err);
}

static size_t read_copies(struct af_store *store, struct af_copy_row **ret) {
  struct af_batch_row *batches;
  struct af_error err;
  size_t n_batches, n = 0;
  *ret = NULL;
  if (af_store_batches(store, &batches, &n_batches, &err)) must(false, err.message);
  for (size_t i = n_batches; i-- > 0;) {
    struct af_copy_row *rows;
    size_t k;
    if (af_store_copies(store, batches[i].id, &rows, &k, &err)) must(false, err.message);
    *ret = realloc(*ret, (n + k) * sizeof(**ret));
    must(*ret != NULL || n + k == 0, "memory");
    memcpy(*ret + n, rows, k * sizeof(*rows));
    n += k;
    free(rows);
    af_batch_row_done(&batches[i]);
  }
  free(batches);
  return n;
}

size_t rig_copies(struct rig *r, struct af_copy_row **ret) {
  struct af_store *store;
  struct af_error err;
  *ret = NULL;
  if (r->reader) return read_copies(r->reader, ret);
  if (af_store_open(&store, r->database, AF_STORE_READER, &r->clock, &err)) return 0;
  size_t n = read_copies(store, ret);
  af_store_close(store);
  return n;
}

void rig_copies_free(struct af_copy_row *list, size_t n) {
  for (size_t i = 0; i < n; i++) af_copy_row_done(&list[i]);
  free(list);
}

json_t *rig_audit(struct rig *r) {
  return cs_sim_audit(r->sim, r->now_ms);
}

uint64_t rig_carried_out(struct rig *r, const char *call) {
  json_t *audit = rig_audit(r);
  uint64_t n = (uint64_t)json_integer_value(json_object_get(json_object_get(json_object_get(audit, "calls"), call), "ok"));
  json_decref(audit);
  return n;
}
