/* The one place that knows where clock, environment, terminals, signals, files and the network come from. */
#include "tools/amiferry/wiring.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/random.h"

static const char *env_get(const char *name) {
  const struct af_env *env = af_env_system();
  const char *value = env->get(env->ctx, name);
  return value ? value : "";
}

/* --- the process --- */

/* The leak checker attaches to the process as a debugger does, which one that can't be dumped forbids. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_CHECKED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECKED 1
#endif

void af_wiring_harden(void) {
  const struct rlimit none = {0};
  (void)setrlimit(RLIMIT_CORE, &none);
#ifndef LEAK_CHECKED
  (void)prctl(PR_SET_DUMPABLE, 0);
#endif
  (void)signal(SIGPIPE, SIG_IGN);
  (void)signal(SIGXFSZ, SIG_IGN); /* a file that grows past the limit is a full disk: an error to be told, not an end */
  (void)setlocale(LC_CTYPE, ""); /* for wcwidth(); nothing else follows the locale */
}

static volatile int stop_flag;

static void on_signal(int number) {
  if (stop_flag) _exit(AF_EXIT_INTERRUPTED);
  stop_flag = 1;
}

const volatile int *af_wiring_signals(void) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    struct sigaction now, wanted = {.sa_handler = on_signal};
    sigemptyset(&wanted.sa_mask);
    /* nohup, and a shell's background job, set a signal to be ignored: that stays */
    if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) (void)sigaction(numbers[i], &wanted, NULL);
  }
  return &stop_flag;
}

/* --- terminals --- */

void af_terminal_look(struct af_terminal *ret, int fd) {
  bool dumb = af_streq(env_get("TERM"), "dumb") || !*env_get("TERM");
  ret->tty = isatty(fd) == 1 && !dumb;
  ret->colour = ret->tty && !*env_get("NO_COLOR");
  ret->utf8 = af_streq(nl_langinfo(CODESET), "UTF-8");
}

bool af_terminal_size(int fd, int *ret_columns, int *ret_rows) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row) return false;
  *ret_columns = size.ws_col;
  *ret_rows = size.ws_row;
  return true;
}

/* --- the parts --- */

static int find_database(struct af_wiring *w, struct af_error *err) {
  const char *state = env_get("XDG_STATE_HOME"), *home = env_get("HOME");
  int n;
  if (w->settings->db) n = snprintf(w->db, sizeof(w->db), "%s", w->settings->db);
  else if (*state == '/') n = snprintf(w->db, sizeof(w->db), "%s/amiferry/amiferry.db", state); /* relative ones don't count, says XDG */
  else if (*home == '/') n = snprintf(w->db, sizeof(w->db), "%s/.local/state/amiferry/amiferry.db", home);
  else n = -1;
  if (n > 0 && n < (int)sizeof(w->db)) return 0;
  af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "StorePath",
               n < 0 ? "there is no home folder to keep the database in" : "the database's path is too long");
  af_error_hint(err, "name it with --db PATH");
  return -AF_EINVAL;
}

static int open_log(struct af_wiring *w, struct af_error *err) {
  const struct af_settings *s = w->settings;
  w->log = (struct af_log){.out = stderr, .level = (enum af_log_level)s->log_level, .format = (enum af_log_format)s->log_format, .clock = w->clock};
  if (!s->log_file) return 0;
  w->log_file = fopen(s->log_file, "ae");
  if (!w->log_file) return af_error_set(err, -AF_EIO, AF_CLASS_INVALID, "LogFile", "cannot open the log file %s: %m", s->log_file);
  w->log.out = w->log_file;
  return 0;
}

int af_wiring_init(struct af_wiring *w, const struct af_settings *settings, struct af_error *err) {
  *w = (struct af_wiring){.settings = settings, .env = af_env_system()};
  af_steady_init(&w->steady, af_clock_system()); /* what AWS has had time for must not depend on who sets this machine's clock */
  w->clock = &w->steady.clock;
  int rc = find_database(w, err);
  return rc ? rc : open_log(w, err);
}

int af_wiring_store(struct af_wiring *w, enum af_store_mode mode, struct af_error *err) {
  return af_store_open(&w->store, w->db, mode, w->clock, err);
}

int af_wiring_client(struct af_wiring *w, struct af_error *err) {
  struct af_buf ca;
  af_buf_init(&ca, PATH_MAX);
  int rc = af_aws_ca_bundle(w->env, &ca, err);
  if (!rc) rc = af_http_curl_new(&w->http, ca.len ? af_buf_cstr(&ca) : NULL, err);
  af_buf_done(&ca);
  if (rc) return rc;
  struct af_aws_config config = {.clock = w->clock, .random = af_random_system(), .http = w->http, .log = &w->log, .env = w->env};
  return af_aws_new(&w->aws, &config, err);
}

int af_wiring_engine(struct af_wiring *w, const struct af_engine_config *hooks, struct af_error *err) {
  const struct af_settings *s = w->settings;
  struct af_engine_config config = hooks ? *hooks : (struct af_engine_config){0};
  config.clock = w->clock;
  config.random = af_random_system();
  config.store = w->store;
  config.aws = w->aws;
  config.log = &w->log;
  config.poll_min_ms = s->poll_ms;
  config.poll_max_ms = s->poll_ms * 4;
  config.window_ms = s->window_ms;
  config.patience_ms = s->patience_ms;
  return af_engine_new(&w->engine, &config, err);
}

void af_wiring_done(struct af_wiring *w) {
  af_engine_free(w->engine);
  af_aws_free(w->aws);
  af_http_curl_free(w->http);
  af_store_close(w->store);
  if (w->log_file) (void)fclose(w->log_file);
  *w = (struct af_wiring){0};
}
