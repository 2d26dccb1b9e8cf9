/* The database as a file: where it is, who owns it, what its first bytes say, and how a new one comes to be.
 *
 * Nothing here changes a file that is not ours. SQLite opens a database read-write with side effects (it rolls journals back,
 * recovers the log, makes files beside it), so the header is read first through a read-only handle that takes no lock. It is
 * read through SQLite, not through a descriptor of our own: closing that would drop every POSIX lock that this process holds on
 * the file, the locks of another connection among them.
 *
 * The header (https://sqlite.org/fileformat2.html#the_database_header), 100 bytes, big-endian:
 *   0  16  "SQLite format 3\0"            60  4  user_version: the schema's version
 *  16   2  page size; 1 is 65536          68  4  application_id: ours
 *  18   2  write and read version         28  4  pages, believed where the counters at 24 and 92 are equal
 *
 * The lock is flock(2) on a file beside the database, and keeps owners apart. Who only wants to know whether there is an owner must
 * not take it, not for a moment: an owner that starts just then would be turned away. So the owner also locks the file as fcntl(2)
 * knows it (an open file description's lock, which flock doesn't see), and that one can be asked about without being taken.
 *
 * A new database is built whole under another name, synced and renamed over the empty file, so that a header is either absent
 * or all there, whenever the process dies. */
#include "state/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_SIZE = 100, PATH_LIMIT = PATH_MAX };
static const char magic[16] = "SQLite format 3";

static int file_says(int rc, const char *path, const char *what, struct af_error *err) {
  af_store_error(err, rc, "%s %s", path, what);
  if (err)
    AF_COPY(err->resource, af_str(path));
  return rc;
}

/* What was named can't be a database, whoever asks: the command line is wrong. */
static int wrong_path(const char *path, const char *why, const char *hint, struct af_error *err) {
  af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "StorePath", "%s %s", path, why);
  af_error_hint(err, "%s", hint);
  return -AF_EINVAL;
}

/* Makes "path" + "suffix"; false where it doesn't fit. */
static bool beside(char out[PATH_LIMIT], const char *path, const char *suffix) {
  int n = snprintf(out, PATH_LIMIT, "%s%s", path, suffix);
  return n > 0 && n < PATH_LIMIT;
}

static void folder_of(char out[PATH_LIMIT], const char *path) {
  (void)af_str_copy(out, PATH_LIMIT, af_str(path));
  char *slash = strrchr(out, '/');
  if (!slash)
    (void)af_str_copy(out, PATH_LIMIT, af_str("."));
  else
    slash[slash == out] = 0;
}

/* Makes what was just created or renamed in folder outlive a power loss. */
static int sync_folder(const char *folder, struct af_error *err) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return af_errno_error(folder, "open the folder", err);
  int rc = fsync(fd) != 0 && errno != EINVAL ? af_errno_error(folder, "sync the folder", err) : 0;
  (void)close(fd);
  return rc;
}

static int make_folder(const char *folder, struct af_error *err) {
  if (mkdir(folder, 0700) != 0) {
    /* EEXIST, but also EROFS or EACCES for a folder that is there: what counts is whether it is. */
    int saved = errno;
    if (access(folder, F_OK) == 0)
      return 0;
    errno = saved;
    return af_errno_error(folder, "create the folder", err);
  }
  if (chmod(folder, 0700) != 0) /* the umask may have taken the owner's own bits */
    return af_errno_error(folder, "set the mode of", err);
  char parent[PATH_LIMIT];
  folder_of(parent, folder);
  return sync_folder(parent, err);
}

static int make_folders(const char *path, struct af_error *err) {
  char folder[PATH_LIMIT];
  folder_of(folder, path);
  int rc = 0;
  for (char *p = folder + 1; rc == 0; p++) {
    char was = *p;
    if (was && was != '/')
      continue;
    *p = 0;
    rc = make_folder(folder, err);
    *p = was;
    if (!was)
      break;
  }
  return rc;
}

static int make_empty(const char *path, struct af_error *err) {
  int rc = make_folders(path, err);
  if (rc != 0)
    return rc;
  /* Through a symbolic link that leads nowhere yet, too: its target is where the database will be. */
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (fd < 0)
    return af_errno_error(path, "create", err);
  (void)close(fd);
  return 0;
}

