/* amiferry doctor: is all there that amiferry needs? Each check says ok, warn or fail, and what to do.
 *
 * json    [check, ...]; ndjson: a check a line
 * check   {"type": "check", "check": "versions|database|credentials|clock|endpoint", "status": "ok|warn|fail", "message", "hint"} */
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/aws/ops.h"
#include "tools/amiferry/commands.h"
#include "tools/amiferry/output.h"

enum { WAIT_MS = 90 * 1000, SKEW_WARN_MS = 60 * 1000 };

static struct values {
  const char *profile, *role_arn, *external_id, *region;
} values;
#define VALUE(member) offsetof(struct values, member)
static const struct af_option options[] = {
    {"profile", "NAME", AF_OPTION_TEXT, VALUE(profile), "of the AWS configuration files; default: AWS_PROFILE, or AWS's chain of sources"},
    {"role-arn", "ARN", AF_OPTION_TEXT, VALUE(role_arn), "a role to be assumed with those credentials"},
    {"external-id", "TEXT", AF_OPTION_TEXT, VALUE(external_id), "that the role asks for"},
    {"region", "REGION", AF_OPTION_TEXT, VALUE(region), "whose endpoints to try; default: the configured one"},
    {0},
};
static const struct af_option_set set = {"Options", options, &values};

enum status { OK, WARN, FAIL, STATUS_MAX };

struct doctor {
  const struct af_invocation *inv;
  struct af_wiring wiring;
  struct af_terminal terminal;
  struct af_list list;
  struct af_session *session;
  char region[64];
  bool failed;
};

/* --- saying --- */

__attribute__((format(printf, 5, 6))) static void tell(struct doctor *d, const char *check, enum status status, const char *hint, const char *format,
                                                       ...) {
  static const char *const names[STATUS_MAX] = {"ok", "warn", "fail"};
  static const enum af_tint tints[STATUS_MAX] = {AF_TINT_GOOD, AF_TINT_CARE, AF_TINT_BAD};
  char message[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof(message), format, args);
  va_end(args);
  d->failed |= status == FAIL;
  if (d->inv->settings.output != AF_OUTPUT_TEXT) {
    af_list_add(&d->list, json_pack("{s:s, s:s, s:s, s:o, s:o}", "type", "check", "check", check, "status", names[status], "message",
                                    af_json_text(message), "hint", af_json_text(*hint ? hint : NULL)));
    return;
  }
  struct af_buf text;
  af_buf_init(&text, 8192);
  af_put_tinted(&text, &d->terminal, tints[status], names[status]);
  af_buf_printf(&text, "%*s%-12s ", (int)(6 - strlen(names[status])), "", check);
  af_put_text(&text, message);
  af_buf_putc(&text, '\n');
  if (*hint) {
    af_buf_puts(&text, "                  ");
    af_put_text(&text, hint);
    af_buf_putc(&text, '\n');
  }
  af_print_text(&text);
  af_buf_done(&text);
}

static void tell_error(struct doctor *d, const char *check, const char *what, const struct af_error *err) {
  tell(d, check, FAIL, err->hint, "%s%s%s: %s", what, *what ? ": " : "", err->code, err->message);
}

/* --- this machine --- */

static void check_versions(struct doctor *d) {
  const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
  tell(d, "versions", OK, "", "amiferry %s, libcurl %s (%s), %s, SQLite %s, jansson %s", AF_VERSION, curl->version,
       curl->ssl_version ? curl->ssl_version : "no TLS", OpenSSL_version(OPENSSL_VERSION), af_store_sqlite_version(), JANSSON_VERSION);
  if (!curl->ssl_version) tell(d, "versions", FAIL, "install a libcurl that has TLS", "libcurl was built without TLS");
}

/* Only of what was opened: nobody is to change the mode of a folder or of another program's file. */
static void check_mode(struct doctor *d) {
  struct stat st;
  const char *path = d->wiring.db;
  if (stat(path, &st)) return;
  if (st.st_mode & (S_IRWXG | S_IRWXO))
    tell(d, "database", WARN, "chmod 600 it", "others may read or write %s (mode %03o)", path, (unsigned)st.st_mode & 0777);
  if (st.st_uid != geteuid()) tell(d, "database", WARN, "run as its owner, or name another with --db", "%s belongs to another user", path);
}

/* To read it is not enough: run writes to it, and to files beside it. */
static bool check_ownable(struct doctor *d) {
  struct af_error err;
  if (!af_store_ownable(d->wiring.db, &err)) return true;
  tell(d, "database", FAIL, err.hint, "run can't start: %s", err.message);
  return false;
}

static void check_database(struct doctor *d) {
  struct af_error err;
  int rc = af_wiring_store(&d->wiring, AF_STORE_READER, &err);
  if (rc == -AF_ENOENT) {
    if (check_ownable(d)) tell(d, "database", OK, "", "none yet at %s; run makes it", d->wiring.db);
    return;
  }
  if (!rc) rc = af_store_integrity_check(d->wiring.store, &err);
  if (rc) tell_error(d, "database", d->wiring.db, &err);
  else tell(d, "database", OK, "", "%s is whole", d->wiring.db);
  if (!d->wiring.store) return;
  (void)check_ownable(d);
  check_mode(d);
}

/* --- AWS --- */

