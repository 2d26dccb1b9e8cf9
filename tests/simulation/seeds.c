/* Runs seeds on all processors, makes the first failing one smaller, and says how to play it again. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/simulation/commit.h"
#include "tests/simulation/play.h"

#define SEEDS_FOR_EVERY_MOVE 5000
#define JOBS_MAX 64
#define SEED_SECONDS 60 /* one that takes longer hangs */

/* Sanitizers cost a factor of ten, and another compiler needn't see them all again. */
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define SEEDS_DEFAULT 100
#else
#define SEEDS_DEFAULT 5000
#endif

static volatile bool *over; /* shared: one worker has found something */

struct worker { /* in memory that parent and child share: what is known of a child that dies */
  uint64_t seed;
  bool failed;
  struct why why;
  struct play_stats stats;
};

struct options {
  uint64_t first, count, kept, seconds;
  int jobs;
  bool one, brief;
};

static int usage(FILE *out) {
  fputs("usage: simulation [--seeds N] [--first SEED] [--seconds S] [--jobs J] [--brief]\n"
        "       simulation --seed SEED [--kept HEX] [--trace]\n"
        "\n"
        "  --seeds N     this many seeds (default 5000; 100 with sanitizers or clang), from --first (default 1) on\n"
        "  --seconds S   no new seed after this time\n"
        "  --brief       a seed that fails is named, but not made smaller\n"
        "  --jobs J      processes (default: one for each processor)\n"
        "  --seed SEED   this one, told; --kept leaves parts of it out, --trace prints every event\n"
        "\n"
        "Exit status: 0 all hold, 1 a seed broke a law, 2 usage.\n",
        out);
  return out == stdout ? 0 : 2;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *shared(size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) abort();
  return p;
}

static void work(struct worker *w, const struct options *o, int job, double until) {
  for (uint64_t i = (uint64_t)job; i < o->count && seconds() < until && !*over; i += (uint64_t)o->jobs) {
    w->seed = o->first + i;
    alarm(SEED_SECONDS);
    if (!play(w->seed, o->kept, &w->stats, &w->why)) {
      w->failed = *over = true;
      return;
    }
  }
}

/* Plays a part of a seed in a process of its own, since it may abort or hang. */
static bool fails(uint64_t seed, uint64_t kept, struct worker *w) {
  int status = 0;
  *w = (struct worker){.seed = seed};
  pid_t pid = fork();
  if (pid == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(3);
    alarm(SEED_SECONDS);
    _exit(play(seed, kept, &w->stats, &w->why) ? 0 : 1);
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status)) snprintf(w->why.text, sizeof(w->why.text), "%s", WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
  return status != 0;
}

/* Leaves out whatever isn't needed for it to fail. */
static uint64_t shrink(uint64_t seed, struct worker *w) {
  uint64_t kept = SCENE_ALL;
  for (int round = 0; round < 2; round++)
    for (int part = 0; part < SCENE_PARTS; part++) {
      uint64_t fewer = kept & ~(UINT64_C(1) << part);
      if (fewer != kept && fails(seed, fewer, w)) kept = fewer;
    }
  return kept;
}

static void report(uint64_t seed, struct worker *w, bool brief) {
  struct scene scene;
  fprintf(stderr, "seed %llu breaks a law: %s\n", (unsigned long long)seed, w->why.text);
  if (brief) return;
  fprintf(stderr, "making it smaller...\n");
  uint64_t kept = shrink(seed, w);
  fails(seed, kept, w);
  scene_draw(&scene, seed, kept);
  fprintf(stderr, "the least that fails: %s\n", w->why.text);
  scene_print(&scene, stderr);
  scene_done(&scene);
  fprintf(stderr, "again, with its history: simulation --seed %llu --kept %llx --trace   (at %s)\n", (unsigned long long)seed, (unsigned long long)kept, AF_COMMIT);
}

static void add(struct play_stats *sum, const struct play_stats *s) {
  const unsigned long *from = (const unsigned long *)(const void *)s;
  unsigned long *to = (unsigned long *)(void *)sum;
  _Static_assert(sizeof(struct play_stats) % sizeof(unsigned long) == 0, "play_stats is counters and nothing else");
  for (size_t i = 0; i < sizeof(*s) / sizeof(*from); i++) to[i] += from[i];
}

