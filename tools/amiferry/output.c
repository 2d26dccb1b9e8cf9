/* What is said, and the JSON that programs read.
 *
 * The JSON is stable: members may be added, none is renamed, removed or given another type. Unknown values are null; times are
 * RFC 3339 in UTC with milliseconds; sizes are bytes. --output json prints one document, --output ndjson one object a line.
 *
 * copy    {"type": "copy", "id", "batch", "position", "state": "waiting|inspecting|working|undoing|done|failed|cancelled|blocked",
 *          "source": {"account", "region", "image"}, "target": {"account", "region", "image"}, "name", "route", "reason",
 *          "tried": [{"route", "code", "reason"}]: the routes that AWS refused, oldest first, "bytes", "percent", "step": {"title", "number", "of"}, "waits", "error": error, "created", "updated"}
 * error   {"class": "transient|throttled|capacity|not-yet-visible|auth|refused|invalid|ambiguous|cancelled|internal", "code",
 *          "http_status", "request_id", "account", "region", "action", "resource", "message", "hint"}
 *
 * run, resume, retry, cancel, undo   json: [copy, ...]; ndjson: a copy a line (ask.c: where another process is asked)
 * The other documents are described where they are made: plan.c, status.c, show.c, verify.c, routes.c, doctor.c. */
#include "tools/amiferry/output.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

enum { FOLDED_MOST = 4 * 1024 * 1024 };

/* --- messages --- */

static bool quiet;

void af_say_quietly(bool is_quiet) {
  quiet = is_quiet;
}

void af_say(const char *format, ...) {
  va_list args;
  if (quiet) return;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
}

/* All of it quoted, each byte may take four. */
static char database_words[4 * PATH_MAX + 16];

static char *quote(char *out, const char *word) {
  *out++ = '\'';
  for (; *word; word++) {
    if (*word == '\'') out = stpcpy(out, "'\\''");
    else *out++ = *word;
  }
  return stpcpy(out, "'");
}

void af_name_database(const char *db) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+:@%,";
  *database_words = '\0';
  if (!db || strlen(db) >= PATH_MAX) return; /* such a long one is refused */
  char *end = stpcpy(database_words, " --db ");
  if (*db && db[strspn(db, plain)] == '\0') stpcpy(end, db);
  else quote(end, db);
}

const char *af_database_words(void) {
  return database_words;
}

/* The next character of *s, as it may be printed. C1 controls are U+0080 to U+009F: C2 80 to C2 9F. */
static char next_plain(const char **s) {
  const unsigned char *c = (const unsigned char *)*s;
  bool c1 = *c == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F;
  *s += c1 ? 2 : 1;
  return *c < 0x20 || *c == 0x7F || c1 ? '?' : (char)*c;
}

static char *copy_plain(char *out, const char *s) {
  while (*s) *out++ = next_plain(&s);
  *out = '\0';
  return out;
}

/* It needs no memory: it may have to say that there is none. */
void af_say_error(const struct af_error *err) {
  char text[sizeof(err->message) + sizeof(err->hint) + sizeof(database_words) + 32];
  char *end = copy_plain(stpcpy(text, "amiferry: "), err->message);
  if (*err->hint) end = copy_plain(stpcpy(end, "\n  "), err->hint);
  if (strstr(err->hint, ": amiferry ")) copy_plain(end, database_words);
  fprintf(stderr, "%s\n", text);
}

void af_say_mistakes(const struct af_mistakes *more) {
  for (size_t i = 0; i < more->n; i++) af_say_error(&more->list[i]);
  if (more->n_left) fprintf(stderr, "amiferry: and %zu more\n", more->n_left);
}

/* --- text --- */

void af_put_text(struct af_buf *out, const char *s) {
  while (*s) af_buf_putc(out, next_plain(&s));
}

void af_put_tinted(struct af_buf *out, const struct af_terminal *t, enum af_tint tint, const char *s) {
  static const char *const codes[AF_TINT_MAX_] = {
      [AF_TINT_GOOD] = "32", [AF_TINT_BAD] = "31", [AF_TINT_CARE] = "33", [AF_TINT_FAINT] = "2", [AF_TINT_STRONG] = "1"};
  bool colour = t->colour && codes[tint];
  if (colour) af_buf_printf(out, "\033[%sm", codes[tint]);
  af_buf_puts(out, s);
  if (colour) af_buf_puts(out, "\033[0m");
}

