/* state/store.h: the database as a file. What is created, what is refused, and that a refusal leaves everything as it was. */
#include "tests/unit/state_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/random.h"
#include "state/store_internal.h"

/* A picture of a folder: the name, mode and bytes of every file. Not the lock, which says who looked, and of the log's index
 * the name only: SQLite makes it anew from the log whenever it likes. */

struct picture {
  struct af_buf text;
};

static int not_a_lock(const struct dirent *e) {
  return e->d_type == DT_REG && !strstr(e->d_name, ".lock");
}

static struct picture picture_of(const char *folder) {
  struct picture p;
  struct dirent **names;
  af_buf_init(&p.text, 64 << 20);
  int n = scandir(folder, &names, not_a_lock, alphasort);
  assert_true(n >= 0);
  for (int i = 0; i < n; i++) {
    char path[512];
    struct stat st;
    struct af_buf bytes;
    struct af_error err;
    (void)snprintf(path, sizeof path, "%s/%.200s", folder, names[i]->d_name);
    assert_int_equal(stat(path, &st), 0);
    af_buf_init(&bytes, 32 << 20);
    if (!strstr(path, "-shm"))
      assert_ok(af_buf_read_file(&bytes, path, &err), &err);
    af_buf_printf(&p.text, "%s %o %zu\n", names[i]->d_name, st.st_mode, bytes.len);
    af_buf_str(&p.text, af_buf_view(&bytes));
    af_buf_done(&bytes);
    free(names[i]);
  }
  free(names);
  assert_int_equal(af_buf_rc(&p.text), 0);
  return p;
}

static void assert_unchanged(struct picture *before, const char *folder) {
  struct picture after = picture_of(folder);
  assert_int_equal(before->text.len, after.text.len);
  assert_memory_equal(af_buf_cstr(&before->text), af_buf_cstr(&after.text), after.text.len);
  af_buf_done(&after.text);
  af_buf_done(&before->text);
}

static bool exists(const struct fixture *f, const char *suffix) {
  char path[256];
  (void)snprintf(path, sizeof path, "%s%s", f->path, suffix);
  return access(path, F_OK) == 0;
}

/* Both modes refuse the file, and nothing in the folder has changed. */
static void assert_refused(struct fixture *f, int rc, const char *message) {
  struct af_store *s;
  for (int mode = AF_STORE_OWNER; mode <= AF_STORE_READER; mode++) {
    struct picture before = picture_of(f->folder);
    assert_error(af_store_open(&s, f->path, (enum af_store_mode)mode, &f->clock.clock, &f->err), rc, &f->err, message);
    assert_string_equal(f->err.resource, f->path);
    assert_unchanged(&before, f->folder);
  }
}
/* The owner refuses it: it takes more than a look at the header. */
static void assert_owner_refused(struct fixture *f, int rc, const char *message) {
  struct af_store *s;
  struct picture before = picture_of(f->folder);
  assert_error(af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err), rc, &f->err, message);
  assert_unchanged(&before, f->folder);
}

static void write_bytes(const char *path, off_t at, const void *bytes, size_t n) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, bytes, n, at), n);
  assert_int_equal(close(fd), 0);
}

static void run_sql(const char *path, const char *sql) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The same in a process that is killed before SQLite can tidy up: the write-ahead log stays. */
struct script {
  const char *path, *sql;
};

static void run_script(void *ctx) {
  const struct script *script = ctx;
  sqlite3 *db;
  if (sqlite3_open(script->path, &db) != SQLITE_OK || sqlite3_exec(db, script->sql, NULL, NULL, NULL) != SQLITE_OK)
    _exit(1);
}

static void run_sql_and_die(const char *path, const char *sql) {
  child_kill(child_start(run_script, &(struct script){path, sql}));
}

static void make_database(struct fixture *f) {
  fixture_open(f);
  (void)fixture_step(f);
  fixture_commit(f);
  fixture_close(f);
}

static void link_to(const char *target, const char *path) {
  assert_int_equal(symlink(target, path), 0);
}

/* Creation */