int af_file_locate(const char *path, bool create, char **ret_real, struct af_error *err) {
  struct stat st;
  if (path[0] == 0 || strlen(path) > PATH_LIMIT - 16)
    return wrong_path("the database's path", path[0] ? "is too long" : "is empty", "name another with --db", err);
  if (stat(path, &st) != 0) {
    if (errno == ENOENT && !create)
      return file_says(-AF_ENOENT, path, "is not there", err);
    if (errno != ENOENT)
      return af_errno_error(path, "open", err);
    int rc = make_empty(path, err);
    if (rc != 0)
      return rc;
  } else if (!S_ISREG(st.st_mode)) {
    return wrong_path(path, S_ISDIR(st.st_mode) ? "is a folder, not a database" : "is not a regular file",
                      "name the database's file with --db: the first run makes it", err);
  } else if (create && st.st_nlink > 1) {
    /* A log and a lock belong to one name: under another the database would have two owners. */
    return wrong_path(path, "has other names too (hard links)", "copy it, and name the copy with --db", err);
  }
  char *real = realpath(path, NULL);
  if (!real)
    return af_errno_error(path, "open", err);
  if (strlen(real) > PATH_LIMIT - 16) {
    free(real);
    return wrong_path("the database's path", "is too long", "name another with --db", err);
  }
  *ret_real = real;
  return 0;
}

/* Of the file at real + suffix; 0 where there is none. Asked of the system, because SQLite calls a file of one byte empty. */
static int size_of(const char *real, const char *suffix, int64_t *ret, struct af_error *err) {
  char path[PATH_LIMIT];
  struct stat st = {0};
  (void)beside(path, real, suffix);
  if (stat(path, &st) != 0 && errno != ENOENT)
    return af_errno_error(path, "look at", err);
  *ret = st.st_size;
  return 0;
}