static int run_one(const struct options *o) {
  struct play_stats stats = {0};
  struct why why = {""};
  struct scene scene;
  scene_draw(&scene, o->first, o->kept);
  scene_print(&scene, stdout);
  scene_done(&scene);
  fflush(stdout);
  bool ok = play(o->first, o->kept, &stats, &why);
  printf("%s%s\n", ok ? "holds" : "broken: ", ok ? "" : why.text);
  return ok ? 0 : 1;
}

static uint64_t run_workers(struct worker *workers, const struct options *o, double until) {
  pid_t pids[JOBS_MAX];
  uint64_t broken_seed = 0;
  fflush(stdout);
  for (int j = 0; j < o->jobs; j++) {
    pids[j] = fork();
    if (pids[j] == 0) {
      work(&workers[j], o, j, until);
      exit(workers[j].failed); /* by which sanitizers and coverage have their say */
    }
  }
  for (int j = 0; j < o->jobs; j++) {
    int status = 0;
    while (waitpid(pids[j], &status, 0) < 0 && errno == EINTR) {}
    if (status) *over = true;
    if (WIFSIGNALED(status))
      snprintf(workers[j].why.text, sizeof(workers[j].why.text), "%s", WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
    if (status && !broken_seed) {
      broken_seed = workers[j].seed;
      workers[0].why = workers[j].why;
    }
  }
  return broken_seed;
}

static int run_many(struct options *o) {
  struct worker *workers = shared(sizeof(*workers) * JOBS_MAX);
  struct play_stats sum = {0};
  over = shared(sizeof(*over));
  double begin = seconds(), until = begin + (o->seconds ? (double)o->seconds : 1e9);
  printf("1..2\n");
  fflush(stdout);
  uint64_t broken_seed = run_workers(workers, o, until);
  double took = seconds() - begin;
  for (int j = 0; j < o->jobs; j++) add(&sum, &workers[j].stats);
  printf("# %lu seeds, %lu copies, %lu lives, %lu calls in %.0f s: %.0f copies a second\n", sum.seeds, sum.copies, sum.lives, sum.calls, took, (double)sum.copies / took);
  printf("# in %lu seeds somebody removed by hand what amiferry counted on\n", sum.struck);
  printf("# ends: %lu done, %lu failed, %lu cancelled\n", sum.ends[AF_COPY_DONE], sum.ends[AF_COPY_FAILED], sum.ends[AF_COPY_CANCELLED]);
  unsigned missing = moves_print(&sum.moves);
  if (broken_seed) report(broken_seed, &workers[0], o->brief);
  printf("%sok 1 - %lu seeds broke no law\n", broken_seed ? "not " : "", sum.seeds);
  bool enough = sum.seeds >= SEEDS_FOR_EVERY_MOVE;
  if (enough) printf("%sok 2 - every legal move was made\n", missing ? "not " : "");
  else printf("ok 2 - every legal move was made # SKIP so few seeds needn't make the rare ones\n");
  return broken_seed || (enough && missing) ? 1 : 0;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"seeds", required_argument, NULL, 'n'}, {"first", required_argument, NULL, 'f'}, {"seconds", required_argument, NULL, 't'},
                                          {"jobs", required_argument, NULL, 'j'},  {"brief", no_argument, NULL, 'b'},  {"seed", required_argument, NULL, 's'},  {"kept", required_argument, NULL, 'k'},
                                          {"trace", no_argument, NULL, 'v'},       {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
  struct options o = {.first = 1, .count = SEEDS_DEFAULT, .kept = SCENE_ALL, .jobs = (int)sysconf(_SC_NPROCESSORS_ONLN)};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
      case 'n': o.count = strtoull(optarg, NULL, 10); break;
      case 'f': o.first = strtoull(optarg, NULL, 10); break;
      case 't': o.seconds = strtoull(optarg, NULL, 10); break;
      case 'j': o.jobs = (int)strtol(optarg, NULL, 10); break;
      case 's': o.first = strtoull(optarg, NULL, 10), o.one = true; break;
      case 'k': o.kept = strtoull(optarg, NULL, 16); break;
      case 'b': o.brief = true; break;
      case 'v': setenv("RIG_TRACE", "1", 1); break;
      case 'h': return usage(stdout);
      default: return usage(stderr);
    }
  if (optind < argc || o.jobs < 1 || o.jobs > JOBS_MAX || !o.count) return usage(stderr);
  return o.one ? run_one(&o) : run_many(&o);
}