enum af_tint af_state_tint(enum af_copy_state s) {
  static const enum af_tint tints[AF_COPY_STATE_MAX_] = {
      [AF_COPY_DONE] = AF_TINT_GOOD, [AF_COPY_FAILED] = AF_TINT_BAD, [AF_COPY_CANCELLED] = AF_TINT_BAD, [AF_COPY_BLOCKED] = AF_TINT_CARE};
  return tints[s];
}

struct part { /* of a line that says where: "account 1, Region x" */
  const char *before, *text;
};

static void put_where(struct af_buf *out, const struct af_error *err) {
  char status[16] = "";
  if (err->http_status) snprintf(status, sizeof(status), "%d", err->http_status);
  const struct part parts[] = {{"account ", err->account}, {"Region ", err->region}, {"", err->action}, {"about ", err->resource},
                               {"HTTP ", status},          {"request ", err->request_id}};
  bool any = false;
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    if (!*parts[i].text) continue;
    af_buf_printf(out, "%s%s", any ? ", " : "    ", parts[i].before);
    af_put_text(out, parts[i].text);
    any = true;
  }
  if (any) af_buf_putc(out, '\n');
}

void af_put_error(struct af_buf *out, const struct af_error *err) {
  af_buf_printf(out, "    %s: ", *err->code ? err->code : af_class_name(err->class));
  af_put_text(out, err->message);
  af_buf_putc(out, '\n');
  put_where(out, err);
  if (!*err->hint) return;
  af_buf_puts(out, "    what to do: ");
  af_put_text(out, err->hint);
  if (strstr(err->hint, ": amiferry ")) af_buf_puts(out, af_database_words());
  af_buf_putc(out, '\n');
}

void af_put_result(struct af_buf *out, const struct af_copy_view *v, const struct af_terminal *t) {
  const struct af_copy_row *row = v->row;
  struct af_error err;
  af_buf_printf(out, "%s (%s) -> ", v->spec->image, v->spec->source.region);
  if (row->image_id) af_buf_printf(out, "%s (%s)", row->image_id, v->spec->target.region);
  else af_buf_printf(out, "%s%s(%s)", v->target_account, *v->target_account ? " " : "", v->spec->target.region);
  af_buf_puts(out, "  ");
  af_put_tinted(out, t, af_state_tint(row->state), af_copy_state_name(row->state));
  if (*v->name) {
    af_buf_puts(out, "  ");
    af_put_text(out, v->name);
  }
  af_buf_putc(out, '\n');
  if (row->state == AF_COPY_DONE || !row->error || af_error_from_json(row->error, &err)) return;
  af_put_error(out, &err);
  af_buf_printf(out, "    all of it: amiferry show %s%s\n", row->id, af_database_words());
}

bool af_step_nothing_undone(const struct af_step_row *s) {
  return s->face == AF_FACE_UNDO && s->state == AF_STEP_DONE && s->attempts == 0; /* calls that change nothing don't count */
}

void af_put_tried(struct af_buf *out, const char *before, const char *tried) {
  json_t *list = af_json_tried(tried), *one;
  size_t i;
  json_array_foreach(list, i, one) {
    const char *code = af_json_str(one, "code");
    af_buf_printf(out, "%s%s: %s%s", before, af_json_str(one, "route"), code, *code ? ": " : "");
    af_put_text(out, af_json_str(one, "reason"));
    af_buf_putc(out, '\n');
  }
  json_decref(list);
}

/* --- JSON --- */

json_t *af_json_text(const char *s) {
  if (!s) return json_null();
  json_t *text = json_string(s);
  if (text) return text;
  struct af_buf b;
  af_buf_init(&b, 64 * 1024);
  for (; *s; s++) af_buf_putc(&b, (unsigned char)*s < 0x80 ? *s : '?');
  text = json_string(af_buf_cstr(&b));
  af_buf_done(&b);
  return text;
}