static int read_header(const char *real, unsigned char header[HEADER_SIZE], struct af_error *err) {
  sqlite3 *db = NULL;
  sqlite3_file *file = NULL;
  int rc = sqlite3_open_v2(real, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (rc == SQLITE_OK)
    rc = file->pMethods->xRead(file, header, HEADER_SIZE, 0);
  if (rc == SQLITE_IOERR_SHORT_READ)
    rc = SQLITE_OK; /* SQLite has zeroed the rest */
  int ours = 0;
  if (rc != SQLITE_OK && sqlite3_errcode(db) != SQLITE_OK)
    ours = af_sqlite_open_error(db, real, err);
  else if (rc == SQLITE_IOERR_NOMEM)
    ours = af_error_nomem(err);
  else if (rc != SQLITE_OK) /* xRead tells nobody but us */
    ours = file_says(-AF_EIO, real, "cannot be read: its disk fails", err);
  (void)sqlite3_close(db);
  return ours;
}

static uint32_t big_endian(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int check_header(const char *real, const unsigned char *h, int64_t size, bool wal, struct af_error *err) {
  size_t seen = size < (int64_t)sizeof magic ? (size_t)size : sizeof magic;
  if (memcmp(h, magic, seen) != 0)
    return file_says(-AF_EVERSION, real, "is not a database of amiferry's: it is no SQLite database at all", err);
  if (size < HEADER_SIZE)
    return file_says(-AF_ECORRUPT, real, "was cut short: not even its header is whole", err);
  if (big_endian(h + 68) != AF_APPLICATION_ID)
    return file_says(-AF_EVERSION, real, "is not a database of amiferry's: it belongs to another program", err);
  uint32_t version = big_endian(h + 60);
  if (version > AF_SCHEMA_VERSION || h[18] > 2 || h[19] > 2) {
    int rc = file_says(-AF_EVERSION, real, "was written by a newer amiferry", err);
    af_error_hint(err, "its version is %u and this program knows up to %d: use the newer program", version, AF_SCHEMA_VERSION);
    return rc;
  }
  uint32_t page = (uint32_t)h[16] << 8 | h[17];
  if (page == 1)
    page = 65536;
  if (version < 1 || page < 512 || (page & (page - 1)) != 0 || h[18] < 1 || h[19] < 1)
    return file_says(-AF_ECORRUPT, real, "is damaged: its header makes no sense", err);
  /* While the log has content the file may lag behind its header: a checkpoint writes page 1 first. SQLite then judges. */
  int64_t pages = big_endian(h + 24) == big_endian(h + 92) ? big_endian(h + 28) : 1;
  if (!wal && (size % page != 0 || size / page < pages))
    return file_says(-AF_ECORRUPT, real, "was cut short: pages are missing at its end", err);
  return 0;
}

int af_file_look(const char *real, struct af_file_look *ret, struct af_error *err) {
  unsigned char header[HEADER_SIZE] = {0};
  int64_t size, wal, journal;
  int rc = size_of(real, "", &size, err);
  if (rc == 0)
    rc = size_of(real, "-wal", &wal, err);
  if (rc == 0)
    rc = size_of(real, "-journal", &journal, err);
  if (rc == 0)
    rc = read_header(real, header, err);
  if (rc == 0 && size > 0)
    rc = check_header(real, header, size, wal > 0, err);
  if (rc != 0)
    return rc;
  if (size == 0 && (wal > 0 || journal > 0))
    return file_says(-AF_ECORRUPT, real, "was cut short: it is empty, but the log beside it is not", err);
  if (journal > 0)
    return file_says(-AF_ECORRUPT, real, "has a rollback journal beside it, which amiferry never leaves", err);
  *ret = (struct af_file_look){.empty = size == 0, .wal = wal > 0};
  return 0;
}

/* Who holds the lock, as far as the file says; 0 where it doesn't. */
static int64_t lock_holder(int fd) {
  char text[32];
  int64_t pid = 0;
  ssize_t n = pread(fd, text, sizeof text, 0);
  if (n > 0 && af_str_to_i64(af_str_trim(af_str_n(text, (size_t)n)), &pid) != 0)
    pid = 0;
  return pid;
}

static int lock_refused(int fd, const char *real, struct af_error *err) {
  int64_t pid = lock_holder(fd);
  char who[64] = "another process";
  if (pid > 0)
    (void)snprintf(who, sizeof who, "process %lld", (long long)pid);
  af_store_error(err, -AF_EBUSY, "%s is in use by %s", real, who);
  if (err)
    AF_COPY(err->resource, af_str(real));
  return -AF_EBUSY;
}

/* Whoever may read the database may see who owns it. */
static mode_t lock_mode(const char *real) {
  struct stat st;
  return 0600 | (stat(real, &st) == 0 ? st.st_mode & 0044 : 0);
}

/* flock(2) on a file of its own: it ends with the process, however that dies, and SQLite's locks on the database know nothing
 * of it. The file stays when the lock goes, because removing it would let two processes hold a lock each. */
int af_file_lock(const char *real, int *ret_fd, struct af_error *err) {
  char path[PATH_LIMIT];
  (void)beside(path, real, ".lock");
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
  if (fd < 0)
    return af_errno_error(path, "open the lock", err);
  int rc = 0;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0)
    rc = errno == EWOULDBLOCK ? lock_refused(fd, real, err) : af_errno_error(path, "lock", err);
  if (rc != 0) {
    (void)close(fd);
    return rc;
  }
  /* The pid is for a message; a lock without it is a lock all the same, so a full disk doesn't matter here. */
  char pid[32];
  int len = snprintf(pid, sizeof pid, "%lld\n", (long long)getpid());
  if (fchmod(fd, lock_mode(real)) != 0 || ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len)
    errno = 0;
  struct flock sign = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &sign) != 0) /* last: whoever sees it reads the right pid */
    rc = af_errno_error(path, "lock", err);
  if (rc != 0)
    (void)close(fd);
  else
    *ret_fd = fd;
  return rc;
}

int af_file_owner(const char *real, int64_t *ret_pid, struct af_error *err) {
  char path[PATH_LIMIT];
  (void)beside(path, real, ".lock");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) { /* each owner makes it before it does anything else */
    *ret_pid = -1;
    return 0;
  }
  if (fd < 0)
    return af_errno_error(path, "open the lock", err);
  struct flock sign = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  int rc = fcntl(fd, F_OFD_GETLK, &sign) != 0 ? af_errno_error(path, "look at the lock", err) : 0;
  if (rc == 0)
    *ret_pid = sign.l_type == F_UNLCK ? -1 : lock_holder(fd);
  (void)close(fd);
  return rc;
}

static int check_folder(const char *folder, struct af_error *err) {
  return access(folder, W_OK | X_OK) != 0 ? af_errno_error(folder, "write to the folder", err) : 0;
}

/* For a file that is to be made: of the folders on its way, what is there already has to take the next one. */
static int check_way(const char *path, struct af_error *err) {
  char folder[PATH_LIMIT], parent[PATH_LIMIT];
  struct stat st;
  folder_of(folder, path);
  while (stat(folder, &st) != 0 && errno == ENOENT && strchr(folder, '/')) {
    folder_of(parent, folder);
    (void)af_str_copy(folder, sizeof folder, af_str(parent));
  }
  return check_folder(folder, err);
}

