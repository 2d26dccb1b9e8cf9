/* Progress on standard error: a block that is redrawn in place where somebody looks at a terminal, plain lines where nobody does.
 *
 * The block's text is a pure function of the copies' views and the terminal's size (af_scene_*): tests hold it at any width. */
#ifndef AF_TOOLS_AMIFERRY_PROGRESS_H
#define AF_TOOLS_AMIFERRY_PROGRESS_H

#include "tools/amiferry/output.h"

/* --- columns of text --- */

/* How many columns s takes. Controls and, without utf8, all but ASCII count as the one "?" that is shown for them. */
int af_text_columns(const char *s, bool utf8);
/* Appends s, cut to so many columns at a character's border; what is cut ends in "…". Returns the columns taken. */
int af_put_columns(struct af_buf *out, const char *s, int columns, bool utf8);

/* --- the block --- */

#define AF_SCENE_ROWS 50

struct af_scene_size {
  int columns, rows; /* no line is longer than columns, and there are never more lines than rows (but one at least) */
};
struct af_scene {
  struct af_scene_size size;
  struct af_terminal terminal;
  int64_t now_ms, started_ms; /* of this process's work */
  const char *note;           /* on the last line; "" for none */
  struct af_tally tally;
  size_t n_active;            /* those that could have a line */
  struct af_copy_view busy[AF_SCENE_ROWS], waiting[AF_SCENE_ROWS];
  size_t n_busy, n_waiting;   /* of them kept */
  size_t busy_at[AF_SCENE_ROWS], waiting_at[AF_SCENE_ROWS]; /* how many were added before each */
};
/* In the order in which they are to be drawn. The view must live until then. */
void af_scene_add(struct af_scene *s, const struct af_copy_view *v);
/* Appends the lines, each with its "\n"; returns how many. Memory that is out gives fewer. */
int af_scene_draw(const struct af_scene *s, struct af_buf *out);

/* A line about an event, for where there is no terminal: false where it isn't worth one. Without "\n". */
bool af_event_line(struct af_buf *out, const struct af_copy_view *v, const struct af_step_row *step, const struct af_event_row *ev);

/* --- on standard error --- */

struct af_progress;
int af_progress_new(struct af_progress **ret, const struct af_wiring *w, const volatile int *stop); /* -AF_ENOMEM */
void af_progress_free(struct af_progress *p); /* takes NULL; ends it, too */
void af_progress_begin(struct af_progress *p, const struct af_engine *engine);
void af_progress_end(struct af_progress *p);  /* the block goes; what has scrolled away stays */
/* Where log records can be written without disturbing the block; goes with the progress. */
FILE *af_progress_log(struct af_progress *p);
/* The engine's hooks; ctx is the progress. */
void af_progress_turn(void *ctx);
void af_progress_event(void *ctx, const struct af_copy_row *copy, const struct af_step_row *step, const struct af_event_row *event);

#endif
