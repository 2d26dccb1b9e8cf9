/* The rig's parts: clock, randomness, environment, transport, and the engine's comings and goings. */
#include "tests/simulation/rig.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define START_MS 1795000000000 /* November 2026 */
#define LONGEST_MS (INT64_C(90) * 24 * 3600 * 1000) /* a run that takes longer waits for what never comes */
#define STRINGS_MAX 16
#define FILES_MAX 8

struct pending { /* an answer on its way */
  int64_t due_ms;
  struct af_http_result result;
  struct pending *next;
};

struct rig {
  struct cs_sim *sim;
  int64_t now_ms, wrong_ms; /* AWS's clock, and by how much the engine's is ahead of it */
  struct af_clock clock;
  struct af_random_seeded random;
  struct af_env env;
  char *names[STRINGS_MAX], *values[STRINGS_MAX];
  char *folder, *database;
  char *files[FILES_MAX];
  struct af_http http;
  int64_t latency_least_ms, latency_most_ms;
  struct af_random_seeded weather; /* how long calls take: drawn apart, so that a client that draws more often meets the same network */
  uint64_t last_id, calls, fuse;
  enum rig_death death;
  bool died, deed;
  char by_hand[64];       /* what a person sends, too */
  bool excused;           /* what it took away may have led to hazards */
  struct pending *pending;
  struct af_store *reader; /* looks at the database as another process would */
  sqlite3 *eye;            /* so does this one, by plain SQL */
  sqlite3_stmt *looks[RIG_LOOKS];
  rig_person *person;
  rig_watcher *watcher;
  void *person_ctx, *watcher_ctx;
  int stop_after, turns;
  volatile int stop;
};

static struct rig *alive; /* whose commits these are: af_store_commit() has no context of ours */

static void must(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "rig: %s\n", what);
  abort();
}

/* --- clock, environment --- */

static int64_t now_ms(void *ctx) {
  return ((struct rig *)ctx)->now_ms + ((struct rig *)ctx)->wrong_ms;
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

/* S3 names no API: "PUT /bucket?policy" is PutBucketPolicy. */
static void s3_action_of(const struct af_http_request *req, char out[64]) {
  static const char *const verbs[][2] = {{"PUT", "Put"}, {"DELETE", "Delete"}};
  const char *query = strchr(req->url, '?');
  out[0] = '\0';
  for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && query; i++)
    if (strcmp(req->method, verbs[i][0]) == 0) snprintf(out, 64, "%sBucket%c%s", verbs[i][1], query[1] & ~0x20, query + 2);
}

/* The API that a request calls: "CopyImage". */
static void action_of(const struct af_http_request *req, char out[64]) {
  const char *action = req->body.len ? strstr(req->body.ptr, "Action=") : NULL;
  if (action) action += strlen("Action=");
  for (size_t i = 0; req->headers[i] && !action; i++)
    if (strncasecmp(req->headers[i], "x-amz-target: ", 14) == 0) action = strrchr(req->headers[i], '.') + 1;
  if (action) snprintf(out, 64, "%.*s", (int)strcspn(action, "&"), action);
  else s3_action_of(req, out);
}