static int mode_of(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

TEST(a_new_database_is_private_whatever_the_umask) {
  struct fixture *f = *state;
  static const mode_t masks[] = {0, 022, 0777};
  for (size_t i = 0; i < COUNT(masks); i++) {
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char path[256];
    (void)snprintf(f->path, sizeof f->path, "%s/u%zu/deep/amiferry.db", f->folder, i);
    mode_t old = umask(masks[i]);
    fixture_open(f);
    (void)fixture_copy(f);
    fixture_commit(f);
    (void)umask(old);
    for (size_t k = 0; k < COUNT(suffixes); k++) {
      (void)snprintf(path, sizeof path, "%s%s", f->path, suffixes[k]);
      assert_int_equal(mode_of(path), 0600);
    }
    (void)snprintf(path, sizeof path, "%s/u%zu/deep", f->folder, i);
    assert_int_equal(mode_of(path), 0700);
    (void)snprintf(path, sizeof path, "%s/u%zu", f->folder, i);
    assert_int_equal(mode_of(path), 0700);
    fixture_close(f);
  }
}

TEST(a_folder_that_was_there_keeps_its_mode) {
  struct fixture *f = *state;
  assert_int_equal(chmod(f->folder, 0750), 0);
  fixture_open(f);
  assert_int_equal(mode_of(f->folder), 0750);
}

TEST(a_database_that_is_closed_is_one_file_and_its_lock) {
  struct fixture *f = *state;
  make_database(f);
  assert_true(exists(f, ""));
  assert_true(exists(f, ".lock"));
  assert_false(exists(f, "-wal"));
  assert_false(exists(f, "-shm"));
  assert_false(exists(f, ".new"));
}

TEST(an_empty_file_becomes_a_new_private_database) {
  struct fixture *f = *state;
  write_bytes(f->path, 0, "", 0);
  assert_int_equal(chmod(f->path, 0644), 0);
  fixture_open(f);
  assert_int_equal(mode_of(f->path), 0600);
  (void)fixture_copy(f);
  fixture_commit(f);
  fixture_reopen(f);
  assert_int_equal(count_events(f, "c"), 1);
}

TEST(what_a_dead_creation_left_is_swept_away) {
  struct fixture *f = *state;
  char path[256];
  (void)snprintf(path, sizeof path, "%s.new", f->path);
  write_bytes(path, 0, "half a database", 15);
  fixture_open(f);
  assert_false(exists(f, ".new"));
}

TEST(the_file_says_whose_it_is_and_which_version) {
  struct fixture *f = *state;
  unsigned char h[100];
  make_database(f);
  int fd = open(f->path, O_RDONLY | O_CLOEXEC);
  assert_int_equal(read(fd, h, sizeof h), sizeof h);
  assert_int_equal(close(fd), 0);
  assert_memory_equal(h + 68, "AMIF", 4);
  assert_int_equal(h[63], AF_SCHEMA_VERSION);
  assert_int_equal(h[18], 2); /* write-ahead log */
  assert_int_equal(h[19], 2);
}

TEST(any_name_of_a_file_will_do) {
  struct fixture *f = *state;
  static const char *const names[] = {"file:amiferry.db", "a b?c=d&e", "50%25#x", ":memory:", "é", "-"};
  char old[PATH_MAX];
  assert_non_null(getcwd(old, sizeof old));
  assert_int_equal(chdir(f->folder), 0);
  for (size_t i = 0; i < COUNT(names); i++) {
    AF_COPY(f->path, af_str(names[i]));
    make_database(f);
    assert_int_equal(access(names[i], F_OK), 0);
    fixture_open(f);
    assert_int_equal(count_events(f, "c"), 2);
    fixture_close(f);
  }
  assert_int_equal(chdir(old), 0);
}

TEST(a_symbolic_link_leads_to_the_database_and_its_one_lock) {
  struct fixture *f = *state;
  struct af_store *s;
  char real[256];
  (void)snprintf(real, sizeof real, "%s/elsewhere.db", f->folder);
  link_to(real, f->path); /* to nowhere yet */
  fixture_open(f);
  assert_int_equal(access(real, F_OK), 0);
  assert_error(af_store_open(&s, real, AF_STORE_OWNER, &f->clock.clock, &f->err), -AF_EBUSY, &f->err, "elsewhere.db");
  (void)fixture_copy(f);
  fixture_commit(f);
  fixture_close(f);
  AF_COPY(f->path, af_str(real));
  fixture_open(f);
  assert_int_equal(count_events(f, "c"), 1);
}

TEST(a_database_that_was_rebuilt_by_hand_is_still_ours) {
  struct fixture *f = *state;
  struct af_store *s;
  make_database(f);
  run_sql(f->path, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 65536; VACUUM");
  assert_ok(af_store_open(&s, f->path, AF_STORE_READER, &f->clock.clock, &f->err), &f->err);
  af_store_close(s);
  fixture_open(f);
  assert_int_equal(count_events(f, "c"), 2);
  fixture_close(f);
}

/* What is no file */

TEST(a_path_that_is_no_files_is_refused) {
  struct fixture *f = *state;
  struct af_store *s;
  char fifo[128], longest[PATH_MAX + 10];
  (void)snprintf(fifo, sizeof fifo, "%s/fifo", f->folder);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  const struct {
    const char *path, *message;
  } paths[] = {{"", "path is empty"}, {longest, "too long"}, {f->folder, "is a folder"}, {fifo, "not a regular file"},
               {"/dev/null", "not a regular file"}};
  for (size_t i = 0; i < COUNT(paths); i++)
    for (int mode = AF_STORE_OWNER; mode <= AF_STORE_READER; mode++) {
      int rc = af_store_open(&s, paths[i].path, (enum af_store_mode)mode, &f->clock.clock, &f->err);
      assert_error(rc, -AF_EINVAL, &f->err, paths[i].message);
    }
}

TEST(a_reader_finds_no_database_and_makes_none) {
  struct fixture *f = *state;
  struct af_store *s;
  assert_error(af_store_open(&s, f->path, AF_STORE_READER, &f->clock.clock, &f->err), -AF_ENOENT, &f->err, "is not there");
  assert_false(exists(f, ""));
  write_bytes(f->path, 0, "", 0);
  assert_error(af_store_open(&s, f->path, AF_STORE_READER, &f->clock.clock, &f->err), -AF_ENOENT, &f->err, "no database");
  assert_false(exists(f, ".lock"));
}

TEST(a_database_with_two_names_is_refused_to_the_owner) {
  struct fixture *f = *state;
  struct af_store *s;
  char other[256];
  make_database(f);
  (void)snprintf(other, sizeof other, "%s/other.db", f->folder);
  assert_int_equal(link(f->path, other), 0);
  assert_error(af_store_open(&s, other, AF_STORE_OWNER, &f->clock.clock, &f->err), -AF_EINVAL, &f->err, "hard links");
  assert_ok(af_store_open(&s, other, AF_STORE_READER, &f->clock.clock, &f->err), &f->err);
  af_store_close(s);
}

/* What is not ours */

TEST(a_file_that_is_no_database_is_refused_and_nothing_is_left_beside_it) {
  struct fixture *f = *state;
  struct af_random_seeded random;
  unsigned char noise[9000];
  af_random_seed(&random, 1);
  for (size_t i = 0; i < sizeof noise; i++)
    noise[i] = (unsigned char)af_random_below(&random.random, 256);
  write_bytes(f->path, 0, "hello\n", 6);
  assert_refused(f, -AF_EVERSION, "no SQLite database");
  write_bytes(f->path, 0, noise, sizeof noise);
  assert_refused(f, -AF_EVERSION, "no SQLite database");
  assert_false(exists(f, ".lock"));
}

TEST(another_programs_database_is_refused_and_nothing_is_left_beside_it) {
  struct fixture *f = *state;
  run_sql(f->path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  assert_refused(f, -AF_EVERSION, "belongs to another program");
  run_sql(f->path, "PRAGMA application_id = 7; PRAGMA user_version = 1; PRAGMA journal_mode = WAL");
  assert_refused(f, -AF_EVERSION, "belongs to another program");
  run_sql_and_die(f->path, "INSERT INTO t VALUES (2)");
  assert_true(exists(f, "-wal"));
  assert_refused(f, -AF_EVERSION, "belongs to another program");
  assert_false(exists(f, ".lock"));
}

TEST(a_newer_database_is_refused_and_nothing_is_left_beside_it) {
  struct fixture *f = *state;
  make_database(f);
  char lock[256];
  (void)snprintf(lock, sizeof lock, "%s.lock", f->path);
  assert_int_equal(unlink(lock), 0);
  run_sql(f->path, "PRAGMA user_version = 1000");
  assert_refused(f, -AF_EVERSION, "newer amiferry");
  assert_contains(f->err.hint, "its version is 1000");
  assert_false(exists(f, ".lock"));
}

TEST(a_database_that_is_newer_only_in_its_log_is_refused) {
  struct fixture *f = *state;
  make_database(f);
  run_sql_and_die(f->path, "PRAGMA user_version = 1000");
  /* The process that died left the log's index too; only that one may be made anew. */
  assert_refused(f, -AF_EVERSION, "version 1000");
}

/* What is damaged */

static off_t size_of(const char *path) {
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  return st.st_size;
}

TEST(a_database_that_was_cut_short_is_refused) {
  struct fixture *f = *state;
  make_database(f);
  off_t size = size_of(f->path);
  const off_t lengths[] = {size - 1, size - 4095, size - 4096, 4097, 4096, 4095, 512, 101, 100, 99, 50, 17, 16, 15, 1};
  for (size_t i = 0; i < COUNT(lengths); i++) {
    assert_int_equal(truncate(f->path, lengths[i]), 0);
    assert_refused(f, -AF_ECORRUPT, "was cut short");
  }
}

TEST(a_database_that_was_emptied_beside_its_log_is_refused) {
  struct fixture *f = *state;
  make_database(f);
  run_sql_and_die(f->path, "UPDATE copy SET bytes = 1");
  assert_int_equal(truncate(f->path, 0), 0);
  assert_refused(f, -AF_ECORRUPT, "was cut short: it is empty");
}

TEST(a_log_without_its_database_is_not_put_under_a_new_one) {
  struct fixture *f = *state;
  struct af_store *s;
  make_database(f);
  run_sql_and_die(f->path, "UPDATE copy SET bytes = 1");
  assert_int_equal(unlink(f->path), 0);
  assert_int_equal(af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err), -AF_ECORRUPT);
  assert_int_equal(af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err), -AF_ECORRUPT);
  assert_true(exists(f, "-wal"));
}

TEST(a_database_that_was_cut_short_beside_a_log_of_other_pages_is_refused) {
  struct fixture *f = *state;
  make_database(f);
  run_sql_and_die(f->path, "PRAGMA wal_autocheckpoint = 0; UPDATE copy SET bytes = 1");
  assert_int_equal(truncate(f->path, size_of(f->path) - 4096), 0);
  assert_owner_refused(f, -AF_ECORRUPT, "damaged");
}

TEST(a_rollback_journal_beside_it_is_refused) {
  struct fixture *f = *state;
  char path[256];
  make_database(f);
  (void)snprintf(path, sizeof path, "%s-journal", f->path);
  write_bytes(path, 0, "x", 1);
  assert_refused(f, -AF_ECORRUPT, "rollback journal");
}

TEST(a_header_that_makes_no_sense_is_refused) {
  struct fixture *f = *state;
  static const struct {
    off_t at;
    const char *bytes;
    size_t n;
  } wrong[] = {{16, "\0\7", 2}, {16, "\x30\1", 2}, {18, "\0", 1}, {19, "\0", 1}, {60, "\0\0\0\0", 4}};
  make_database(f);
  struct af_buf good;
  af_buf_init(&good, 1 << 20);
  assert_ok(af_buf_read_file(&good, f->path, &f->err), &f->err);
  for (size_t i = 0; i < COUNT(wrong); i++) {
    write_bytes(f->path, wrong[i].at, wrong[i].bytes, wrong[i].n);
    assert_refused(f, -AF_ECORRUPT, "makes no sense");
    write_bytes(f->path, 0, af_buf_cstr(&good), good.len);
  }
  af_buf_done(&good);
}

TEST(a_damaged_page_is_refused_wherever_it_is) {
  struct fixture *f = *state;
  char noise[64];
  make_database(f);
  struct af_buf good;
  af_buf_init(&good, 1 << 20);
  assert_ok(af_buf_read_file(&good, f->path, &f->err), &f->err);
  memset(noise, 0xA5, sizeof noise);
  for (off_t page = 4096; page < (off_t)good.len; page += 4096) {
    write_bytes(f->path, page, noise, sizeof noise);
    assert_owner_refused(f, -AF_ECORRUPT, "the database");
    write_bytes(f->path, 0, af_buf_cstr(&good), good.len);
  }
  af_buf_done(&good);
}

/* Reads all there is; whatever comes of it, nothing may crash. */
static void read_everything(struct af_store *s) {
  struct af_copy_row *copies = NULL;
  struct af_step_row *steps = NULL;
  struct af_event_row *events = NULL;
  size_t copies_n = 0, steps_n = 0, events_n = 0;
  (void)af_store_copies(s, "b", &copies, &copies_n, NULL);
  (void)af_store_steps(s, "c", &steps, &steps_n, NULL);
  (void)af_store_events(s, "c", 0, &events, &events_n, NULL);
  (void)af_store_integrity_check(s, NULL);
  for (size_t i = 0; i < copies_n; i++)
    af_copy_row_done(&copies[i]);
  for (size_t i = 0; i < steps_n; i++)
    af_step_row_done(&steps[i]);
  for (size_t i = 0; i < events_n; i++)
    af_event_row_done(&events[i]);
  free(copies);
  free(steps);
  free(events);
}

/* There are no checksums in a SQLite file, so a byte of a text may flip unseen; but not one of what holds the file together. */
TEST(a_flipped_byte_is_refused_without_a_trace_or_does_no_harm) {
  struct fixture *f = *state;
  make_database(f);
  struct af_buf good;
  size_t refused = 0;
  af_buf_init(&good, 1 << 20);
  assert_ok(af_buf_read_file(&good, f->path, &f->err), &f->err);
  for (size_t at = 0; at < good.len; at += at < 128 ? 1 : 211) {
    struct af_store *s;
    char flipped = (char)(good.ptr[at] ^ (1 << at % 8));
    write_bytes(f->path, (off_t)at, &flipped, 1);
    struct picture before = picture_of(f->folder);
    int rc = af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err);
    if (rc == 0) {
      read_everything(s);
      af_store_close(s);
      af_buf_done(&before.text);
    } else {
      if (rc != -AF_ECORRUPT && rc != -AF_EVERSION)
        fail_msg("byte %zu: %d %s", at, rc, f->err.message);
      assert_true(f->err.message[0] != 0);
      assert_unchanged(&before, f->folder);
      refused++;
    }
    write_bytes(f->path, 0, af_buf_cstr(&good), good.len);
  }
  af_buf_done(&good);
  assert_true(refused > 60);
}

