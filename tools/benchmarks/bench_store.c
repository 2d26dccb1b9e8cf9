/* bench-store: what the store costs beside the SQLite that it stands on.
 *
 * Durable transitions a second (a step's new state, its event, the copy's revision; 32 to a commit) through state/store.h,
 * against the same three statements prepared and bound by hand on a bare connection with the same pragmas, over the same
 * rows in the same schema. The two take turns within one run, each going first every other round, because the disk of a
 * shared machine is never the same twice; the ratio is the median of the rounds' ratios. The disk's own rate of syncs and the
 * processor time of each side are told beside it: where the disk is slow it hides what the code costs. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "state/store.h"

enum { GROUP = 32, ROUNDS_MAX = 1000, COPIES_MAX = 100000, SYNCS = 32 };

struct side {
  const char *name;
  char path[PATH_MAX];
  struct af_copy_row *copies;
  struct af_step_row *steps;
  size_t turn; /* transitions made so far */
  double seconds, cpu_seconds;
};
struct bench {
  const char *folder;
  size_t copies;
  int rounds, commits; /* commits a round and side */
  struct side store, bare;
  struct af_store *s;
  sqlite3 *db;
  sqlite3_stmt *event, *touch, *step, *begin, *commit;
};

static void die(const char *what, const char *why) {
  (void)fprintf(stderr, "bench-store: %s: %s\n", what, why);
  exit(1);
}

static void must(int rc, const char *what, const struct af_error *err) {
  if (rc != 0)
    die(what, err->message);
}

static double seconds(clockid_t clock) {
  struct timespec t;
  (void)clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The rows that both sides start from: one step a copy. */

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...) {
  char out[128];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(out, sizeof out, format, args);
  va_end(args);
  char *copy = af_str_dup(af_str(out));
  if (!copy)
    die("rows", "out of memory");
  return copy;
}

static void make_rows(struct side *side, size_t n) {
  side->copies = calloc(n, sizeof *side->copies);
  side->steps = calloc(n, sizeof *side->steps);
  if (!side->copies || !side->steps)
    die("rows", "out of memory");
  for (size_t i = 0; i < n; i++) {
    struct af_copy_row *c = &side->copies[i];
    struct af_step_row *step = &side->steps[i];
    c->id = text("c-%016zx", i * 2654435761u); /* in no order, as real ids are */
    c->batch_id = text("b-0");
    c->position = (int64_t)i;
    c->key = text("111122223333/us-east-1/ami-%017zx/444455556666/eu-west-1/golden", i);
    c->spec = text("{\"source\":{\"image\":\"ami-%017zx\",\"region\":\"us-east-1\"},\"name\":\"golden\"}", i);
    c->state = AF_COPY_WORKING;
    step->copy_id = text("c-%016zx", i * 2654435761u);
    step->kind = text("copy-snapshot");
    step->item = text("snap-%017zx", i);
  }
}

/* What the transition number turn makes of a step: intent, outcome, done, and round again. */
static void advance(struct af_step_row *step, size_t turn, struct af_event_row *ev) {
  static char resource[] = "snap-0123456789abcdef0", intent[] = "ec2:CopySnapshot";
  static const enum af_step_state next[] = {AF_STEP_INTENDED, AF_STEP_PENDING, AF_STEP_DONE};
  step->state = next[turn % 3];
  step->attempts++;
  step->intent = step->state == AF_STEP_INTENDED ? intent : NULL;
  step->resource = step->state == AF_STEP_INTENDED ? NULL : resource;
  step->progress = step->state == AF_STEP_DONE ? 100 : 0;
  *ev = (struct af_event_row){.kind = step->state == AF_STEP_INTENDED ? "intent" : "outcome",
                              .action = step->state == AF_STEP_DONE ? "ec2:DescribeSnapshots" : "ec2:CopySnapshot",
                              .request_id = step->state == AF_STEP_INTENDED ? NULL : "59dbff89-35bd-4eac-99ed-be587EXAMPLE"};
}

