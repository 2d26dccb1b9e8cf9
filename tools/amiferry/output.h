/* What is said: data on standard output, messages on standard error. output.c documents the JSON. */
#ifndef AF_TOOLS_AMIFERRY_OUTPUT_H
#define AF_TOOLS_AMIFERRY_OUTPUT_H

#include <jansson.h>

#include "engine/engine.h"
#include "tools/amiferry/wiring.h"

/* --- messages, on standard error --- */

void af_say_quietly(bool quiet); /* from now on only errors are said */
void af_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A hint that ends with what to type (": amiferry resume 2026…") is given the database's words, too: the engine doesn't know them. */
void af_say_error(const struct af_error *err);
void af_say_mistakes(const struct af_mistakes *more); /* behind the first, each likewise; nothing where there are none */

/* The database as the command line named it, or NULL: whatever is said of what to type names it, too. */
void af_name_database(const char *db);
const char *af_database_words(void); /* " --db x", as a shell has to be given it, or "" */

/* --- text --- */

/* Appends s without what would move a terminal's cursor or colour it: it may come from AWS or from a manifest. */
void af_put_text(struct af_buf *out, const char *s);
enum af_tint { AF_TINT_NONE, AF_TINT_GOOD, AF_TINT_BAD, AF_TINT_CARE, AF_TINT_FAINT, AF_TINT_STRONG, AF_TINT_MAX_ };
void af_put_tinted(struct af_buf *out, const struct af_terminal *t, enum af_tint tint, const char *s);
enum af_tint af_state_tint(enum af_copy_state s);
void af_put_error(struct af_buf *out, const struct af_error *err); /* indented lines: what, where, what to do */
/* "ami-1 (us-east-1) -> ami-2 (eu-west-1)  done  name", and the error's lines */
void af_put_result(struct af_buf *out, const struct af_copy_view *v, const struct af_terminal *t);

/* Appends text with its lines folded to so many columns (fold.c). */
void af_put_folded(struct af_buf *out, const char *text, int columns, bool utf8);

/* It was to be undone, and there was nothing to do about it: it never happened, goes with something else, or is another copy's to take back. */
bool af_step_nothing_undone(const struct af_step_row *s);

/* The routes that were given up, a line each: "  tried copy-image: InvalidRequest: …". tried: as it is stored; may be NULL. */
void af_put_tried(struct af_buf *out, const char *before, const char *tried);

/* --- JSON; NULL where memory is out --- */

json_t *af_json_error(const struct af_error *err);
json_t *af_json_stored_error(const char *json); /* of a row; null where there is none */
json_t *af_json_time(int64_t ms);               /* null where ms is 0 */
json_t *af_json_text(const char *s);            /* null for NULL; bytes that are no UTF-8 are replaced */
json_t *af_json_tried(const char *tried);       /* as it is stored; an empty array where there are none */
json_t *af_json_copy(const struct af_copy_view *v);

/* --- documents --- */

/* Before anything is printed: from now on a document for which memory ran out is not printed at all, and af_print_flush() says so. */
void af_print_begin(void);
/* An array of objects (JSON), or one object a line (NDJSON). */
struct af_list {
  enum af_output_format format;
  json_t *items;
};
void af_list_begin(struct af_list *l, enum af_output_format format);
void af_list_add(struct af_list *l, json_t *item); /* takes it over */
void af_list_end(struct af_list *l);
void af_print_json(const json_t *document, enum af_output_format format);
void af_print_text(const struct af_buf *text); /* folded where standard output is a terminal */
void af_print_verbatim(const struct af_buf *text);
/* Whether all that was printed has gone out; says so on standard error where it has not. */
bool af_print_flush(void);

/* --- ends --- */

struct af_tally {
  size_t done, failed, blocked, working, waiting; /* failed: cancelled, too */
  size_t cancelled;                               /* of those that failed */
};
void af_tally_add(struct af_tally *t, const struct af_copy_view *v);
size_t af_tally_all(const struct af_tally *t);
enum af_exit af_tally_exit(const struct af_tally *t);
void af_put_tally(struct af_buf *out, const struct af_tally *t); /* "3 done, 1 failed" */
enum af_exit af_exit_of(int rc, const struct af_error *err);     /* of a command that could not go on */

#endif