TEST(tables_that_differ_from_the_enums_are_refused) {
  /* As a program with other enums would have left them. */
  static const struct {
    const char *from, *to;
  } lists[] = {{"''undoing'', ", ""},   {"(''none'', ", "("},     {"''do'', ''undo''", "''do'', ''undo'', ''redo''"},
               {"''intended'', ", ""}, {"''opening'', ", ""}, {"''live'', ''gone''", "''gone'', ''live''"}};
  struct fixture *f = *state;
  char database[128];
  AF_COPY(database, af_str(f->path));
  for (size_t i = 0; i < COUNT(lists); i++) {
    struct af_store *s;
    char sql[256];
    (void)snprintf(f->path, sizeof f->path, "%.100s%zu", database, i);
    make_database(f);
    (void)snprintf(sql, sizeof sql, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '%s', '%s')",
                   lists[i].from, lists[i].to);
    run_sql(f->path, sql);
    assert_owner_refused(f, -AF_ECORRUPT, "allows other values");
    assert_error(af_store_open(&s, f->path, AF_STORE_READER, &f->clock.clock, &f->err), -AF_ECORRUPT, &f->err, "allows other values");
  }
}

TEST(a_database_without_a_table_or_a_column_is_refused) {
  struct fixture *f = *state;
  make_database(f);
  run_sql(f->path, "DROP TABLE holder");
  assert_owner_refused(f, -AF_ECORRUPT, "no such table: holder");
  run_sql(f->path, "CREATE TABLE holder (exposure_id, kopy_id)");
  assert_owner_refused(f, -AF_ECORRUPT, "has no column named copy_id");
}

