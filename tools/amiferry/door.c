/* The door (door.h). What comes in is hostile until it is read: lines are bounded, guests are few and are shown out when they are slow, and
 * who isn't the same user is not listened to. */
#include "tools/amiferry/door.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"

enum {
  GUESTS = 8,          /* at once; the others wait to be let in */
  LINE_SIZE = 1024,    /* of a question or an answer */
  ID_SIZE = 128,
  PATIENCE_MS = 3000,  /* of the owner, with a guest that says nothing */
  CHANGE_S = 15,       /* of a guest that wants a change: a turn may write thousands of rows */
  LOOK_S = 2,          /* of one that only wants to know */
};

struct guest {
  int fd; /* -1: a free seat */
  int64_t until_ms;
  size_t n;
  char line[LINE_SIZE];
};

struct af_door {
  int fd, folder;
  char name[NAME_MAX + 1];
  const struct af_clock *clock;
  struct guest guests[GUESTS];
};

/* --- what can be asked for --- */

static int change_nothing(struct af_engine *e, const char *id, size_t *ret_n, struct af_error *err) {
  *ret_n = 0;
  return 0;
}

static const struct af_wish wishes[] = {
    {"cancel", CHANGE_S, af_engine_cancel}, {"retry", CHANGE_S, af_engine_retry}, {"carries", LOOK_S, change_nothing}};

const struct af_wish *af_wish_find(const char *name) {
  for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
    if (af_streq(wishes[i].name, name)) return &wishes[i];
  return NULL;
}

size_t af_wish_loaded(const struct af_engine *e, const char *id) {
  size_t n = 0;
  for (size_t i = 0; i < af_engine_count(e); i++) {
    struct af_copy_view v;
    af_engine_view(e, i, &v);
    n += !af_copy_state_ended(v.row->state) && (af_streq(v.row->id, id) || af_streq(v.row->batch_id, id));
  }
  return n;
}

static json_t *grant(struct af_engine *e, const struct af_wish *wish, const char *id) {
  struct af_error err;
  size_t loaded = af_wish_loaded(e, id), changed = 0;
  if (wish->ask(e, id, &changed, &err)) return json_pack("{s:s}", "error", err.message);
  return json_pack("{s:I, s:I}", "loaded", (json_int_t)loaded, "changed", (json_int_t)changed);
}

static json_t *answer(struct af_engine *e, const char *line, size_t n) {
  json_t *question, *reply;
  af_json_read(af_str_n(line, n), JSON_REJECT_DUPLICATES, &question, NULL);
  const char *id = json_string_value(json_object_get(question, "id")), *ask = json_string_value(json_object_get(question, "ask"));
  const struct af_wish *wish = ask ? af_wish_find(ask) : NULL;
  bool sound = wish && id && *id && strlen(id) < ID_SIZE && json_object_size(question) == 2;
  reply = sound ? grant(e, wish, id) : json_pack("{s:s}", "error", "that is no question that this amiferry knows");
  json_decref(question);
  return reply;
}

/* --- the owner's side --- */

/* A socket's path has room for 108 bytes, a database's for 4096: the folder is opened, and reached through its descriptor. */
static int address(struct sockaddr_un *ret, int folder, const char *name, struct af_error *err) {
  *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
  int n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", folder, name);
  if (n > 0 && n < (int)sizeof(ret->sun_path)) return 0;
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "DoorPath", "the database's name is too long to have a socket beside it: %.80s…", name);
}

/* The folder of the database (links are followed: all names of it lead to one door) and the socket's name in it. */
static int find(const char *db, int *ret_folder, char name[NAME_MAX + 1], struct af_error *err) {
  char real[PATH_MAX];
  if (!realpath(db, real)) return af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Door", "cannot find %.200s: %m", db);
  char *slash = strrchr(real, '/');
  if (snprintf(name, NAME_MAX + 1, "%s.sock", slash + 1) > NAME_MAX)
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "DoorPath", "the database's name is too long to have a socket beside it");
  slash[slash == real] = 0;
  *ret_folder = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return *ret_folder >= 0 ? 0 : af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Door", "cannot open the folder %.200s: %m", real);
}

/* The mode is set before the socket has a name, so that at no time anybody else can come in. Only a socket is replaced. */
static int bind_door(struct af_door *d, struct af_error *err) {
  struct sockaddr_un at;
  struct stat st;
  int rc = address(&at, d->folder, d->name, err);
  if (rc) return rc;
  if (fstatat(d->folder, d->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode)) (void)unlinkat(d->folder, d->name, 0);
  d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (d->fd >= 0 && fchmod(d->fd, 0600) == 0 && bind(d->fd, (struct sockaddr *)&at, sizeof(at)) == 0) {
    if (listen(d->fd, GUESTS) == 0) return 0;
  }
  rc = af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Door", "cannot make the socket %.100s beside the database: %m", d->name);
  if (d->fd >= 0) (void)close(d->fd);
  d->fd = -1; /* so that what is not ours isn't removed */
  return rc;
}

