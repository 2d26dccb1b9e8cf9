/* A client in a world that the test writes: variables, files in a folder of its own, a clock that stands still, and a transport whose replies
 * are scripted. Waiting moves the clock, so nothing sleeps (but for credential_process, which is a real child). */
#ifndef AF_TESTS_UNIT_AWS_FIXTURE_H
#define AF_TESTS_UNIT_AWS_FIXTURE_H

#include "tests/unit/test.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/aws/client.h"
#include "engine/aws/ops.h"

#define T0 INT64_C(1795415340000) /* Mon, 23 Nov 2026 06:29:00 GMT */
#define MINUTE INT64_C(60000)

struct sent { /* one request that the client made */
  char method[8], url[1024];
  char *headers; /* a line each */
  char *body;
  bool fresh;
  int64_t connect_ms, timeout_ms, at_ms;
};

struct scripted { /* one reply, for the first request whose "METHOD URL headers body" holds `match` */
  const char *match;
  enum af_sent sent;
  int status;
  const char *date;
  char bucket_region[64];
  const char *unknown_host; /* there is no reply, since there is no such host */
  char *body;
  bool held, used;
};

struct world {
  struct test_clock clock;
  struct af_random_seeded random;
  struct af_http http;
  struct af_env env;
  struct af_aws *aws;
  struct af_log log;
  char *log_text;
  size_t log_size;
  char dir[64];
  const char *vars[32][2];
  size_t n_vars;
  struct sent sent[256];
  size_t n_sent;
  struct scripted script[256];
  size_t n_script;
  struct af_http_result landed[256];
  size_t n_landed, n_taken;
  struct {
    size_t script;
    uint64_t id;
  } held[64];
  size_t n_held;
  bool real_time; /* wait for real: a child is running */
};

static inline const char *world_get(void *ctx, const char *name) {
  struct world *w = ctx;
  for (size_t i = w->n_vars; i-- > 0;)
    if (strcmp(w->vars[i][0], name) == 0)
      return w->vars[i][1];
  return NULL;
}

static inline void set_var(struct world *w, const char *name, const char *value) {
  assert_true(w->n_vars < COUNT(w->vars));
  w->vars[w->n_vars][0] = name;
  w->vars[w->n_vars++][1] = value;
}

/* The fixture's own copies go as cleanly, or their remains in fresh blocks would look like the client's (test_aws_secrets). */
static inline void wipe_and_free(char *text) {
  explicit_bzero(text, strlen(text));
  free(text);
}

/* --- the transport --- */

static inline void world_land(struct world *w, size_t script, uint64_t id) {
  const struct scripted *s = &w->script[script];
  struct af_http_result r = {.id = id, .sent = s->sent, .status = s->status, .retry_after_ms = -1};
  af_buf_init_secret(&r.body, 1 << 20);
  af_buf_puts(&r.body, s->body);
  AF_COPY(r.date, af_str(s->date));
  AF_COPY(r.request_id, af_str("req-42"));
  AF_COPY(r.bucket_region, af_str(s->bucket_region));
  if (s->sent != AF_SENT_REPLIED)
    AF_COPY(r.failure, af_str("the wire was cut"));
  r.unknown_host = s->unknown_host;
  if (s->unknown_host)
    snprintf(r.failure, sizeof r.failure, "Could not resolve host: %s", s->unknown_host);
  assert_true(w->n_landed < COUNT(w->landed));
  w->landed[w->n_landed++] = r;
}

static inline char *world_join(const char *const *lines) {
  struct af_buf b;
  af_buf_init_secret(&b, 1 << 20);
  for (; lines && *lines; lines++)
    af_buf_printf(&b, "%s\n", *lines);
  af_buf_putc(&b, '\n');
  char *text = af_buf_steal(&b);
  af_buf_done(&b);
  return text;
}

