/* state/store.h: what survives. The process killed before and after a commit and at every system call, the power lost at every
 * write and sync, each write failing in turn, a full disk, and the lock of a dead owner. */
#include "tests/unit/state_fixture.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/fault_vfs.h"
#include "tests/unit/state_life.h"

/* Every operation in turn; one in seven where each costs forty times as much. */
static int stride(void) {
  return on_valgrind() ? 7 : 1;
}

/* Death of the process */

static void write_only(void *ctx) {
  struct fixture *f = ctx;
  fixture_open(f);
  (void)fixture_step(f);
}
static void write_and_commit(void *ctx) {
  write_only(ctx);
  fixture_commit(ctx);
}
static void commit_and_write(void *ctx) {
  struct fixture *f = ctx;
  write_and_commit(f);
  struct af_batch_row b = a_batch("b2");
  (void)af_store_batch_insert(f->store, &b, &f->err);
}

TEST(a_process_killed_before_the_commit_leaves_nothing) {
  struct fixture *f = *state;
  struct af_batch_row b;
  child_kill(child_start(write_only, f));
  fixture_open(f);
  assert_int_equal(af_store_batch_get(f->store, "b", &b, &f->err), -AF_ENOENT);
  assert_int_equal(count_events(f, "c"), 0);
}

TEST(a_process_killed_after_the_commit_leaves_everything) {
  struct fixture *f = *state;
  struct af_batch_row b;
  child_kill(child_start(commit_and_write, f));
  fixture_open(f);
  assert_ok(af_store_batch_get(f->store, "b", &b, &f->err), &f->err);
  af_batch_row_done(&b);
  assert_int_equal(count_events(f, "c"), 2);
  assert_int_equal(af_store_batch_get(f->store, "b2", &b, &f->err), -AF_ENOENT);
}

TEST(a_reader_sees_what_a_killed_process_committed_and_leaves_the_log_to_the_owner) {
  struct fixture *f = *state;
  struct af_store *reader;
  struct af_batch_row b;
  char wal[256];
  child_kill(child_start(write_and_commit, f));
  assert_ok(af_store_open(&reader, f->path, AF_STORE_READER, &f->clock.clock, &f->err), &f->err);
  assert_ok(af_store_batch_get(reader, "b", &b, &f->err), &f->err);
  af_batch_row_done(&b);
  af_store_close(reader);
  (void)snprintf(wal, sizeof wal, "%s-wal", f->path);
  assert_int_equal(access(wal, F_OK), 0);
  fixture_open(f);
  assert_int_equal(count_events(f, "c"), 2);
}

TEST(a_database_in_use_is_refused_with_the_owners_pid_until_that_dies) {
  struct fixture *f = *state;
  struct af_store *s;
  char who[64];
  pid_t child = child_start(write_and_commit, f);
  assert_int_equal(af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err), -AF_EBUSY);
  (void)snprintf(who, sizeof who, "is in use by process %d", child);
  assert_contains(f->err.message, who);
  assert_true(f->err.hint[0] != 0);
  assert_ok(af_store_open(&s, f->path, AF_STORE_READER, &f->clock.clock, &f->err), &f->err);
  af_store_close(s);
  child_kill(child);
  fixture_open(f);
  assert_int_equal(count_events(f, "c"), 2);
}

static int64_t owner_of(struct fixture *f) {
  struct af_store *reader;
  int64_t pid = -2;
  assert_ok(af_store_open(&reader, f->path, AF_STORE_READER, &f->clock.clock, &f->err), &f->err);
  assert_ok(af_store_owner(reader, &pid, &f->err), &f->err);
  af_store_close(reader);
  return pid;
}

TEST(a_reader_is_told_the_owners_pid_until_that_dies) {
  struct fixture *f = *state;
  pid_t child = child_start(write_and_commit, f);
  assert_int_equal(owner_of(f), child);
  assert_int_equal(af_store_open(&f->store, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err), -AF_EBUSY);
  assert_int_equal(owner_of(f), child); /* who was turned away has not become it */
  child_kill(child);
  assert_int_equal(owner_of(f), -1);
  fixture_open(f);
  assert_int_equal(owner_of(f), getpid());
  fixture_close(f);
  assert_int_equal(owner_of(f), -1);
}

TEST(a_database_is_not_opened_twice_in_one_process) {
  struct fixture *f = *state;
  struct af_store *s;
  char who[64];
  fixture_open(f);
  assert_int_equal(af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err), -AF_EBUSY);
  (void)snprintf(who, sizeof who, "process %d", getpid());
  assert_contains(f->err.message, who);
  fixture_reopen(f); /* and the attempt has cost the owner nothing */
}

