/* cloudsim, the program: a world file behind an HTTP server on 127.0.0.1. */
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/server.h"
#include "tools/cloudsim/view.h"

enum { EXIT_OK = 0, EXIT_TROUBLE = 1, EXIT_USAGE = 2 };

static const char usage_text[] =
    "cloudsim: a simulated AWS (EC2, KMS, STS, S3) on 127.0.0.1\n"
    "\n"
    "  cloudsim [options] WORLD     WORLD is a YAML or JSON file, - for standard input; docs/cloudsim.md describes it\n"
    "  cloudsim --audit URL         what the cloudsim at that URL saw, and what is left open in it\n"
    "\n"
    "  --port N    listen on this port; 0, the default, takes any free one\n"
    "  --speed X   the world's time runs X times as fast as the clock; instead of the world file's `speed`\n"
    "  --seed N    draws ids, latencies and chances from this seed; without it, the world file's `seed`\n"
    "  --log       one line a call on standard error\n"
    "  --help      this text\n"
    "  --version   the version\n"
    "\n"
    "When it is ready it prints its URL on standard output; SIGTERM or SIGINT ends it. Point AWS_ENDPOINT_URL, or the AWS CLI's\n"
    "--endpoint-url, at the URL. Its own endpoints: GET /_cloudsim/audit, GET /_cloudsim/health, POST /_cloudsim/faults,\n"
    "POST /_cloudsim/subscribe, GET /_cloudsim/container-credentials, and the instance metadata service under /latest/.\n"
    "\n"
    "Exit status: 0 ended by a signal; 1 the port can't be had; 2 bad usage, a bad world file, or no memory. With --audit: 0 nothing\n"
    "is left open, made twice or lost; 1 something is; 2 nobody answers, or no memory.\n";

struct options {
  const char *world, *audit;
  uint16_t port;
  double speed; /* 0: the world file's */
  uint64_t seed;
  bool log;
};

static int bad_usage(const char *what, const char *value) {
  fprintf(stderr, "cloudsim: %s%s%s\nTry: cloudsim --help\n", what, value ? ": " : "", value ? value : "");
  return EXIT_USAGE;
}

static int read_number(const char *text, uint64_t max, uint64_t *ret) {
  uint64_t value;
  if (af_str_to_u64(af_str(text), &value) < 0 || value > max)
    return -AF_EINVAL;
  *ret = value;
  return 0;
}

/* EXIT_OK with o filled, or an exit status and *ret_end set. */
static int read_options(int argc, char **argv, struct options *o, bool *ret_end) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'},  {"speed", required_argument, NULL, 's'},
                                          {"seed", required_argument, NULL, 'r'},  {"log", no_argument, NULL, 'l'},
                                          {"audit", required_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},     {NULL, 0, NULL, 0}};
  uint64_t number = 0;
  int c;
  char *end;
  *ret_end = true;
  while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
    switch (c) {
      case 'p':
        if (read_number(optarg, UINT16_MAX, &number) < 0)
          return bad_usage("--port is a number up to 65535", optarg);
        o->port = (uint16_t)number;
        break;
      case 's':
        o->speed = strtod(optarg, &end);
        if (*end || end == optarg || !isfinite(o->speed) || o->speed < 0.001 || o->speed > 1e6)
          return bad_usage("--speed is a number between 0.001 and 1000000", optarg);
        break;
      case 'r':
        if (read_number(optarg, UINT64_MAX, &o->seed) < 0)
          return bad_usage("--seed is a whole number", optarg);
        break;
      case 'a':
        o->audit = optarg;
        break;
      case 'l':
        o->log = true;
        break;
      case 'h':
        fputs(usage_text, stdout);
        return EXIT_OK;
      case 'v':
        puts("cloudsim " AF_VERSION);
        return EXIT_OK;
      default:
        return bad_usage("see what is above", NULL);
    }
  }
  if (optind + !o->audit != argc)
    return bad_usage(optind < argc ? "one world file at a time" : "which world file?", NULL);
  *ret_end = false;
  if (!o->audit)
    o->world = argv[optind];
  return EXIT_OK;
}

static int complain(const struct af_error *err, int status) {
  if (af_streq(err->code, "OutOfMemory"))
    cs_no_memory();
  fprintf(stderr, "cloudsim: %s\n", err->message);
  if (err->hint[0])
    fprintf(stderr, "cloudsim: %s\n", err->hint);
  return status;
}

static int serve(struct cs_sim *sim, const struct options *o, const sigset_t *signals) {
  struct cs_server *server;
  struct af_error err;
  int got;
  const struct cs_server_options options = {.port = o->port, .log = o->log ? stderr : NULL, .clock = af_clock_system()};
  if (cs_server_start(&server, sim, &options, &err) < 0)
    return complain(&err, EXIT_TROUBLE);
  printf("http://127.0.0.1:%u\n", cs_server_port(server));
  fflush(stdout);
  sigwait(signals, &got);
  cs_server_stop(server);
  return EXIT_OK;
}

static int audit(const char *url) {
  struct af_error err;
  json_t *found;
  if (cs_view_fetch(url, &found, &err) < 0)
    return complain(&err, EXIT_USAGE);
  bool clean = cs_view_print(stdout, found);
  json_decref(found);
  return clean ? EXIT_OK : EXIT_TROUBLE;
}

int main(int argc, char **argv) {
  struct options o = {0};
  bool end;
  cs_guard_libraries();
  int status = read_options(argc, argv, &o, &end);
  if (end)
    return status;
  if (o.audit)
    return audit(o.audit);
  /* Blocked before any thread is made, so that they come to sigwait() and to nobody else. */
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  signal(SIGPIPE, SIG_IGN);
  struct af_error err;
  struct af_doc *world;
  struct cs_sim *sim = NULL;
  if (af_doc_read_file(&world, o.world, NULL, &err) < 0)
    return complain(&err, EXIT_USAGE);
  int rc = cs_sim_new(&sim, world, af_now_ms(af_clock_system()), o.seed, &err);
  af_doc_free(world);
  if (rc < 0)
    return complain(&err, EXIT_USAGE);
  if (o.speed > 0)
    cs_sim_set_speed(sim, o.speed);
  status = serve(sim, &o, &signals);
  cs_sim_free(sim);
  return status;
}