static inline int world_submit(void *ctx, const struct af_http_request *req, uint64_t *ret_id, struct af_error *err) {
  struct world *w = ctx;
  char *all = NULL;
  size_t i = 0;
  assert_true(w->n_sent < COUNT(w->sent));
  struct sent *s = &w->sent[w->n_sent++];
  *s = (struct sent){.headers = world_join(req->headers), .body = af_str_dup(req->body), .fresh = req->fresh_connection,
                     .connect_ms = req->connect_timeout_ms, .timeout_ms = req->timeout_ms, .at_ms = w->clock.mono_ms};
  AF_COPY(s->method, af_str(req->method));
  AF_COPY(s->url, af_str(req->url));
  assert_true(asprintf(&all, "%s %s %s %s", req->method, req->url, s->headers, s->body) > 0);
  while (i < w->n_script && (w->script[i].used || !strstr(all, w->script[i].match)))
    i++;
  if (i == w->n_script)
    fail_msg("nothing answers: %s", all);
  wipe_and_free(all);
  w->script[i].used = true;
  *ret_id = w->n_sent;
  if (w->script[i].held) {
    assert_true(w->n_held < COUNT(w->held));
    w->held[w->n_held].script = i;
    w->held[w->n_held++].id = *ret_id;
  } else {
    world_land(w, i, *ret_id);
  }
  return 0;
}

static inline int world_wait(void *ctx, int64_t timeout_ms) {
  struct world *w = ctx;
  if (w->n_taken < w->n_landed)
    return 0;
  if (w->real_time)
    usleep(2000);
  test_clock_advance(&w->clock, timeout_ms);
  return 0;
}

static inline bool world_next(void *ctx, struct af_http_result *ret) {
  struct world *w = ctx;
  if (w->n_taken == w->n_landed)
    return false;
  *ret = w->landed[w->n_taken++];
  return true;
}

static inline void world_wakeup(void *ctx) {
}

/* Replies that were held come now. */
static inline void release(struct world *w) {
  size_t n = w->n_held;
  w->n_held = 0;
  for (size_t i = 0; i < n; i++)
    world_land(w, w->held[i].script, w->held[i].id);
}

/* --- scripts --- */

static inline struct scripted *on(struct world *w, const char *match, int status, const char *format, ...) __attribute__((format(printf, 4, 5)));
static inline struct scripted *on(struct world *w, const char *match, int status, const char *format, ...) {
  va_list args;
  assert_true(w->n_script < COUNT(w->script));
  struct scripted *s = &w->script[w->n_script++];
  *s = (struct scripted){.match = match, .status = status, .date = ""};
  va_start(args, format);
  assert_true(vasprintf(&s->body, format, args) >= 0);
  va_end(args);
  return s;
}

static inline struct scripted *on_failure(struct world *w, const char *match, enum af_sent sent) {
  struct scripted *s = on(w, match, 0, "%s", "");
  s->sent = sent;
  return s;
}

/* AssumeRole of this role (name) gives a key id, for so long from now on. */
static inline struct scripted *on_role(struct world *w, const char *match, const char *key, int64_t life_ms) {
  char expires[AF_TIME_SIZE];
  af_time_iso_s(w->clock.now_ms + life_ms, expires);
  return on(w, match, 200,
            "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::210987654321:assumed-role/r/amiferry</Arn><AssumedRoleId>A:a</AssumedRoleId>"
            "</AssumedRoleUser><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>SECRET-%s</SecretAccessKey><SessionToken>TOKEN-%s</SessionToken>"
            "<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
            key, key, key, expires);
}

static inline struct scripted *on_sts_error(struct world *w, const char *match, int status, const char *code, const char *message) {
  return on(w, match, status, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>sts-1</RequestId></ErrorResponse>", code,
            message);
}

static inline struct scripted *on_ec2_error(struct world *w, const char *match, int status, const char *code, const char *message) {
  return on(w, match, status, "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>ec2-1</RequestID></Response>", code, message);
}

static inline struct scripted *on_images(struct world *w) {
  return on(w, "Action=DescribeImages", 200, "<DescribeImagesResponse><requestId>r</requestId><imagesSet/></DescribeImagesResponse>");
}

/* --- making and freeing --- */