static void fill(struct bench *b, struct side *side) {
  struct af_error err;
  struct af_store *s;
  struct af_batch_row batch = {.created_ms = 1};
  const struct af_event_row about_copy = {.kind = "state", .step = -1}, about_step = {.kind = "planned", .step = 0};
  make_rows(side, b->copies);
  batch.id = text("b-0");
  batch.manifest_name = text("bench");
  batch.manifest_digest = text("%064x", 1u);
  batch.manifest = text("{\"version\":1}");
  must(af_store_open(&s, side->path, AF_STORE_OWNER, af_clock_system(), &err), side->path, &err);
  must(af_store_batch_insert(s, &batch, &err), "insert", &err);
  for (size_t i = 0; i < b->copies; i++) {
    must(af_store_copy_insert(s, &side->copies[i], &about_copy, &err), "insert", &err);
    must(af_store_step_insert(s, &side->copies[i], &side->steps[i], &about_step, &err), "insert", &err);
  }
  must(af_store_commit(s, &err), "commit", &err);
  af_store_close(s);
  af_batch_row_done(&batch);
}

/* Through the store */

static void store_round(struct bench *b) {
  struct af_error err;
  struct af_event_row ev;
  for (int k = 0; k < b->commits; k++) {
    for (int g = 0; g < GROUP; g++, b->store.turn++) {
      size_t i = b->store.turn % b->copies;
      advance(&b->store.steps[i], b->store.turn / b->copies, &ev);
      must(af_store_step_update(b->s, &b->store.copies[i], &b->store.steps[i], &ev, &err), "update", &err);
    }
    must(af_store_commit(b->s, &err), "commit", &err);
  }
}

/* By hand */

static const char pragmas[] =
    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON";
static const char event_sql[] =
    "INSERT INTO event (copy_id, number, at_ms, step, kind, from_state, to_state, message, action, request_id, detail) "
    "SELECT c.id, ?1, ?2, s.ordinal, ?3, s.face || '/' || s.state, ?4, ?5, ?6, ?7, ?8 FROM copy c "
    "JOIN step s ON s.copy_id = c.id AND s.ordinal = ?9 WHERE c.id = ?10 AND c.revision = ?1 - 1";
static const char touch_sql[] = "UPDATE copy SET revision = ?1, updated_ms = ?2 WHERE id = ?3 AND revision = ?1 - 1";
static const char step_sql[] =
    "UPDATE step SET kind = ?1, item = ?2, stage = ?3, face = ?4, state = ?5, generation = ?6, attempts = ?7, resource = ?8, "
    "intent = ?9, intent_ms = ?10, started_ms = ?11, next_ms = ?12, progress = ?13, data = ?14, error = ?15 "
    "WHERE copy_id = ?16 AND ordinal = ?17";