TEST(a_stored_value_that_cannot_be_ours_is_an_error_and_not_a_guess) {
  struct fixture *f = *state;
  struct af_copy_row c;
  struct af_step_row *steps;
  struct af_batch_row b;
  size_t n;
  make_database(f);
  run_sql(f->path, "PRAGMA ignore_check_constraints = ON; UPDATE copy SET state = 'asleep'; "
                   "UPDATE step SET data = 'a' || char(0) || 'b'");
  assert_int_equal(af_store_open(&f->store, f->path, AF_STORE_READER, &f->clock.clock, &f->err), 0);
  assert_error(af_store_copy_get(f->store, "c", &c, &f->err), -AF_ECORRUPT, &f->err, "impossible state");
  assert_error(af_store_steps(f->store, "c", &steps, &n, &f->err), -AF_ECORRUPT, &f->err, "impossible data");
  assert_ok(af_store_batch_get(f->store, "b", &b, &f->err), &f->err); /* a read that fails doesn't end the store */
  af_batch_row_done(&b);
  fixture_close(f);
}

TEST(a_stored_count_that_could_not_be_counted_on_is_an_error) {
  struct fixture *f = *state;
  struct af_step_row *steps;
  size_t n;
  make_database(f);
  run_sql(f->path, "UPDATE step SET attempts = 9223372036854775807");
  assert_int_equal(af_store_open(&f->store, f->path, AF_STORE_READER, &f->clock.clock, &f->err), 0);
  assert_error(af_store_steps(f->store, "c", &steps, &n, &f->err), -AF_ECORRUPT, &f->err, "impossible attempts");
  fixture_close(f);
}