static inline void write_file(struct world *w, const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", w->dir, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static char world_config[128], world_credentials[128];

static inline int world_setup(void **state) {
  struct world *w = calloc(1, sizeof *w);
  struct af_error err;
  assert_non_null(w);
  snprintf(w->dir, sizeof w->dir, "/tmp/af-aws-XXXXXX");
  assert_non_null(mkdtemp(w->dir));
  test_clock_init(&w->clock, T0);
  af_random_seed(&w->random, 7);
  w->http = (struct af_http){world_submit, world_wait, world_next, world_wakeup, w};
  w->env = (struct af_env){world_get, w};
  w->log = (struct af_log){.out = open_memstream(&w->log_text, &w->log_size), .level = AF_LOG_DEBUG, .clock = &w->clock.clock};
  snprintf(world_config, sizeof world_config, "%s/config", w->dir);
  snprintf(world_credentials, sizeof world_credentials, "%s/credentials", w->dir);
  set_var(w, "AWS_CONFIG_FILE", world_config);
  set_var(w, "AWS_SHARED_CREDENTIALS_FILE", world_credentials);
  struct af_aws_config config = {&w->clock.clock, &w->random.random, &w->http, &w->log, &w->env};
  assert_ok(af_aws_new(&w->aws, &config, &err), &err);
  *state = w;
  return 0;
}

static inline void world_remove(struct world *w, const char *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", w->dir, name);
  unlink(path);
}

static inline int world_teardown(void **state) {
  struct world *w = *state;
  af_aws_free(w->aws);
  fclose(w->log.out);
  free(w->log_text);
  for (size_t i = 0; i < w->n_sent; i++) {
    wipe_and_free(w->sent[i].headers);
    wipe_and_free(w->sent[i].body);
  }
  for (size_t i = 0; i < w->n_script; i++)
    wipe_and_free(w->script[i].body);
  for (; w->n_taken < w->n_landed; w->n_taken++)
    af_http_result_done(&w->landed[w->n_taken]);
  world_remove(w, "config");
  world_remove(w, "credentials");
  world_remove(w, "token");
  rmdir(w->dir);
  free(w);
  return 0;
}

/* --- calls --- */

static inline struct af_session *session(struct world *w, const char *profile, const char *role, const char *external_id) {
  struct af_session *s = NULL;
  struct af_error err;
  struct af_principal who = {profile, role, external_id};
  assert_ok(af_aws_session(w->aws, &who, &s, &err), &err);
  return s;
}

static inline void no_session(struct world *w, const char *profile, const char *role, const char *code, const char *message, struct af_error *err) {
  struct af_session *s = NULL;
  struct af_principal who = {.profile = profile, .role_arn = role};
  assert_error(af_aws_session(w->aws, &who, &s, err), -AF_EINVAL, err, message);
  assert_string_equal(err->code, code);
}

static inline void ask(struct world *w, struct af_session *s, const struct af_op *op, const char *region, json_t *input, uint64_t tag) {
  struct af_error err;
  struct af_call call = {op, s, region, input, tag};
  assert_ok(af_aws_send(w->aws, &call, &err), &err);
  json_decref(input);
}

/* The next answer; the client is driven until it comes. */
static inline struct af_answer answer(struct world *w) {
  struct af_answer a = {0};
  for (int i = 0; i < 5000; i++) {
    if (af_aws_next(w->aws, &a))
      return a;
    assert_int_equal(af_aws_wait(w->aws, 1000), 0);
  }
  fail_msg("no answer came");
  return a;
}

static inline bool has_answer(struct world *w) {
  struct af_answer a;
  af_aws_wait(w->aws, 0);
  if (!af_aws_next(w->aws, &a))
    return false;
  af_answer_done(&a);
  return true;
}

/* One DescribeImages call, there and back. */
static inline struct af_answer describe(struct world *w, struct af_session *s) {
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  return answer(w);
}

static inline void describe_ok(struct world *w, struct af_session *s) {
  struct af_answer a = describe(w, s);
  assert_ok(a.rc, &a.error);
  af_answer_done(&a);
}

static inline const struct sent *last_sent(const struct world *w) {
  return &w->sent[w->n_sent - 1];
}

/* The last request was signed with this key. */
#define assert_signed_by(w, key) assert_contains(last_sent(w)->headers, "Credential=" key "/")

#endif