/* The owner makes what is missing beside the database. */
static int check_beside(const char *real, struct af_error *err) {
  static const char *const suffixes[] = {".lock", "-wal", "-shm"};
  char folder[PATH_LIMIT], one[PATH_LIMIT];
  int rc = 0;
  folder_of(folder, real);
  for (size_t i = 0; rc == 0 && i < sizeof suffixes / sizeof suffixes[0]; i++) {
    (void)beside(one, real, suffixes[i]);
    if (access(one, R_OK | W_OK) != 0)
      rc = errno == ENOENT ? check_folder(folder, err) : af_errno_error(one, "write", err);
  }
  return rc;
}

int af_file_ownable(const char *path, struct af_error *err) {
  struct stat st;
  char *real = NULL;
  if (stat(path, &st) != 0 && errno == ENOENT)
    return check_way(path, err);
  int rc = af_file_locate(path, true, &real, err); /* it is there, so nothing is made */
  if (rc == 0 && access(real, R_OK | W_OK) != 0)
    rc = af_errno_error(real, "write", err);
  if (rc == 0)
    rc = check_beside(real, err);
  free(real);
  return rc;
}

static int build(const char *path, struct af_error *err) {
  sqlite3 *db = NULL;
  char identity[64];
  (void)snprintf(identity, sizeof identity, "PRAGMA application_id = %d", AF_APPLICATION_ID);
  /* No journal: a build that fails is thrown away. */
  const char *const script[] = {"PRAGMA journal_mode = MEMORY", "PRAGMA page_size = 4096", "PRAGMA encoding = 'UTF-8'", identity};
  int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
  for (size_t i = 0; rc == SQLITE_OK && i < sizeof script / sizeof script[0]; i++)
    rc = sqlite3_exec(db, script[i], NULL, NULL, NULL);
  int ours = rc != SQLITE_OK ? af_sqlite_error(db, "create", err) : af_schema_upgrade(db, af_migrations, AF_SCHEMA_VERSION, err);
  if (ours == 0 && sqlite3_exec(db, "VACUUM", NULL, NULL, NULL) != SQLITE_OK) /* what the migrations made and dropped on the way */
    ours = af_sqlite_error(db, "create", err);
  /* Here and not at the first open, because the switch needs a rollback journal, which would be left by a crash. */
  if (ours == 0 && sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
    ours = af_sqlite_error(db, "create", err);
  (void)sqlite3_close(db);
  return ours;
}

/* Removes what a creation that died or failed has left. */
static void sweep(const char *path) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  char one[PATH_LIMIT];
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
    if (beside(one, path, suffixes[i]))
      (void)unlink(one);
}

int af_file_create(const char *real, struct af_error *err) {
  char path[PATH_LIMIT], folder[PATH_LIMIT];
  (void)beside(path, real, ".new");
  folder_of(folder, real);
  sweep(path);
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return af_errno_error(path, "create", err);
  int rc = fchmod(fd, 0600) != 0 ? af_errno_error(path, "set the mode of", err) : build(path, err);
  if (rc == 0 && fsync(fd) != 0)
    rc = af_errno_error(path, "sync", err);
  (void)close(fd); /* SQLite has nothing open there any more, so no lock is dropped */
  if (rc == 0 && rename(path, real) != 0)
    rc = af_errno_error(real, "create", err);
  if (rc != 0)
    sweep(path);
  return rc != 0 ? rc : sync_folder(folder, err);
}

int af_file_open_immutable(const char *real, sqlite3 **ret_db, struct af_error *err) {
  struct af_buf uri;
  af_buf_init(&uri, 3 * PATH_LIMIT + 32);
  af_buf_puts(&uri, "file:");
  for (const char *p = real; *p; p++) {
    bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("/._-", *p);
    af_buf_printf(&uri, plain ? "%c" : "%%%02X", (unsigned char)*p);
  }
  af_buf_puts(&uri, "?immutable=1");
  int rc = 0, flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3 *db = NULL;
  if (af_buf_rc(&uri) != 0)
    rc = af_error_nomem(err);
  else if (sqlite3_open_v2(af_buf_cstr(&uri), &db, flags, NULL) != SQLITE_OK)
    rc = af_sqlite_open_error(db, real, err);
  af_buf_done(&uri);
  if (rc != 0)
    (void)sqlite3_close(db);
  else
    *ret_db = db;
  return rc;
}

bool af_file_needs_immutable(const char *real) {
  char folder[PATH_LIMIT], shm[PATH_LIMIT];
  folder_of(folder, real);
  (void)beside(shm, real, "-shm");
  return access(folder, W_OK) != 0 && access(shm, F_OK) != 0;
}