static json_t *text_or_null(const char *s) {
  return af_json_text(s && *s ? s : NULL);
}

json_t *af_json_time(int64_t ms) {
  char text[AF_TIME_SIZE];
  if (!ms) return json_null();
  af_time_iso(ms, text);
  return json_string(text);
}

json_t *af_json_error(const struct af_error *err) {
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "class", af_class_name(err->class), "code", text_or_null(err->code),
                   "http_status", err->http_status ? json_integer(err->http_status) : json_null(), "request_id", text_or_null(err->request_id),
                   "account", text_or_null(err->account), "region", text_or_null(err->region), "action", text_or_null(err->action), "resource",
                   text_or_null(err->resource), "message", text_or_null(err->message), "hint", text_or_null(err->hint));
}

json_t *af_json_stored_error(const char *json) {
  struct af_error err;
  if (!json || af_error_from_json(json, &err)) return json_null();
  return af_json_error(&err);
}

json_t *af_json_tried(const char *tried) {
  json_t *list = NULL;
  if (tried && !af_json_read(af_str(tried), 0, &list, NULL) && json_is_array(list)) return list;
  json_decref(list);
  return json_array();
}

static json_t *place(const char *account, const char *region, const char *image) {
  return json_pack("{s:o, s:o, s:o}", "account", text_or_null(account), "region", text_or_null(region), "image", text_or_null(image));
}

json_t *af_json_copy(const struct af_copy_view *v) {
  const struct af_copy_row *r = v->row;
  json_t *step = v->step ? json_pack("{s:s, s:I, s:I}", "title", v->title, "number", (json_int_t)v->step, "of", (json_int_t)v->n_stage) : json_null();
  json_t *o = json_pack("{s:s, s:o, s:o, s:I, s:s}", "type", "copy", "id", af_json_text(r->id), "batch", af_json_text(r->batch_id), "position",
                        (json_int_t)r->position, "state", af_copy_state_name(r->state));
  json_t *more = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "source",
                           place(v->source_account, v->spec->source.region, v->spec->image), "target",
                           place(v->target_account, v->spec->target.region, r->image_id), "name", text_or_null(v->name), "route",
                           af_json_text(r->route), "reason", af_json_text(r->reason), "tried", af_json_tried(r->tried), "bytes", (json_int_t)v->bytes, "percent",
                           v->percent >= 0 ? json_integer(v->percent) : json_null(), "step", step, "waits", text_or_null(v->waits), "error",
                           r->state == AF_COPY_DONE ? json_null() : af_json_stored_error(r->error), "created", af_json_time(r->created_ms), "updated",
                           af_json_time(r->updated_ms));
  if (json_object_update(o, more)) {
    json_decref(o);
    o = NULL;
  }
  json_decref(more);
  return o;
}

/* --- documents --- */

/* Documents are built without a look at each member. Where memory runs out over one it is not printed: a part would pass for the whole. */
static bool short_of_memory;

static void *noted_malloc(size_t size) {
  void *p = malloc(size);
  short_of_memory = short_of_memory || !p;
  return p;
}

void af_print_begin(void) {
  json_malloc_t allocate;
  json_free_t release;
  json_get_alloc_funcs(&allocate, &release);
  json_set_alloc_funcs(noted_malloc, release);
  short_of_memory = false;
}

/* Why standard output couldn't be written to, at the first time: the flush at the end finds nothing left to write and no reason. */
static int write_errno;

static void note_written(bool written) {
  if (!written && !write_errno) write_errno = errno;
}

/* 15 digits: as many as every decimal number of so many keeps, so that 0.4 isn't shown as 0.40000000000000002. No amount has more. */
static void print_line(const json_t *document, size_t flags) {
  char *text = document && !short_of_memory ? json_dumps(document, flags | JSON_REAL_PRECISION(15)) : NULL;
  short_of_memory = short_of_memory || !text;
  if (text) note_written(puts(text) >= 0);
  free(text);
}

void af_print_json(const json_t *document, enum af_output_format format) {
  print_line(document, format == AF_OUTPUT_JSON ? JSON_INDENT(2) : JSON_COMPACT);
}