/* Permissions */

/* Runs body as somebody who is not root, for whom permissions count. */
static void as_nobody(struct fixture *f, int (*body)(struct fixture *f)) {
  pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
      _exit(99);
    _exit(body(f));
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void give_away(struct fixture *f, mode_t folder_mode, mode_t file_mode) {
  if (getuid() == 0) {
    assert_int_equal(chown(f->folder, 65534, 65534), 0);
    assert_int_equal(chown(f->path, 65534, 65534), 0);
  }
  assert_int_equal(chmod(f->path, file_mode), 0);
  assert_int_equal(chmod(f->folder, folder_mode), 0);
}

/* 0 where the open was refused with -AF_EIO and a message with part; else what was wrong. */
static int refused_io(struct fixture *f, enum af_store_mode mode, const char *part) {
  struct af_store *s;
  if (af_store_open(&s, f->path, mode, &f->clock.clock, &f->err) != -AF_EIO)
    return 1;
  return !strstr(f->err.message, part) ? 2 : f->err.hint[0] == 0 ? 3 : 0;
}

static int owner_is_denied(struct fixture *f) {
  return refused_io(f, AF_STORE_OWNER, "Permission denied");
}
static int owner_may_not_write(struct fixture *f) {
  return refused_io(f, AF_STORE_OWNER, "cannot write");
}
static int both_are_denied(struct fixture *f) {
  int rc = owner_is_denied(f);
  return rc ? rc : refused_io(f, AF_STORE_READER, "Permission denied");
}
static int folder_is_denied(struct fixture *f) {
  (void)snprintf(f->path, sizeof f->path, "%s/sub/amiferry.db", f->folder);
  return owner_is_denied(f);
}
static int reader_reads(struct fixture *f) {
  struct af_copy_row c;
  if (af_store_open(&f->store, f->path, AF_STORE_READER, &f->clock.clock, &f->err) != 0)
    return 1;
  if (af_store_copy_get(f->store, "c", &c, &f->err) != 0)
    return 2;
  af_copy_row_done(&c);
  fixture_close(f);
  return 0;
}

TEST(a_file_that_may_not_be_written_is_refused_to_the_owner_and_open_to_readers) {
  struct fixture *f = *state;
  make_database(f);
  char lock[256];
  (void)snprintf(lock, sizeof lock, "%s.lock", f->path);
  assert_int_equal(unlink(lock), 0);
  give_away(f, 0755, 0400);
  struct picture before = picture_of(f->folder);
  as_nobody(f, owner_may_not_write);
  assert_unchanged(&before, f->folder);
  as_nobody(f, reader_reads);
}

TEST(a_file_that_may_not_be_read_is_refused) {
  struct fixture *f = *state;
  make_database(f);
  give_away(f, 0755, 0);
  as_nobody(f, both_are_denied);
}

TEST(a_folder_that_may_not_be_written_is_refused_to_the_owner_and_open_to_readers) {
  struct fixture *f = *state;
  make_database(f);
  char lock[256];
  (void)snprintf(lock, sizeof lock, "%s.lock", f->path);
  assert_int_equal(unlink(lock), 0);
  give_away(f, 0555, 0600);
  struct picture before = picture_of(f->folder);
  as_nobody(f, owner_is_denied);
  as_nobody(f, reader_reads);
  as_nobody(f, folder_is_denied);
  assert_unchanged(&before, f->folder);
  assert_int_equal(chmod(f->folder, 0755), 0);
}

/* Taken away while it is open */

static void moved_away(struct fixture *f, char *to, size_t size) {
  (void)snprintf(to, size, "%s/elsewhere", f->folder);
  assert_int_equal(mkdir(to, 0700), 0);
  (void)snprintf(to, size, "%s/elsewhere/amiferry.db", f->folder);
  assert_int_equal(rename(f->path, to), 0);
}

TEST(a_database_that_is_moved_while_it_is_open_ends_the_store_and_keeps_what_was_committed) {
  struct fixture *f = *state;
  char to[256], log[256], log_to[264];
  struct af_batch_row late = a_batch("late");
  fixture_open(f);
  (void)fixture_copy(f);
  fixture_commit(f);
  moved_away(f, to, sizeof to);
  (void)snprintf(log, sizeof log, "%s-wal", f->path);
  (void)snprintf(log_to, sizeof log_to, "%s-wal", to);
  assert_int_equal(rename(log, log_to), 0);
  assert_ok(af_store_batch_insert(f->store, &late, &f->err), &f->err);
  assert_error(af_store_commit(f->store, &f->err), -AF_EIO, &f->err, "was moved or deleted while it was in use");
  assert_contains(f->err.hint, "put it back");
  assert_int_equal(af_store_batch_insert(f->store, &late, &f->err), -AF_EIO);
  fixture_close(f);
  assert_int_equal(access(f->path, F_OK), -1); /* nothing takes its place */
  assert_int_equal(rename(to, f->path), 0);
  assert_int_equal(rename(log_to, log), 0);
  fixture_open(f);
  assert_int_equal(count_events(f, "c"), 1);
  assert_int_equal(af_store_batch_get(f->store, "late", &late, &f->err), -AF_ENOENT);
}

TEST(a_folder_that_is_deleted_under_a_database_ends_the_store) {
  struct fixture *f = *state;
  struct af_batch_row b = a_batch("b");
  fixture_open(f);
  assert_int_equal(nftw(f->folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
  assert_ok(af_store_batch_insert(f->store, &b, &f->err), &f->err);
  assert_error(af_store_commit(f->store, &f->err), -AF_EIO, &f->err, "was moved or deleted while it was in use");
  fixture_close(f);
  assert_int_equal(mkdir(f->folder, 0700), 0);
  fixture_open(f);
  assert_int_equal(af_store_batch_get(f->store, "b", &b, &f->err), -AF_ENOENT);
}

/* Versions */

/* The first row of sql is want. */
static void assert_answer(sqlite3 *db, const char *sql, const char *want) {
  sqlite3_stmt *stmt;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  assert_string_equal((const char *)sqlite3_column_text(stmt, 0), want);
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

TEST(migrations_run_once_each_in_their_order) {
  static const struct af_migration steps[] = {{1, "CREATE TABLE a (x); INSERT INTO a VALUES (1)"},
                                              {2, "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (2, 3)"},
                                              {3, "DELETE FROM a WHERE x = 1"}};
  struct fixture *f = *state;
  sqlite3 *db;
  assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
  assert_ok(af_schema_upgrade(db, steps, 1, &f->err), &f->err);
  assert_answer(db, "SELECT group_concat(x) FROM a", "1");
  assert_ok(af_schema_upgrade(db, steps, 3, &f->err), &f->err);
  assert_ok(af_schema_upgrade(db, steps, 3, &f->err), &f->err);
  assert_answer(db, "SELECT group_concat(x || '-' || y) FROM a", "2-3");
  assert_answer(db, "PRAGMA user_version", "3");
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

TEST(a_migration_that_fails_leaves_the_version_before_it) {
  static const struct af_migration steps[] = {{1, "CREATE TABLE a (x)"},
                                              {2, "INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1)"}};
  struct fixture *f = *state;
  sqlite3 *db;
  assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
  assert_error(af_schema_upgrade(db, steps, 2, &f->err), -AF_ECORRUPT, &f->err, "no such table: nowhere");
  assert_answer(db, "SELECT count(*) FROM a", "0");
  assert_answer(db, "PRAGMA user_version", "1");
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A database as version 1 wrote it: a copy that is undoing, with a step, an event, a text, an exposure and its holder. */
static void make_version_1(struct fixture *f) {
  static const char rows[] =
      "PRAGMA application_id = 1095584070; PRAGMA journal_mode = WAL;"
      "INSERT INTO batch VALUES ('b1', 'm.yaml', 'd', '{}', 1);"
      "INSERT INTO copy VALUES ('cp-1', 'b1', 0, 'k', 'undoing', 'blocked', 'working', 0, 1, 'copy-image', 'why', NULL, NULL, 7, 1, 2, 1);"
      "INSERT INTO copy_text VALUES ('cp-1', '{}', NULL);"
      "INSERT INTO step VALUES ('cp-1', 0, 'copy-image', '', 3, 'do', 'done', 0, 1, 'ami-1', NULL, 0, 0, 0, 100, NULL, NULL);"
      "INSERT INTO event VALUES ('cp-1', 1, 1, -1, 'state', NULL, 'undoing', NULL, NULL, NULL, NULL);"
      "INSERT INTO effect VALUES ('cp-1', 0, 'image', 'a', 'r', 'ami-1', 'live');"
      "INSERT INTO exposure VALUES (1, 'grant', 'a', 'r', 'key', 'g', 'open', 1, 1, NULL, 1);"
      "INSERT INTO holder VALUES (1, 'cp-1');";
  sqlite3 *db;
  assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
  assert_ok(af_schema_upgrade(db, af_migrations, 1, &f->err), &f->err);
  assert_int_equal(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

TEST(a_database_of_version_1_is_brought_up_to_date_with_all_its_rows) {
  struct fixture *f = *state;
  struct af_copy_row *copies;
  struct af_step_row *steps;
  size_t n;
  make_version_1(f);
  fixture_open(f);
  assert_ok(af_store_copies(f->store, "b1", &copies, &n, &f->err), &f->err);
  assert_int_equal(n, 1);
  assert_int_equal(copies[0].goal, AF_GOAL_BLOCKED);
  assert_int_equal(copies[0].rung, 0);
  assert_null(copies[0].tried);
  assert_ok(af_store_steps(f->store, "cp-1", &steps, &n, &f->err), &f->err);
  assert_int_equal(n, 1);
  assert_int_equal(steps[0].rung, 0);
  copies[0].goal = AF_GOAL_REROUTE;
  assert_ok(af_store_copy_update(f->store, &copies[0], &(struct af_event_row){.kind = "goal", .step = -1}, &f->err), &f->err);
  fixture_commit(f);
  assert_ok(af_store_integrity_check(f->store, &f->err), &f->err);
  af_copy_row_done(&copies[0]);
  af_step_row_done(&steps[0]);
  free(copies);
  free(steps);
}

TEST(a_reader_refuses_an_earlier_version_and_says_how_to_renew_it) {
  struct fixture *f = *state;
  make_version_1(f);
  assert_error(af_store_open(&f->store, f->path, AF_STORE_READER, &f->clock.clock, &f->err), -AF_EVERSION, &f->err, "earlier amiferry");
  assert_non_null(strstr(f->err.hint, "amiferry resume"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STATE_TEST(a_new_database_is_private_whatever_the_umask),
      STATE_TEST(a_folder_that_was_there_keeps_its_mode),
      STATE_TEST(a_database_that_is_closed_is_one_file_and_its_lock),
      STATE_TEST(an_empty_file_becomes_a_new_private_database),
      STATE_TEST(what_a_dead_creation_left_is_swept_away),
      STATE_TEST(the_file_says_whose_it_is_and_which_version),
      STATE_TEST(any_name_of_a_file_will_do),
      STATE_TEST(a_symbolic_link_leads_to_the_database_and_its_one_lock),
      STATE_TEST(a_database_that_was_rebuilt_by_hand_is_still_ours),
      STATE_TEST(a_path_that_is_no_files_is_refused),
      STATE_TEST(a_reader_finds_no_database_and_makes_none),
      STATE_TEST(a_database_with_two_names_is_refused_to_the_owner),
      STATE_TEST(a_file_that_is_no_database_is_refused_and_nothing_is_left_beside_it),
      STATE_TEST(another_programs_database_is_refused_and_nothing_is_left_beside_it),
      STATE_TEST(a_newer_database_is_refused_and_nothing_is_left_beside_it),
      STATE_TEST(a_database_that_is_newer_only_in_its_log_is_refused),
      STATE_TEST(a_database_that_was_cut_short_is_refused),
      STATE_TEST(a_database_that_was_emptied_beside_its_log_is_refused),
      STATE_TEST(a_log_without_its_database_is_not_put_under_a_new_one),
      STATE_TEST(a_database_that_was_cut_short_beside_a_log_of_other_pages_is_refused),
      STATE_TEST(a_rollback_journal_beside_it_is_refused),
      STATE_TEST(a_header_that_makes_no_sense_is_refused),
      STATE_TEST(a_damaged_page_is_refused_wherever_it_is),
      STATE_TEST(a_flipped_byte_is_refused_without_a_trace_or_does_no_harm),
      STATE_TEST(tables_that_differ_from_the_enums_are_refused),
      STATE_TEST(a_database_without_a_table_or_a_column_is_refused),
      STATE_TEST(a_stored_value_that_cannot_be_ours_is_an_error_and_not_a_guess),
      STATE_TEST(a_stored_count_that_could_not_be_counted_on_is_an_error),
      STATE_TEST(a_file_that_may_not_be_written_is_refused_to_the_owner_and_open_to_readers),
      STATE_TEST(a_file_that_may_not_be_read_is_refused),
      STATE_TEST(a_folder_that_may_not_be_written_is_refused_to_the_owner_and_open_to_readers),
      STATE_TEST(a_database_that_is_moved_while_it_is_open_ends_the_store_and_keeps_what_was_committed),
      STATE_TEST(a_folder_that_is_deleted_under_a_database_ends_the_store),
      STATE_TEST(a_database_of_version_1_is_brought_up_to_date_with_all_its_rows),
      STATE_TEST(a_reader_refuses_an_earlier_version_and_says_how_to_renew_it),
      STATE_TEST(migrations_run_once_each_in_their_order),
      STATE_TEST(a_migration_that_fails_leaves_the_version_before_it),
  };
  return cmocka_run_group_tests_name("state file", tests, NULL, NULL);
}
