/* Golden databases: for every version of the schema one that the program of that time wrote and left half-way (tests/golden). Today's program
 * opens it, brings it up to date, resumes it against a world in which everything happened that the database knows of, or doesn't know yet, and
 * brings every copy to its end. A new version fails here until it has a golden database, too. */
#include "tests/simulation/check.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "engine/aws/sigv4.h"

#define PATH_SIZE 512
#define TEXT_MAX (4 << 20)
#define IDS_MAX 64

static char *read_golden(int version, const char *suffix) {
  char path[PATH_SIZE];
  struct af_buf text;
  struct af_error err;
  snprintf(path, sizeof(path), "%s/v%d.%s", getenv("AF_GOLDEN") ?: "tests/golden", version, suffix);
  af_buf_init(&text, TEXT_MAX);
  assert_ok(af_buf_read_file(&text, path, &err), &err);
  return af_buf_steal(&text);
}

static void run_sql(const char *path, const char *sql) {
  sqlite3 *db;
  char *why = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s", why);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- the world of then --- */

/* What a call made has another id each time: old ids and those of now, of one length. */
struct ids {
  char old[IDS_MAX][80], now[IDS_MAX][80];
  size_t n;
};

static void translate(const struct ids *ids, char *text) {
  for (size_t i = 0; i < ids->n; i++)
    for (char *p = text; (p = strstr(p, ids->old[i])); p += strlen(ids->now[i])) memcpy(p, ids->now[i], strlen(ids->now[i]));
}

/* The next thing in a reply that looks like this id. */
static const char *find_alike(const char *reply, const char *id, size_t len) {
  size_t head = strcspn(id, "-") < len ? strcspn(id, "-") + 1 : 0;
  for (const char *p = reply; head && (p = strstr(p, "-")); p++)
    if ((size_t)(p - reply) >= head - 1 && strncmp(p - head + 1, id, head) == 0 && strspn(p + 1, "0123456789abcdef") == len - head)
      return p - head + 1;
  const char *grant = head ? NULL : strstr(reply, "\"GrantId\"");
  const char *quote = grant ? strchr(grant + strlen("\"GrantId\""), '"') : NULL;
  return quote && strcspn(quote + 1, "\"") == len ? quote + 1 : NULL;
}

static void learn(struct ids *ids, const json_t *call, const char *reply) {
  size_t i;
  json_t *id;
  json_array_foreach(json_object_get(call, "ids"), i, id) {
    const char *old = json_string_value(id), *now = find_alike(reply, old, strlen(old));
    if (!now) fail_msg("nothing like %s in %s", old, reply);
    assert_true(ids->n < IDS_MAX && strlen(old) < sizeof(ids->old[0]));
    snprintf(ids->old[ids->n], sizeof(ids->old[0]), "%s", old);
    snprintf(ids->now[ids->n++], sizeof(ids->now[0]), "%.*s", (int)strlen(old), now);
    reply = now + strlen(old);
  }
}

#define HEADERS 16

/* Who sends what where: always as an account's root user, whose keys are in the golden world. */
struct sending {
  const char *region, *target;
  bool kms;
  char host[96];
  struct af_credentials who;
};

static void sending_init(struct sending *s, const json_t *call) {
  bool source = strcmp(json_string_value(json_object_get(call, "account")), "111111111111") == 0;
  *s = (struct sending){.region = json_string_value(json_object_get(call, "region")), .target = json_string_value(json_object_get(call, "target"))};
  s->kms = *s->target;
  snprintf(s->host, sizeof(s->host), "%s.%s.amazonaws.com", s->kms ? "kms" : "ec2", s->region);
  AF_COPY(s->who.access_key_id, af_str(source ? "AKIAGOLDENSOURCE0001" : "AKIAGOLDENTARGET0001"));
  assert_int_equal(af_secret_set(&s->who.secret_access_key, af_str("of-no-worth-at-all")), 0);
}

/* A snapshot of another Region is copied by a URL of that Region, signed for the occasion: the history hasn't got it. */
static void add_presigned_url(const struct rig *r, const struct sending *s, struct af_buf *body) {
  const char *from = strstr(af_buf_cstr(body), "&SourceRegion=");
  char region[32], host[64];
  struct af_buf url;
  if (strncmp(af_buf_cstr(body), "Action=CopySnapshot&", 20) != 0 || !from) return;
  from += strlen("&SourceRegion=");
  snprintf(region, sizeof(region), "%.*s", (int)strcspn(from, "&"), from);
  snprintf(host, sizeof(host), "ec2.%s.amazonaws.com", region);
  af_buf_init_secret(&url, TEXT_MAX);
  af_buf_printf(&url, "https://%s/?", host);
  struct af_signing how = {.credentials = &s->who, .service = "ec2", .region = region, .time_ms = rig_now(r),
                           .normalize_path = true, .encode_path_twice = true, .expires_s = 900};
  struct af_signable what = {.method = af_str("GET"), .host = af_str(host), .path = af_str("/"), .query = af_buf_view(body)};
  assert_int_equal(af_sigv4_presign(&how, &what, &url), 0);
  af_buf_puts(body, "&PresignedUrl=");
  af_uri_encode(body, af_buf_view(&url), false);
  af_buf_done(&url);
}

static void send_again(struct rig *r, const struct sending *s, struct af_str body, struct cs_reply *reply) {
  struct af_signed_headers signature;
  struct cs_header headers[HEADERS];
  struct cs_request req = {.method = af_str("POST"), .path = af_str("/"), .headers = headers, .body = body};
  const struct af_header own[2] = {
      {af_str("content-type"), af_str(s->kms ? "application/x-amz-json-1.1" : "application/x-www-form-urlencoded; charset=utf-8")},
      {af_str("x-amz-target"), af_str(s->target)}};
  struct af_signing how = {.credentials = &s->who, .service = s->kms ? "kms" : "ec2", .region = s->region, .time_ms = rig_now(r),
                           .normalize_path = true, .encode_path_twice = true};
  struct af_signable what = {.method = req.method, .host = af_str(s->host), .path = req.path, .query = af_str(""),
                             .headers = own, .n_headers = s->kms ? 2 : 1, .body = body};
  assert_int_equal(af_sigv4_sign(&how, &what, &signature), 0);
  headers[req.n_headers++] = (struct cs_header){af_str("Host"), what.host};
  for (size_t i = 0; i < what.n_headers; i++) headers[req.n_headers++] = (struct cs_header){own[i].name, own[i].value};
  const char *line = af_buf_cstr(&signature.lines);
  for (size_t i = 0; i < signature.n && req.n_headers < HEADERS; i++, line += strlen(line) + 1) {
    size_t name = strcspn(line, ":");
    headers[req.n_headers++] = (struct cs_header){af_str_n(line, name), af_str_trim(af_str(line + name + 1))};
  }
  cs_sim_handle(rig_sim(r), rig_now(r), &req, reply);
  af_signed_headers_done(&signature);
}

static void happen_again(struct rig *r, const json_t *call, struct ids *ids) {
  int64_t at = json_integer_value(json_object_get(call, "at_ms"));
  char *text = strdup(json_string_value(json_object_get(call, "body")));
  struct sending s;
  struct cs_reply reply;
  struct af_buf body;
  assert_non_null(text);
  translate(ids, text);
  if (at > rig_now(r)) rig_advance(r, at - rig_now(r));
  af_buf_init(&body, TEXT_MAX);
  af_buf_puts(&body, text);
  sending_init(&s, call);
  add_presigned_url(r, &s, &body);
  cs_reply_init(&reply);
  send_again(r, &s, af_buf_view(&body), &reply);
  if (reply.status != 200) fail_msg("%d: %s: %.60s", reply.status, af_buf_cstr(&reply.body), text);
  learn(ids, call, af_buf_cstr(&reply.body));
  cs_reply_done(&reply);
  af_credentials_done(&s.who);
  af_buf_done(&body);
  free(text);
}

/* Everything that happened up to the stop, and what a person did since. */
static void live_again(struct rig *r, int version, struct ids *ids) {
  char *text = read_golden(version, "json");
  json_t *history = json_loads(text, 0, NULL), *call;
  size_t i;
  assert_non_null(history);
  json_array_foreach(json_object_get(history, "calls"), i, call) happen_again(r, call, ids);
  int64_t stopped = json_integer_value(json_object_get(history, "stopped_ms"));
  if (stopped > rig_now(r)) rig_advance(r, stopped - rig_now(r));
  json_decref(history);
  free(text);
}

static struct rig *new_world(int version) {
  char *world = read_golden(version, "yaml");
  struct rig *r = new_rig(world, 1);
  free(world);
  return r;
}

/* --- the database of then --- */

/* How many copies the golden database has in each state: it is worth nothing if it has not all kinds of unfinished business. */
static void assert_half_way(const char *path) {
  static const char *const kinds[] = {"FROM copy WHERE state = 'waiting'", "FROM copy WHERE state = 'done'", "FROM copy WHERE state = 'blocked'",
                                      "FROM copy WHERE state = 'failed'", "FROM step WHERE state = 'intended'", "FROM step WHERE state = 'pending'"};
  sqlite3 *db;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  for (size_t i = 0; i < COUNT(kinds); i++) {
    char sql[96];
    sqlite3_stmt *stmt;
    snprintf(sql, sizeof(sql), "SELECT count(*) %s", kinds[i]);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    if (sqlite3_column_int(stmt, 0) == 0) fail_msg("none %s", kinds[i]);
    (void)sqlite3_finalize(stmt);
  }
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void load(struct rig *r, int version, const struct ids *ids) {
  char *sql = read_golden(version, "sql");
  translate(ids, sql);
  run_sql(rig_database(r), sql);
  assert_half_way(rig_database(r));
  free(sql);
}

static void is_resumed(int version) {
  struct rig *r = new_world(version);
  struct ids *ids = calloc(1, sizeof(*ids));
  struct af_copy_row *list;
  struct af_error err;
  char when[32];
  size_t ended = 0;
  assert_non_null(ids);
  snprintf(when, sizeof(when), "version %d", version);
  live_again(r, version, ids);
  load(r, version, ids);
  rig_advance(r, 60000);
  if (rig_resume(r, &err)) fail_msg("%s: %s", when, err.message);
  size_t n = rig_copies(r, &list);
  for (size_t i = 0; i < n; i++) {
    ended += list[i].state == AF_COPY_DONE;
    if (list[i].state != AF_COPY_DONE && list[i].state != AF_COPY_FAILED)
      fail_msg("%s: copy %zu is %s: %s", when, i, af_copy_state_name(list[i].state), list[i].error ? list[i].error : "");
  }
  rig_copies_free(list, n);
  assert_int_equal(ended, n - 1); /* one failed before the stop, of an AMI that isn't there */
  assert_clean(r, when);
  assert_int_equal(live_images(r), ended);
  free(ids);
  rig_free(r);
}

TEST(a_database_of_each_version_is_resumed_to_its_end) {
  for (int version = 1; version <= AF_SCHEMA_VERSION; version++) is_resumed(version);
}

/* --- versions to come --- */

TEST(a_version_to_come_is_refused_and_left_as_it_is) {
  struct rig *r = new_world(AF_SCHEMA_VERSION);
  static const struct ids none;
  struct af_error err;
  struct af_buf before, after;
  char sql[64], hint[64];
  load(r, AF_SCHEMA_VERSION, &none);
  snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", AF_SCHEMA_VERSION + 1);
  run_sql(rig_database(r), sql);
  af_buf_init(&before, TEXT_MAX);
  af_buf_init(&after, TEXT_MAX);
  assert_ok(af_buf_read_file(&before, rig_database(r), &err), &err);
  assert_int_equal(rig_resume(r, &err), -AF_EVERSION);
  assert_contains(err.message, "newer amiferry");
  snprintf(hint, sizeof(hint), "its version is %d and this program knows up to %d", AF_SCHEMA_VERSION + 1, AF_SCHEMA_VERSION);
  assert_contains(err.hint, hint);
  assert_ok(af_buf_read_file(&after, rig_database(r), &err), &err);
  assert_int_equal(before.len, after.len);
  assert_memory_equal(before.ptr, after.ptr, before.len);
  af_buf_done(&before);
  af_buf_done(&after);
  rig_free(r);
}

TEST(each_version_of_the_schema_has_a_golden_database_and_no_other_has) {
  static const char *const suffixes[] = {"sql", "json", "yaml"};
  for (int version = 1; version <= AF_SCHEMA_VERSION + 1; version++)
    for (size_t i = 0; i < COUNT(suffixes); i++) {
      char path[PATH_SIZE];
      struct stat st;
      snprintf(path, sizeof(path), "%s/v%d.%s", getenv("AF_GOLDEN") ?: "tests/golden", version, suffixes[i]);
      bool there = stat(path, &st) == 0;
      if (there != (version <= AF_SCHEMA_VERSION)) fail_msg("%s %s: see tests/golden/README", path, there ? "is of no version yet" : "is missing");
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_database_of_each_version_is_resumed_to_its_end),
      cmocka_unit_test(a_version_to_come_is_refused_and_left_as_it_is),
      cmocka_unit_test(each_version_of_the_schema_has_a_golden_database_and_no_other_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