/* Runs a life in a traced child and kills it at its stop-th entry into the kernel. False: it ended before, with *status. */
static bool kill_at_call(struct fixture *f, int stop, volatile int *done, int *status) {
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
      _exit(99);
    _exit(live(f, done) == 0 ? 0 : 98);
  }
  assert_int_equal(waitpid(child, status, 0), child);
  for (int i = 0; WIFSTOPPED(*status) && i < 2 * stop; i++) { /* each call stops twice: going in and coming out */
    assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, status, 0), child);
  }
  if (!WIFSTOPPED(*status))
    return false;
  child_kill(child);
  return true;
}

TEST(a_process_killed_at_any_system_call_leaves_whole_transactions) {
  struct fixture *f = *state;
  volatile int *done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(done != MAP_FAILED);
  int stop = 1, status;
  bool killed = true;
  if (on_valgrind()) {
    print_message("skipped: valgrind can't be traced\n");
    skip();
  }
  for (; killed; stop++) {
    *done = 0;
    killed = kill_at_call(f, stop, done, &status);
    if (!killed && WIFEXITED(status) && WEXITSTATUS(status) == 99) {
      print_message("skipped: a process may not be traced here\n");
      skip();
    }
    assert_whole(f, *done);
    remove_database(f);
  }
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(*done, LIFE);
  assert_true(stop > 100);
  (void)munmap((void *)(uintptr_t)done, sizeof *done);
}

/* Failures of the disk */

TEST(power_lost_at_any_write_or_sync_leaves_what_was_committed) {
  struct fixture *f = *state;
  struct af_random_seeded random;
  struct af_buf database = new_database(f);
  int64_t at = 1;
  bool lost = true;
  af_random_seed(&random, 7);
  fault_vfs_install();
  for (; lost; at += stride())
    for (int round = 0; round < 4; round++) {
      int done = 0;
      put_back(f, &database);
      fault_vfs_arm(FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE, at, 0);
      (void)live(f, &done);
      lost = fault.dead;
      if (lost)
        fault_vfs_power_on(&random.random);
      fault_vfs_disarm();
      assert_whole(f, done);
    }
  assert_true(at > 30);
  fault_vfs_remove();
  af_buf_done(&database);
}

TEST(a_write_that_fails_ends_the_store_and_loses_nothing_that_was_committed) {
  static const struct {
    unsigned ops;
    int code, rc;
  } faults[] = {{FAULT_WRITE, SQLITE_FULL, -AF_EFULL},         {FAULT_WRITE, SQLITE_IOERR_WRITE, -AF_EIO},
                {FAULT_SYNC, SQLITE_IOERR_FSYNC, -AF_EIO},     {FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, -AF_EIO},
                {FAULT_READ, SQLITE_IOERR_READ, -AF_EIO},      {FAULT_READ, SQLITE_IOERR_NOMEM, -AF_ENOMEM},
                {FAULT_ANY, SQLITE_IOERR_NOMEM, -AF_ENOMEM}};
  struct fixture *f = *state;
  struct af_buf database = new_database(f);
  fault_vfs_install();
  for (size_t i = 0; i < COUNT(faults); i++) {
    bool struck = true;
    int failed = 0;
    for (int64_t at = 1; struck; at += stride()) {
      int done = 0;
      put_back(f, &database);
      fault_vfs_arm(faults[i].ops, at, faults[i].code);
      int rc = live(f, &done);
      struck = fault.seen >= at;
      if (rc != 0) { /* a checkpoint that fails may also be made good later, unseen */
        assert_int_equal(rc, faults[i].rc);
        assert_true(f->err.hint[0] != 0);
        failed++;
      }
      fault_vfs_disarm();
      assert_whole(f, done);
    }
    assert_true(failed > 0 || faults[i].ops == FAULT_TRUNCATE);
  }
  fault_vfs_remove();
  af_buf_done(&database);
}