void af_list_begin(struct af_list *l, enum af_output_format format) {
  *l = (struct af_list){.format = format, .items = json_array()};
}

void af_list_add(struct af_list *l, json_t *item) {
  if (l->format == AF_OUTPUT_JSON) {
    json_array_append_new(l->items, item);
    return;
  }
  print_line(item, JSON_COMPACT);
  json_decref(item);
}

void af_list_end(struct af_list *l) {
  if (l->format == AF_OUTPUT_JSON) af_print_json(l->items, AF_OUTPUT_JSON);
  json_decref(l->items);
  l->items = NULL;
}

void af_print_verbatim(const struct af_buf *text) {
  if (af_buf_rc(text) == -AF_ENOMEM) short_of_memory = true;
  else note_written(fwrite(text->ptr ? text->ptr : "", 1, text->len, stdout) == text->len);
}

void af_print_text(const struct af_buf *text) {
  struct af_terminal t;
  struct af_buf folded;
  int columns, rows;
  af_terminal_look(&t, STDOUT_FILENO);
  if (!text->len || af_buf_rc(text) || !t.tty || !af_terminal_size(STDOUT_FILENO, &columns, &rows)) {
    af_print_verbatim(text);
    return;
  }
  af_buf_init(&folded, FOLDED_MOST);
  af_put_folded(&folded, text->ptr, columns, t.utf8);
  af_print_verbatim(af_buf_rc(&folded) ? text : &folded);
  af_buf_done(&folded);
}

/* A reader that went away (head, less) has what it wanted: that is no failure. */
bool af_print_flush(void) {
  if (short_of_memory) {
    fputs("amiferry: memory is out: not everything could be printed\n", stderr);
    return false;
  }
  note_written(fflush(stdout) == 0);
  if (!write_errno && !ferror(stdout)) return true;
  if (write_errno == EPIPE) return true;
  errno = write_errno;
  fprintf(stderr, write_errno ? "amiferry: cannot write to standard output: %m\n" : "amiferry: cannot write to standard output\n");
  return false;
}

/* --- ends --- */

void af_tally_add(struct af_tally *t, const struct af_copy_view *v) {
  switch (v->row->state) {
    case AF_COPY_DONE: t->done++; break;
    case AF_COPY_FAILED: t->failed++; break;
    case AF_COPY_CANCELLED: t->failed++, t->cancelled++; break;
    case AF_COPY_BLOCKED: t->blocked++; break;
    case AF_COPY_WAITING: t->waiting++; break;
    default: *v->waits ? t->waiting++ : t->working++; break;
  }
}

size_t af_tally_all(const struct af_tally *t) {
  return t->done + t->failed + t->blocked + t->working + t->waiting;
}

enum af_exit af_tally_exit(const struct af_tally *t) {
  if (t->failed) return t->done ? AF_EXIT_PARTLY : AF_EXIT_FAILED;
  if (t->blocked) return AF_EXIT_BLOCKED;
  return t->working || t->waiting ? AF_EXIT_INTERRUPTED : AF_EXIT_DONE;
}

void af_put_tally(struct af_buf *out, const struct af_tally *t) {
  const struct {
    size_t n;
    const char *what;
  } counts[] = {{t->done, "done"},   {t->working, "working"},     {t->waiting, "waiting"}, {t->failed - t->cancelled, "failed"},
                {t->cancelled, "cancelled"}, {t->blocked, "blocked"}};
  bool any = false;
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    if (!counts[i].n) continue;
    af_buf_printf(out, "%s%zu %s", any ? ", " : "", counts[i].n, counts[i].what);
    any = true;
  }
  if (!any) af_buf_puts(out, "no copies");
}

/* Of return codes; those that are not here end with 1. */
enum af_exit af_exit_of(int rc, const struct af_error *err) {
  if (rc == -AF_EBUSY) return AF_EXIT_BUSY;
  if (rc == -AF_ECANCELED) return AF_EXIT_INTERRUPTED;
  return err->class == AF_CLASS_INVALID ? AF_EXIT_USAGE : AF_EXIT_FAILED;
}