int af_door_open(struct af_door **ret, const char *db, const struct af_clock *clock, struct af_error *err) {
  struct af_door *d = calloc(1, sizeof(*d));
  if (!d) return af_error_nomem(err);
  d->clock = clock;
  d->fd = d->folder = -1;
  for (size_t i = 0; i < GUESTS; i++) d->guests[i].fd = -1;
  int rc = find(db, &d->folder, d->name, err);
  if (!rc) rc = bind_door(d, err);
  if (rc) af_door_close(d);
  else *ret = d;
  return rc;
}

static void leave(struct guest *g) {
  (void)close(g->fd);
  g->fd = -1;
}

void af_door_close(struct af_door *d) {
  if (!d) return;
  for (size_t i = 0; i < GUESTS; i++)
    if (d->guests[i].fd >= 0) leave(&d->guests[i]);
  if (d->fd >= 0) {
    (void)unlinkat(d->folder, d->name, 0);
    (void)close(d->fd);
  }
  if (d->folder >= 0) (void)close(d->folder);
  free(d);
}

static bool same_user(int fd) {
  struct ucred who;
  socklen_t n = sizeof(who);
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && who.uid == geteuid();
}

static void let_in(struct af_door *d) {
  for (size_t i = 0; i < GUESTS; i++) {
    struct guest *g = &d->guests[i];
    if (g->fd >= 0) continue;
    g->fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (g->fd < 0) return;
    g->n = 0;
    g->until_ms = af_mono_ms(d->clock) + PATIENCE_MS;
    if (!same_user(g->fd)) leave(g);
  }
}

/* A line that doesn't go into a socket's empty buffer at once goes nowhere: the guest asks again. */
static void tell(int fd, json_t *line) {
  struct af_buf out;
  char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
  af_buf_init(&out, 8 * LINE_SIZE);
  af_buf_puts(&out, text ? text : "{\"error\": \"out of memory\"}");
  af_buf_putc(&out, '\n');
  (void)!send(fd, af_buf_cstr(&out), out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
  af_buf_done(&out);
  free(text);
  json_decref(line);
}

static void hear(struct af_door *d, struct guest *g, struct af_engine *e) {
  ssize_t n = recv(g->fd, g->line + g->n, sizeof(g->line) - g->n, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR) && af_mono_ms(d->clock) < g->until_ms) return;
  if (n <= 0) {
    leave(g);
    return;
  }
  g->n += (size_t)n;
  const char *end = memchr(g->line, '\n', g->n);
  if (!end && g->n < sizeof(g->line)) return;
  tell(g->fd, end ? answer(e, g->line, (size_t)(end - g->line)) : json_pack("{s:s}", "error", "the question is too long"));
  leave(g);
}

void af_door_turn(struct af_door *d, struct af_engine *e) {
  if (!d) return;
  let_in(d);
  for (size_t i = 0; i < GUESTS; i++)
    if (d->guests[i].fd >= 0) hear(d, &d->guests[i], e);
}

/* --- the guest's side --- */

static int knock(const char *db, int patience_s, int *ret_fd, struct af_error *err) {
  const struct timeval patience = {.tv_sec = patience_s};
  char name[NAME_MAX + 1];
  struct sockaddr_un at;
  int folder = -1, fd = -1, rc = find(db, &folder, name, err);
  if (!rc) rc = address(&at, folder, name, err);
  if (!rc) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool there = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
               setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
  if (!rc && !there) rc = af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Door", "its socket does not answer: %m");
  if (!rc && !same_user(fd)) rc = af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Door", "its socket is another user's");
  if (folder >= 0) (void)close(folder);
  if (rc && fd >= 0) (void)close(fd);
  else *ret_fd = fd;
  return rc;
}

/* The reply, or NULL. */
static json_t *converse(int fd, const char *wish, const char *id) {
  json_t *question = json_pack("{s:s, s:s}", "ask", wish, "id", id);
  char line[8 * LINE_SIZE];
  size_t n = 0;
  tell(fd, question);
  while (n < sizeof(line)) {
    ssize_t got = recv(fd, line + n, sizeof(line) - n, 0);
    if (got <= 0) break;
    n += (size_t)got;
  }
  json_t *reply;
  af_json_read(af_str_n(line, n), JSON_REJECT_DUPLICATES, &reply, NULL);
  return reply;
}

int af_door_ask(const char *db, const char *wish, const char *id, size_t *ret_loaded, size_t *ret_changed, struct af_error *err) {
  int fd = -1, rc = knock(db, af_wish_find(wish)->patience_s, &fd, err);
  if (rc) return -AF_EBUSY;
  json_t *reply = converse(fd, wish, id);
  const char *why = json_string_value(json_object_get(reply, "error"));
  const json_t *loaded = json_object_get(reply, "loaded"), *changed = json_object_get(reply, "changed");
  if (json_is_integer(loaded) && json_is_integer(changed)) {
    *ret_loaded = (size_t)json_integer_value(loaded);
    *ret_changed = (size_t)json_integer_value(changed);
  } else {
    rc = af_error_set(err, -AF_EBUSY, AF_CLASS_INTERNAL, "Door", "it %s%s", why ? "says: " : "did not answer in time", why ? why : "");
  }
  json_decref(reply);
  (void)close(fd);
  return rc;
}