/* Writes and commits until something fails; says how many commits succeeded. */
static int fill(struct fixture *f, struct af_store *s, int64_t *ret_commits) {
  struct af_copy_row c = a_copy("b", "c");
  struct af_batch_row b = a_batch("b");
  char text[1000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  struct af_event_row ev = {.kind = "note", .step = -1, .message = text};
  *ret_commits = 0;
  int rc = af_store_batch_insert(s, &b, &f->err);
  if (rc == 0)
    rc = af_store_copy_insert(s, &c, &ev, &f->err);
  for (int i = 0; rc == 0 && i < 100000; i++) {
    rc = af_store_commit(s, &f->err);
    if (rc == 0) {
      ++*ret_commits;
      rc = af_store_copy_update(s, &c, &ev, &f->err);
    }
  }
  return rc;
}

/* 0, or what is wrong with a store that met a full disk. */
static int judge_full(struct fixture *f, struct af_store *s, int rc) {
  struct af_batch_row b = a_batch("b2");
  if (rc != -AF_EFULL)
    return 10;
  if (!strstr(f->err.message, "disk is full") || !strstr(f->err.hint, "nothing that was committed is lost"))
    return 11;
  if (af_store_batch_insert(s, &b, &f->err) != -AF_EFULL || !strstr(f->err.message, "disk is full") || af_store_dirty(s))
    return 12;
  return af_store_commit(s, NULL) == -AF_EFULL ? 0 : 13;
}

static void limit_file_size(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit on file sizes (and a disk quota, which looks the same to SQLite) is an I/O error to it and a full disk to us. */
TEST(a_file_that_may_not_grow_is_a_full_disk_and_loses_nothing) {
  struct fixture *f = *state;
  int64_t commits;
  void (*was)(int) = signal(SIGXFSZ, SIG_IGN);
  fixture_open(f);
  limit_file_size(1000000);
  int rc = fill(f, f->store, &commits);
  int verdict = judge_full(f, f->store, rc);
  limit_file_size(RLIM_INFINITY);
  (void)signal(SIGXFSZ, was);
  assert_int_equal(verdict, 0);
  assert_true(commits > 10);
  fixture_reopen(f);
  assert_int_equal(count_events(f, "c"), commits);
  assert_ok(af_store_integrity_check(f->store, &f->err), &f->err);
}

TEST(a_database_that_finds_no_room_is_not_created_and_can_be_later) {
  struct fixture *f = *state;
  void (*was)(int) = signal(SIGXFSZ, SIG_IGN);
  limit_file_size(10000);
  int rc = af_store_open(&f->store, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err);
  limit_file_size(RLIM_INFINITY);
  (void)signal(SIGXFSZ, was);
  assert_int_equal(rc, -AF_EFULL);
  assert_contains(f->err.message, "disk is full");
  fixture_open(f);
  (void)fixture_copy(f);
  fixture_commit(f);
}

/* A file system of half a megabyte, in a mount namespace of the child's own. 0: all is well, 77: not possible here. */
static int on_a_small_disk(struct fixture *f) {
  int64_t commits;
  struct af_event_row *ev;
  struct af_store *s;
  size_t n = 0;
  if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
      mount("", "/", "", MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("none", f->folder, "tmpfs", 0, "size=512k") != 0)
    return 77;
  if (af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err) != 0)
    return 1;
  int verdict = judge_full(f, s, fill(f, s, &commits));
  af_store_close(s);
  if (verdict != 0)
    return verdict;
  /* Still full: what is there can be read, and with room the owner goes on. */
  if (af_store_open(&s, f->path, AF_STORE_READER, &f->clock.clock, &f->err) != 0 ||
      af_store_events(s, "c", 0, &ev, &n, &f->err) != 0)
    return 2;
  for (size_t i = 0; i < n; i++)
    af_event_row_done(&ev[i]);
  free(ev);
  af_store_close(s);
  if ((int64_t)n != commits || mount("none", f->folder, "tmpfs", MS_REMOUNT, "size=4m") != 0)
    return 3;
  if (af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err) != 0 || af_store_integrity_check(s, &f->err) != 0)
    return 4;
  af_store_close(s);
  return 0;
}

TEST(a_full_disk_ends_the_store_and_loses_nothing) {
  struct fixture *f = *state;
  int status;
  pid_t child = fork();
  if (child == 0)
    _exit(on_a_small_disk(f));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    print_message("skipped: no small file system can be mounted here\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STATE_TEST(a_process_killed_before_the_commit_leaves_nothing),
      STATE_TEST(a_process_killed_after_the_commit_leaves_everything),
      STATE_TEST(a_reader_sees_what_a_killed_process_committed_and_leaves_the_log_to_the_owner),
      STATE_TEST(a_database_in_use_is_refused_with_the_owners_pid_until_that_dies),
      STATE_TEST(a_reader_is_told_the_owners_pid_until_that_dies),
      STATE_TEST(a_database_is_not_opened_twice_in_one_process),
      STATE_TEST(a_process_killed_at_any_system_call_leaves_whole_transactions),
      STATE_TEST(power_lost_at_any_write_or_sync_leaves_what_was_committed),
      STATE_TEST(a_write_that_fails_ends_the_store_and_loses_nothing_that_was_committed),
      STATE_TEST(a_file_that_may_not_grow_is_a_full_disk_and_loses_nothing),
      STATE_TEST(a_database_that_finds_no_room_is_not_created_and_can_be_later),
      STATE_TEST(a_full_disk_ends_the_store_and_loses_nothing),
  };
  return cmocka_run_group_tests_name("state crash", tests, NULL, NULL);
}