sqlite3_stmt *rig_look(struct rig *r, unsigned slot, const char *sql) {
  must(slot < RIG_LOOKS, "no such slot");
  if (!r->eye && sqlite3_open_v2(r->database, &r->eye, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
    sqlite3_close(r->eye);
    r->eye = NULL;
    return NULL;
  }
  if (!r->looks[slot] && sqlite3_prepare_v3(r->eye, sql, -1, SQLITE_PREPARE_PERSISTENT, &r->looks[slot], NULL) != SQLITE_OK)
    r->looks[slot] = NULL; /* the tables aren't there yet */
  return r->looks[slot];
}

/* Opening takes longer than looking, so it looks on from one life to the next. */
static void stop_looking(struct rig *r) {
  for (size_t i = 0; i < RIG_LOOKS; i++) {
    sqlite3_finalize(r->looks[i]);
    r->looks[i] = NULL;
  }
  sqlite3_close(r->eye);
  r->eye = NULL;
  af_store_close(r->reader);
  r->reader = NULL;
}

/* Is the intent of such a call committed, as another process would see it? */
static bool intent_is_committed(struct rig *r, const char *action) {
  static const char by_step[] = "SELECT 1 FROM step WHERE state = 'intended' AND substr(intent, instr(intent, ':') + 1) = ?1";
  static const char by_event[] =
      "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM copy) OR (SELECT sum(kind = 'intent') > sum(kind = 'outcome') FROM event WHERE step = -1 AND "
      "substr(action, instr(action, ':') + 1) = ?1)";
  sqlite3_stmt *look = r->deed ? rig_look(r, RIG_LOOKS - 1, by_event) : rig_look(r, 0, by_step);
  if (!look) return false;
  sqlite3_bind_text(look, 1, action, -1, SQLITE_STATIC);
  bool found = sqlite3_step(look) == SQLITE_ROW;
  sqlite3_reset(look);
  return found;
}

/* Does this call change anything? Whatever isn't known to be a read does. */
static bool changes(const struct af_http_request *req, const char *action) {
  static const char *const reads[] = {"Describe", "Get", "List", "AssumeRole"};
  if (!*action) return false;
  for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
    if (strncmp(action, reads[i], strlen(reads[i])) == 0) return false;
  return !req->body.len || !memmem(req->body.ptr, req->body.len, "\"DryRun\":true", 13);
}

/* The contract's first rule, looked at from outside whenever something is about to change in AWS. */
static void check_intent(struct rig *r, const struct af_http_request *req) {
  char action[64];
  action_of(req, action);
  if (strcmp(r->by_hand, action) == 0 || !changes(req, action) || intent_is_committed(r, action)) return;
  fprintf(stderr, "rig: %s is sent, but no intent of it is committed\n", action);
  abort();
}

/* One step nearer to death, by a call or a commit; true: it is now. */
static bool burns(struct rig *r, enum rig_death one, enum rig_death other) {
  if (r->died || (r->death != one && r->death != other) || --r->fuse) return false;
  r->died = true;
  return true;
}

int __real_af_store_commit(struct af_store *s, struct af_error *err);
int __wrap_af_store_commit(struct af_store *s, struct af_error *err);
int __wrap_af_store_commit(struct af_store *s, struct af_error *err) {
  bool writes = af_store_dirty(s);
  bool now = alive && writes && burns(alive, RIG_DIES_UNCOMMITTED, RIG_DIES_COMMITTED);
  if (!now || alive->death == RIG_DIES_COMMITTED) {
    int rc = __real_af_store_commit(s, err);
    if (!rc && writes && alive && alive->watcher) alive->watcher(alive->watcher_ctx, alive);
    if (rc || !now) return rc;
  }
  return af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Died", "the process is no more");
}

static int64_t latency(struct rig *r) {
  return r->latency_least_ms + (int64_t)af_random_below(&r->weather.random, (uint64_t)(r->latency_most_ms - r->latency_least_ms) + 1);
}

static int submit(void *ctx, const struct af_http_request *req, uint64_t *ret_id, struct af_error *err) {
  struct rig *r = ctx;
  struct cs_reply reply;
  *ret_id = ++r->last_id;
  if (r->died) return 0;
  r->calls++;
  check_intent(r, req);
  if (burns(r, RIG_DIES_BEFORE, RIG_DIES_AFTER) && r->death == RIG_DIES_BEFORE) return 0;
  cs_reply_init(&reply);
  to_cloudsim(r, req, &reply);
  struct pending *p = calloc(1, sizeof(*p));
  must(p != NULL, "memory");
  p->due_ms = r->now_ms + latency(r) + reply.delay_ms;
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
  must(r->now_ms < START_MS + LONGEST_MS, "the run does not end");
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
  r->latency_least_ms = r->latency_most_ms = 20;
  af_random_seed(&r->weather, ~seed);
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

void rig_lose_database(struct rig *r) {
  char path[512];
  static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", "-lock", "-owner"};
  stop_looking(r);
  for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
    snprintf(path, sizeof(path), "%s%s", r->database, suffixes[i]);
    unlink(path);
  }
}

void rig_free(struct rig *r) {
  drop_pending(r);
  cs_sim_free(r->sim);
  rig_lose_database(r);
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

char *rig_world(const char *world, const char *what, const char *instead) {
  const char *at = strstr(world, what);
  char *out = NULL;
  must(at != NULL, what);
  must(asprintf(&out, "%.*s%s%s", (int)(at - world), world, instead, at + strlen(what)) > 0, "no memory");
  return out;
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
void rig_set_clock(struct rig *r, int64_t wrong_ms) {
  r->wrong_ms = wrong_ms;
}

void rig_advance(struct rig *r, int64_t ms) {
  r->now_ms += ms;
}
const char *rig_database(struct rig *r) {
  stop_looking(r);
  return r->database;
}
bool rig_died(const struct rig *r) {
  return r->died;
}
uint64_t rig_calls(const struct rig *r) {
  return r->calls;
}
void rig_latency(struct rig *r, int64_t least_ms, int64_t most_ms) {
  r->latency_least_ms = least_ms;
  r->latency_most_ms = most_ms;
}
void rig_by_hand(struct rig *r, const char *action) {
  snprintf(r->by_hand, sizeof(r->by_hand), "%s", action);
}

void rig_excuse_hazards(struct rig *r) {
  r->excused = true;
}

void rig_attend(struct rig *r, rig_person *person, void *ctx) {
  r->person = person;
  r->person_ctx = ctx;
}
void rig_watch(struct rig *r, rig_watcher *watcher, void *ctx) {
  r->watcher = watcher;
  r->watcher_ctx = ctx;
}
void rig_interrupt(struct rig *r) {
  r->stop = 1;
}
void rig_stop_after(struct rig *r, int turns) {
  r->stop_after = turns;
}

void rig_arm(struct rig *r, enum rig_death death, uint64_t k) {
  r->death = death;
  r->fuse = k;
}

struct life { /* what a program was started for */
  struct rig *rig;
  const struct af_manifest *manifest; /* to begin with, or */
  const char *undo;                   /* the copy to take back, or */
  rig_deed *deed;                     /* something else; none of these: everything unfinished */
  void *deed_ctx;
  struct af_engine *engine;
};

static void on_turn(void *ctx) {
  struct life *life = ctx;
  struct rig *r = life->rig;
  r->turns++;
  if (r->stop_after && r->turns >= r->stop_after) r->stop = 1;
  if (r->person && !r->died) r->person(r->person_ctx, r, life->engine, r->turns);
}

/* RIG_TRACE=1 shows every event as it is written: for a person who looks for a fault. */
static void on_event(void *ctx, const struct af_copy_row *copy, const struct af_step_row *step, const struct af_event_row *ev) {
  const struct rig *r = ((struct life *)ctx)->rig;
  fprintf(stderr, "%8.2f %s #%lld %-9s %-14s %-24s %-9s %s %s\n", (double)(r->now_ms - START_MS) / 1000, copy->id, (long long)ev->number,
          step ? af_step_state_name(step->state) : af_copy_state_name(copy->state), step ? step->kind : "", step ? step->item : "",
          ev->kind, ev->action ? ev->action : "", ev->message ? ev->message : "");
}

static int take_up_all(struct af_store *store, struct af_engine *engine, struct af_error *err) {
  struct af_batch_row *batches = NULL;
  size_t n = 0;
  int rc = af_store_batches(store, &batches, &n, err);
  for (size_t i = 0; i < n; i++) {
    if (!rc) rc = af_engine_load(engine, batches[i].id, AF_LOAD_RETRY, err);
    af_batch_row_done(&batches[i]);
  }
  free(batches);
  return rc;
}

static int begin(struct life *life, struct af_store *store, struct af_error *err) {
  char batch[64];
  bool resumed;
  if (life->deed) return life->deed(life->engine, life->deed_ctx, err);
  if (life->manifest) return af_engine_start(life->engine, life->manifest, "manifest", batch, &resumed, err);
  return life->undo ? af_engine_undo(life->engine, life->undo, err) : take_up_all(store, life->engine, err);
}

/* One life of the program: open, load or start, run, close. Where nobody attends, the engine needn't look up between two answers. */
static int live(struct life *life, struct af_error *err) {
  struct rig *r = life->rig;
  struct af_store *store = NULL;
  struct af_aws *aws = NULL;
  r->died = false;
  r->by_hand[0] = '\0';
  r->calls = 0;
  r->turns = 0;
  r->stop = 0;
  r->deed = life->deed != NULL;
  drop_pending(r); /* answers to a process that is no more */
  struct af_aws_config aws_config = {.clock = &r->clock, .random = &r->random.random, .http = &r->http, .env = &r->env};
  int rc = af_store_open(&store, r->database, AF_STORE_OWNER, &r->clock, err);
  if (!rc && !r->reader) rc = af_store_open(&r->reader, r->database, AF_STORE_READER, &r->clock, err);
  if (!rc) rc = af_aws_new(&aws, &aws_config, err);
  bool attended = r->stop_after || r->person;
  struct af_engine_config config = {.clock = &r->clock,
                                    .random = &r->random.random,
                                    .store = store,
                                    .aws = aws,
                                    .poll_min_ms = 5000,
                                    .poll_max_ms = 30000,
                                    .window_ms = 20000,
                                    .stop = attended ? &r->stop : NULL,
                                    .on_turn = attended ? on_turn : NULL,
                                    .on_event = getenv("RIG_TRACE") ? on_event : NULL,
                                    .ctx = life};
  if (!rc) rc = af_engine_new(&life->engine, &config, err);
  alive = r;
  if (!rc) rc = begin(life, store, err);
  if (!rc && !life->deed) rc = af_engine_run(life->engine, err);
  alive = NULL;
  af_engine_free(life->engine);
  af_aws_free(aws);
  af_store_close(store);
  return rc;
}

int rig_run(struct rig *r, const char *manifest, struct af_error *err) {
  struct af_manifest m;
  int rc = af_manifest_read(&m, "manifest", af_str(manifest), NULL, err);
  if (rc) return rc;
  rc = live(&(struct life){.rig = r, .manifest = &m}, err);
  af_manifest_done(&m);
  return rc;
}

int rig_resume(struct rig *r, struct af_error *err) {
  return live(&(struct life){.rig = r}, err);
}

int rig_do(struct rig *r, rig_deed *deed, void *ctx, struct af_error *err) {
  return live(&(struct life){.rig = r, .deed = deed, .deed_ctx = ctx}, err);
}

int rig_undo(struct rig *r, const char *copy_id, struct af_error *err) {
  return live(&(struct life){.rig = r, .undo = copy_id}, err);
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

struct af_store *rig_reader(struct rig *r) {
  struct af_store *store = r->reader;
  struct af_error err;
  return store || !af_store_open(&store, r->database, AF_STORE_READER, &r->clock, &err) ? store : NULL;
}

void rig_reader_close(struct rig *r, struct af_store *reader) {
  if (reader != r->reader) af_store_close(reader);
}

size_t rig_copies(struct rig *r, struct af_copy_row **ret) {
  struct af_store *reader = rig_reader(r);
  *ret = NULL;
  size_t n = reader ? read_copies(reader, ret) : 0;
  rig_reader_close(r, reader);
  return n;
}

void rig_copies_free(struct af_copy_row *list, size_t n) {
  for (size_t i = 0; i < n; i++) af_copy_row_done(&list[i]);
  free(list);
}

json_t *rig_audit(struct rig *r) {
  json_t *audit = cs_sim_audit(r->sim, r->now_ms);
  if (r->excused) json_array_clear(json_object_get(audit, "hazards"));
  return audit;
}

uint64_t rig_carried_out(struct rig *r, const char *call) {
  json_t *audit = rig_audit(r);
  uint64_t n = (uint64_t)json_integer_value(json_object_get(json_object_get(json_object_get(audit, "calls"), call), "ok"));
  json_decref(audit);
  return n;
}