static void bare_open(struct bench *b) {
  const struct {
    const char *sql;
    sqlite3_stmt **stmt;
  } all[] = {{event_sql, &b->event}, {touch_sql, &b->touch}, {step_sql, &b->step}, {"BEGIN IMMEDIATE", &b->begin},
             {"COMMIT", &b->commit}};
  if (sqlite3_open_v2(b->bare.path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
      sqlite3_exec(b->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
    die(b->bare.path, sqlite3_errmsg(b->db));
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (sqlite3_prepare_v3(b->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].stmt, NULL) != SQLITE_OK)
      die("prepare", sqlite3_errmsg(b->db));
}

static void bare_close(struct bench *b) {
  sqlite3_stmt *const all[] = {b->event, b->touch, b->step, b->begin, b->commit};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    (void)sqlite3_finalize(all[i]);
  (void)sqlite3_close(b->db);
}

static void bare_run(struct bench *b, sqlite3_stmt *stmt, int changes) {
  if (sqlite3_step(stmt) != SQLITE_DONE || (changes && sqlite3_changes(b->db) != changes))
    die("bare", sqlite3_errmsg(b->db));
  (void)sqlite3_reset(stmt);
}

static void bind_text(sqlite3_stmt *stmt, int i, const char *s) {
  (void)sqlite3_bind_text(stmt, i, s, -1, SQLITE_STATIC);
}

static void bind_event(sqlite3_stmt *stmt, const struct af_copy_row *c, const struct af_event_row *ev, int64_t now_ms,
                       const char *to) {
  (void)sqlite3_bind_int64(stmt, 1, c->revision + 1);
  (void)sqlite3_bind_int64(stmt, 2, now_ms);
  bind_text(stmt, 3, ev->kind);
  bind_text(stmt, 4, to);
  bind_text(stmt, 5, ev->message);
  bind_text(stmt, 6, ev->action);
  bind_text(stmt, 7, ev->request_id);
  bind_text(stmt, 8, ev->detail);
  (void)sqlite3_bind_int64(stmt, 9, ev->step);
  bind_text(stmt, 10, c->id);
}

static void bind_step(sqlite3_stmt *stmt, const struct af_step_row *s) {
  bind_text(stmt, 1, s->kind);
  bind_text(stmt, 2, s->item);
  (void)sqlite3_bind_int64(stmt, 3, s->stage);
  bind_text(stmt, 4, af_step_face_name(s->face));
  bind_text(stmt, 5, af_step_state_name(s->state));
  (void)sqlite3_bind_int64(stmt, 6, s->generation);
  (void)sqlite3_bind_int64(stmt, 7, s->attempts);
  bind_text(stmt, 8, s->resource);
  bind_text(stmt, 9, s->intent);
  (void)sqlite3_bind_int64(stmt, 10, s->intent_ms);
  (void)sqlite3_bind_int64(stmt, 11, s->started_ms);
  (void)sqlite3_bind_int64(stmt, 12, s->next_ms);
  (void)sqlite3_bind_int64(stmt, 13, s->progress);
  bind_text(stmt, 14, s->data);
  bind_text(stmt, 15, s->error);
  bind_text(stmt, 16, s->copy_id);
  (void)sqlite3_bind_int64(stmt, 17, s->ordinal);
}

static void bare_transition(struct bench *b) {
  size_t i = b->bare.turn % b->copies;
  struct af_copy_row *c = &b->bare.copies[i];
  struct af_step_row *step = &b->bare.steps[i];
  struct af_event_row ev;
  char to[32];
  advance(step, b->bare.turn / b->copies, &ev);
  (void)snprintf(to, sizeof to, "%s/%s", af_step_face_name(step->face), af_step_state_name(step->state));
  int64_t now_ms = af_now_ms(af_clock_system());
  bind_event(b->event, c, &ev, now_ms, to);
  bare_run(b, b->event, 1);
  (void)sqlite3_bind_int64(b->touch, 1, c->revision + 1);
  (void)sqlite3_bind_int64(b->touch, 2, now_ms);
  bind_text(b->touch, 3, c->id);
  bare_run(b, b->touch, 1);
  bind_step(b->step, step);
  bare_run(b, b->step, 1);
  c->revision++;
  c->updated_ms = now_ms;
}

static void bare_round(struct bench *b) {
  for (int k = 0; k < b->commits; k++) {
    bare_run(b, b->begin, 0);
    for (int g = 0; g < GROUP; g++, b->bare.turn++)
      bare_transition(b);
    bare_run(b, b->commit, 0);
  }
}

/* The measurement */

/* Syncs a second of 4 KiB appended to a file in the same folder. */
static double sync_rate(const struct bench *b) {
  char path[PATH_MAX + 16], page[4096] = {0};
  (void)snprintf(path, sizeof path, "%s/sync", b->folder);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    die(path, "cannot be written");
  double start = seconds(CLOCK_MONOTONIC);
  for (int i = 0; i < SYNCS; i++)
    if (write(fd, page, sizeof page) != (ssize_t)sizeof page || fdatasync(fd) != 0)
      die(path, "cannot be synced");
  double rate = SYNCS / (seconds(CLOCK_MONOTONIC) - start);
  (void)close(fd);
  (void)unlink(path);
  return rate;
}

static double timed(struct bench *b, struct side *side, void (*round)(struct bench *b)) {
  double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  round(b);
  side->cpu_seconds += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  double took = seconds(CLOCK_MONOTONIC) - start;
  side->seconds += took;
  return took;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void run(struct bench *b) {
  double ratio[ROUNDS_MAX], syncs[ROUNDS_MAX];
  for (int r = -1; r < b->rounds; r++) { /* round -1 warms up */
    double store = 0, bare = 0;
    if (r == 0)
      b->store.seconds = b->store.cpu_seconds = b->bare.seconds = b->bare.cpu_seconds = 0;
    for (int half = 0; half < 2; half++)
      if ((r + half) & 1)
        store = timed(b, &b->store, store_round);
      else
        bare = timed(b, &b->bare, bare_round);
    if (r >= 0) {
      ratio[r] = bare / store;
      syncs[r] = sync_rate(b);
    }
  }
  qsort(ratio, (size_t)b->rounds, sizeof *ratio, by_value);
  qsort(syncs, (size_t)b->rounds, sizeof *syncs, by_value);
  double n = (double)b->rounds * b->commits * GROUP;
  (void)printf("sqlite %s, %zu copies, %.0f transitions a side, %d to a commit\n", sqlite3_libversion(), b->copies, n, GROUP);
  (void)printf("disk   %.0f syncs/s (median)\n", syncs[b->rounds / 2]);
  (void)printf("store  %.0f transitions/s, %.1f us of processor each\n", n / b->store.seconds, 1e6 * b->store.cpu_seconds / n);
  (void)printf("bare   %.0f transitions/s, %.1f us of processor each\n", n / b->bare.seconds, 1e6 * b->bare.cpu_seconds / n);
  (void)printf("ratio  %.3f (median of %d rounds; quartiles %.3f to %.3f), of processor time %.3f\n", ratio[b->rounds / 2], b->rounds,
               ratio[b->rounds / 4], ratio[3 * b->rounds / 4], b->bare.cpu_seconds / b->store.cpu_seconds);
}

/* Both sides must have done the same work. */
static void check(struct bench *b) {
  struct af_error err;
  struct af_store *s;
  must(af_store_integrity_check(b->s, &err), b->store.path, &err);
  must(af_store_open(&s, b->bare.path, AF_STORE_READER, af_clock_system(), &err), b->bare.path, &err);
  must(af_store_integrity_check(s, &err), b->bare.path, &err);
  af_store_close(s);
  for (size_t i = 0; i < b->copies; i++)
    if (b->store.copies[i].revision != b->bare.copies[i].revision)
      die("the sides", "did different work");
}

static void side_done(struct bench *b, struct side *side) {
  static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
  for (size_t i = 0; i < b->copies; i++) {
    side->steps[i].resource = side->steps[i].intent = NULL; /* advance() lends its own */
    af_copy_row_done(&side->copies[i]);
    af_step_row_done(&side->steps[i]);
  }
  free(side->copies);
  free(side->steps);
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s%s", side->path, suffixes[i]);
    (void)unlink(path);
  }
}

static const char usage[] =
    "usage: bench-store [--copies N] [--rounds N] [--commits N] [FOLDER]\n"
    "\n"
    "Compares state/store.h with bare SQLite: durable transitions a second, 32 to a commit.\n"
    "  --copies N   rows that take turns (1000)\n"
    "  --rounds N   rounds of both sides (20)\n"
    "  --commits N  commits a round and side (50)\n"
    "  FOLDER       where the two databases are made and removed (a new folder in TMPDIR)\n";

static int number(const char *s, int64_t max) {
  int64_t n;
  if (af_str_to_i64(af_str(s), &n) != 0 || n < 1 || n > max) {
    (void)fputs(usage, stderr);
    exit(2);
  }
  return (int)n;
}

static void options(struct bench *b, int argc, char **argv) {
  static const struct option all[] = {{"copies", required_argument, NULL, 'c'}, {"rounds", required_argument, NULL, 'r'},
                                      {"commits", required_argument, NULL, 'k'}, {"help", no_argument, NULL, 'h'}, {0}};
  for (int o = getopt_long(argc, argv, "h", all, NULL); o != -1; o = getopt_long(argc, argv, "h", all, NULL))
    switch (o) {
    case 'c': b->copies = (size_t)number(optarg, COPIES_MAX); break;
    case 'r': b->rounds = number(optarg, ROUNDS_MAX); break;
    case 'k': b->commits = number(optarg, 100000); break;
    default: (void)fputs(usage, o == 'h' ? stdout : stderr); exit(o == 'h' ? 0 : 2);
    }
  b->folder = optind < argc ? argv[optind] : NULL;
}

int main(int argc, char **argv) {
  struct bench b = {.copies = 1000, .rounds = 20, .commits = 50};
  struct af_error err;
  char made[PATH_MAX - 64];
  const char *tmp = getenv("TMPDIR");
  options(&b, argc, argv);
  (void)snprintf(made, sizeof made, "%s/bench-store-XXXXXX", tmp ? tmp : "/tmp");
  bool own = !b.folder;
  if (own && !(b.folder = mkdtemp(made)))
    die(made, "cannot be created");
  (void)snprintf(b.store.path, sizeof b.store.path, "%s/store.db", b.folder);
  (void)snprintf(b.bare.path, sizeof b.bare.path, "%s/bare.db", b.folder);
  fill(&b, &b.store);
  fill(&b, &b.bare);
  must(af_store_open(&b.s, b.store.path, AF_STORE_OWNER, af_clock_system(), &err), b.store.path, &err);
  bare_open(&b);
  run(&b);
  check(&b);
  af_store_close(b.s);
  bare_close(&b);
  side_done(&b, &b.store);
  side_done(&b, &b.bare);
  if (own)
    (void)rmdir(b.folder);
  return 0;
}