/* Sends one call and waits for its answer. */
static void ask(struct doctor *d, const struct af_op *op, json_t *input, struct af_answer *ret) {
  struct af_call call = {.op = op, .session = d->session, .region = d->region, .input = input};
  int64_t until = af_mono_ms(d->wiring.clock) + WAIT_MS;
  *ret = (struct af_answer){.retry_after_ms = -1};
  ret->rc = input ? af_aws_send(d->wiring.aws, &call, &ret->error) : af_error_nomem(&ret->error);
  while (!ret->rc && !af_aws_next(d->wiring.aws, ret)) {
    if (af_mono_ms(d->wiring.clock) >= until) ret->rc = af_error_set(&ret->error, -AF_EIO, AF_CLASS_TRANSIENT, "NoAnswer", "no answer came");
    else af_aws_wait(d->wiring.aws, 250);
  }
}

static bool check_session(struct doctor *d) {
  struct af_principal who = {.profile = values.profile, .role_arn = values.role_arn, .external_id = values.external_id};
  struct af_error err;
  int rc = af_wiring_client(&d->wiring, &err);
  if (!rc) rc = af_aws_session(d->wiring.aws, &who, &d->session, &err);
  if (rc) {
    tell_error(d, "credentials", "", &err);
    return false;
  }
  AF_COPY(d->region, af_str(values.region ? values.region : af_session_region(d->session)));
  if (*d->region) return true;
  tell(d, "credentials", WARN, "name one with --region, AWS_REGION or region in the profile", "no Region is configured: trying us-east-1");
  AF_COPY(d->region, af_str("us-east-1"));
  return true;
}

static bool check_credentials(struct doctor *d) {
  json_t *input = json_object();
  struct af_answer a;
  ask(d, &af_sts_get_caller_identity, input, &a);
  const char *source = af_session_source(d->session);
  if (a.rc) tell_error(d, "credentials", source, &a.error);
  else tell(d, "credentials", OK, "", "%s: account %s, %s", source, af_json_str(a.output, "Account"), af_json_str(a.output, "Arn"));
  bool good = a.rc == 0;
  af_answer_done(&a);
  json_decref(input);
  return good;
}

static void check_clock(struct doctor *d) {
  char span[AF_TIME_SIZE];
  int64_t skew = af_aws_skew_ms(d->wiring.aws), size = skew < 0 ? -skew : skew;
  af_time_span(size, span);
  if (size < SKEW_WARN_MS) tell(d, "clock", OK, "", "agrees with AWS's");
  else
    tell(d, "clock", WARN, "set the clock (NTP); amiferry signs with AWS's time meanwhile", "this machine's clock is %s %s AWS's", span,
         skew < 0 ? "ahead of" : "behind");
}

/* Calls that change nothing, and that most may make. A refusal is an answer, too. */
static const struct probe {
  const char *service;
  const struct af_op *op;
  const char *member, *value; /* of the input */
} probes[] = {
    {"ec2", &af_ec2_describe_regions, NULL, NULL},
    {"kms", &af_kms_describe_key, "KeyId", "alias/aws/ebs"},
    {"sts", &af_sts_get_caller_identity, NULL, NULL},
};

static void check_endpoint(struct doctor *d, const struct probe *p) {
  struct af_buf url;
  struct af_error err;
  struct af_answer a;
  af_buf_init(&url, 2048);
  int rc = af_aws_endpoint(d->wiring.aws, d->session, p->service, d->region, &url, &err);
  if (rc) {
    tell_error(d, "endpoint", p->service, &err);
    af_buf_done(&url);
    return;
  }
  json_t *input = p->member ? json_pack("{s:s}", p->member, p->value) : json_object();
  ask(d, p->op, input, &a);
  const char *hint = *a.error.hint ? a.error.hint : "see whether the network, a proxy or AWS_ENDPOINT_URL is in the way";
  if (!a.rc) tell(d, "endpoint", OK, "", "%s answers at %s", p->service, af_buf_cstr(&url));
  else if (a.error.http_status)
    tell(d, "endpoint", OK, "", "%s answers at %s (to %s with %s)", p->service, af_buf_cstr(&url), p->op->label, a.error.code);
  else tell(d, "endpoint", FAIL, hint, "%s does not answer at %s: %s", p->service, af_buf_cstr(&url), a.error.message);
  af_answer_done(&a);
  json_decref(input);
  af_buf_done(&url);
}

static int run(const struct af_invocation *inv) {
  struct doctor d = {.inv = inv, .list = {.format = AF_OUTPUT_TEXT}};
  struct af_error err;
  if (af_wiring_init(&d.wiring, &inv->settings, &err)) {
    af_say_error(&err);
    return AF_EXIT_FAILED;
  }
  af_terminal_look(&d.terminal, STDOUT_FILENO);
  if (inv->settings.output != AF_OUTPUT_TEXT) af_list_begin(&d.list, (enum af_output_format)inv->settings.output);
  check_versions(&d);
  check_database(&d);
  if (check_session(&d) && check_credentials(&d)) {
    check_clock(&d);
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) check_endpoint(&d, &probes[i]);
  }
  if (inv->settings.output != AF_OUTPUT_TEXT) af_list_end(&d.list);
  af_wiring_done(&d.wiring);
  return d.failed ? AF_EXIT_FAILED : AF_EXIT_DONE;
}

const struct af_command af_command_doctor = {
    .name = "doctor", .arguments = "", .summary = "check credentials, clock, endpoints, database and versions",
    .text = "Each line says ok, warn or fail, and what to do. It exits with 1 where something failed.",
    .sets = {&set}, .run = run};
