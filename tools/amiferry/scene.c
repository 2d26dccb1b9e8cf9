/* The progress block as text: a table of the copies that are under way, one line each, and a line that sums up. Pure.
 *
 * What doesn't fit is left out by column, the least telling first, for all lines alike, so that what stays is still a table.
 * Columns that can be cut are cut before they go, and some give room to others before these go: which copy it is and where it goes is
 * told to the last. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "plans/estimate.h"
#include "tools/amiferry/progress.h"

/* --- columns of text --- */

/* One character of s: its columns, and its bytes in *ret_n; 0 bytes at the end, -1 columns where "?" has to stand for it. */
static int character(const char *s, bool utf8, size_t *ret_n) {
  const unsigned char *c = (const unsigned char *)s;
  size_t n = *c == 0 ? 0 : *c < 0x80 ? 1 : *c < 0xE0 ? 2 : *c < 0xF0 ? 3 : 4;
  *ret_n = n;
  if (n <= 1) return n && *c >= 0x20 && *c != 0x7F ? 1 : n ? -1 : 0;
  uint32_t point = *c & (0x7Fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((c[i] & 0xC0) != 0x80) {
      *ret_n = i; /* no UTF-8: the rest begins anew */
      return -1;
    }
    point = point << 6 | (c[i] & 0x3F);
  }
  int columns = utf8 ? wcwidth((wchar_t)point) : -1;
  return columns < 0 ? -1 : columns;
}

int af_text_columns(const char *s, bool utf8) {
  int sum = 0;
  for (size_t n; *s; s += n) {
    int w = character(s, utf8, &n);
    sum += w < 0 ? 1 : w;
  }
  return sum;
}

static int put(struct af_buf *out, const char *s, int columns, bool utf8) {
  int taken = 0;
  for (size_t n; *s; s += n) {
    int w = character(s, utf8, &n), cost = w < 0 ? 1 : w;
    if (taken + cost > columns) break;
    if (w < 0) af_buf_putc(out, '?');
    else af_buf_add(out, s, n);
    taken += cost;
  }
  return taken;
}

int af_put_columns(struct af_buf *out, const char *s, int columns, bool utf8) {
  if (columns <= 0) return 0;
  if (af_text_columns(s, utf8) <= columns) return put(out, s, columns, utf8);
  int taken = put(out, s, columns - 1, utf8);
  af_buf_puts(out, utf8 ? "…" : "~");
  return taken + 1;
}

/* --- tables --- */

enum { COLUMNS_MAX = 12, CELL_MAX = 200 };

struct column {
  int rank;          /* the higher, the sooner it goes */
  int least;         /* it can be cut to so many columns; 0: it can't be cut */
  int most;          /* it never takes more; 0: as much as it wants */
  int brief, yields; /* it is cut to brief columns before one of a rank up to yields goes */
  bool tail;         /* it is cut at its beginning: its end tells more. Only for ASCII */
  enum af_tint tint;
  bool right;        /* aligned */
};
struct row {
  char cell[COLUMNS_MAX][CELL_MAX];
};

/* How much of `wanted` the columns that yield to column `to` can give; with take they give it. */
static int take_room(const struct column *columns, int n, int *widths, int to, int wanted, bool take) {
  int taken = 0;
  for (int i = n - 1; i >= 0 && taken < wanted; i--) {
    int gives = i != to && columns[i].yields >= columns[to].rank && widths[i] > columns[i].brief ? widths[i] - columns[i].brief : 0;
    if (gives > wanted - taken) gives = wanted - taken;
    if (take) widths[i] -= gives;
    taken += gives;
  }
  return taken;
}

/* Gives each column its width, 0 to those that go, so that all of them and what parts them fit. */
static void fit(const struct column *columns, int n, int *widths, int gap, int total) {
  for (;;) {
    int sum = 0, shown = 0, last = -1;
    for (int i = 0; i < n; i++) {
      if (!widths[i]) continue;
      sum += widths[i] + (shown++ ? gap : 0);
      if (last < 0 || columns[i].rank > columns[last].rank) last = i;
    }
    if (sum <= total) return;
    int least = columns[last].least && columns[last].least < widths[last] ? columns[last].least : widths[last];
    int cut = widths[last] - least, over = sum - total;
    if (shown == 1) {
      widths[last] = total;
      return;
    }
    if (cut > over) cut = over;
    if (take_room(columns, n, widths, last, over - cut, false) < over - cut) {
      widths[last] = 0;
      continue;
    }
    widths[last] -= cut;
    take_room(columns, n, widths, last, over - cut, true);
    return;
  }
}

static int put_cell(struct af_buf *out, const struct column *c, const char *text, int width, bool utf8) {
  int all = (int)strlen(text);
  if (!c->tail || all <= width) return af_put_columns(out, text, width, utf8);
  af_buf_puts(out, utf8 ? "…" : "~");
  return 1 + af_put_columns(out, text + all - (width - 1), width - 1, utf8);
}

static void draw_row(const struct af_scene *s, struct af_buf *out, const struct column *columns, int n, const int *widths, int gap, const struct row *row) {
  int owed = 0; /* spaces, put only when something follows */
  bool first = true;
  for (int i = 0; i < n; i++) {
    struct af_buf text;
    if (!widths[i]) continue;
    if (!first) owed += gap;
    first = false;
    af_buf_init(&text, CELL_MAX * 2);
    int taken = put_cell(&text, &columns[i], row->cell[i], widths[i], s->terminal.utf8), pad = widths[i] - taken;
    if (columns[i].right) owed += pad;
    if (taken) {
      af_buf_printf(out, "%*s", owed, "");
      owed = 0;
      af_put_tinted(out, &s->terminal, columns[i].tint, af_buf_cstr(&text));
    }
    if (!columns[i].right) owed += pad;
    af_buf_done(&text);
  }
  af_buf_putc(out, '\n');
}

static void draw_table(const struct af_scene *s, struct af_buf *out, const struct column *columns, int n, const struct row *rows, int n_rows) {
  int widths[COLUMNS_MAX] = {0}, gap = s->size.columns < 60 ? 1 : 2;
  for (int i = 0; i < n; i++)
    for (int r = 0; r < n_rows; r++) {
      int w = af_text_columns(rows[r].cell[i], s->terminal.utf8);
      if (columns[i].most && w > columns[i].most) w = columns[i].most;
      if (w > widths[i]) widths[i] = w;
    }
  fit(columns, n, widths, gap, s->size.columns);
  for (int r = 0; r < n_rows; r++) draw_row(s, out, columns, n, widths, gap, &rows[r]);
}

/* --- copies --- */

enum { C_IMAGE, C_SOURCE, C_TARGET, C_ACCOUNT, C_NAME, C_TITLE, C_STEP, C_BAR, C_PERCENT, C_BYTES, C_TIME, C_WAITS, C_MAX_ };
_Static_assert((int)C_MAX_ <= (int)COLUMNS_MAX, "the columns fit into a row");

static const struct column copy_columns[C_MAX_] = {
    [C_PERCENT] = {.rank = 0, .right = true},
    [C_IMAGE] = {.rank = 1, .least = 4, .brief = 11, .yields = 3, .tail = true},
    [C_TARGET] = {.rank = 2}, /* one image may go to many Regions */
    [C_TITLE] = {.rank = 3, .least = 10, .most = 24, .brief = 18, .yields = 4, .tint = AF_TINT_STRONG},
    [C_WAITS] = {.rank = 4, .least = 16, .tint = AF_TINT_CARE},
    [C_TIME] = {.rank = 5, .right = true},
    [C_BAR] = {.rank = 6},
    [C_NAME] = {.rank = 7, .least = 10, .most = 40},
    [C_BYTES] = {.rank = 8, .right = true, .tint = AF_TINT_FAINT},
    [C_SOURCE] = {.rank = 9},
    [C_ACCOUNT] = {.rank = 10},
    [C_STEP] = {.rank = 11, .tint = AF_TINT_FAINT},
};

static void bar(char *cell, size_t size, int percent, const struct af_scene *s) {
  int length = s->size.columns >= 140 ? 20 : 10, full = percent * length / 100;
  struct af_buf b;
  if (percent < 0) return;
  af_buf_init(&b, size - 1);
  for (int i = 0; i < length; i++) af_buf_puts(&b, s->terminal.utf8 ? (i < full ? "█" : "░") : (i < full ? "#" : "-"));
  af_str_copy(cell, size, af_buf_view(&b));
  af_buf_done(&b);
}

/* Since its first step was acted on; a stop between two processes counts, as it does for a person who waits. */
static int64_t begun_ms(const struct af_copy_view *v) {
  int64_t at = 0;
  for (size_t i = 0; i < v->n_steps; i++)
    if (v->steps[i].started_ms && (!at || v->steps[i].started_ms < at)) at = v->steps[i].started_ms;
  return at;
}

static void fill_row(struct row *row, const struct af_copy_view *v, const struct af_scene *s) {
  int64_t begun = begun_ms(v);
  struct af_buf bytes;
  AF_COPY(row->cell[C_IMAGE], af_str(v->spec->image));
  AF_COPY(row->cell[C_SOURCE], af_str(v->spec->source.region));
  snprintf(row->cell[C_TARGET], CELL_MAX, "%s %s", s->terminal.utf8 ? "→" : "->", v->spec->target.region);
  AF_COPY(row->cell[C_ACCOUNT], af_str(v->target_account));
  AF_COPY(row->cell[C_NAME], af_str(v->name));
  AF_COPY(row->cell[C_TITLE], af_str(v->title));
  if (v->step) snprintf(row->cell[C_STEP], CELL_MAX, "%zu/%zu", v->step, v->n_stage);
  bar(row->cell[C_BAR], CELL_MAX, v->percent, s);
  if (v->percent >= 0) snprintf(row->cell[C_PERCENT], CELL_MAX, "%3d%%", v->percent);
  if (v->bytes > 0) {
    af_buf_init(&bytes, CELL_MAX - 1);
    af_bytes_text(&bytes, v->bytes);
    AF_COPY(row->cell[C_BYTES], af_buf_view(&bytes));
    af_buf_done(&bytes);
  }
  if (begun && s->now_ms >= begun) af_time_span(s->now_ms - begun, row->cell[C_TIME]);
  if (*v->waits) snprintf(row->cell[C_WAITS], CELL_MAX, "waits: %s", v->waits);
}

/* --- the line that sums up --- */

enum { S_NOTE, S_FAILED, S_BLOCKED, S_DONE, S_WORKING, S_WAITING, S_TIME, S_MAX_ };

static const struct column sum_columns[S_MAX_] = {
    [S_NOTE] = {.rank = 1, .least = 8, .tint = AF_TINT_CARE}, [S_FAILED] = {.rank = 0, .tint = AF_TINT_BAD},
    [S_BLOCKED] = {.rank = 2, .tint = AF_TINT_CARE},          [S_DONE] = {.rank = 3, .tint = AF_TINT_GOOD},
    [S_WORKING] = {.rank = 4},                                [S_WAITING] = {.rank = 5, .tint = AF_TINT_FAINT},
    [S_TIME] = {.rank = 6, .tint = AF_TINT_FAINT}};

static void draw_sum(const struct af_scene *s, struct af_buf *out) {
  const struct {
    int column;
    size_t n;
    const char *what;
  } counts[] = {{S_DONE, s->tally.done, "done"}, {S_WORKING, s->tally.working, "working"}, {S_WAITING, s->tally.waiting, "waiting"},
                {S_FAILED, s->tally.failed, s->tally.failed == s->tally.cancelled ? "cancelled" : "failed"}, {S_BLOCKED, s->tally.blocked, "blocked"}};
  struct row row = {0};
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    if (counts[i].n) snprintf(row.cell[counts[i].column], CELL_MAX, "%zu %s", counts[i].n, counts[i].what);
  AF_COPY(row.cell[S_NOTE], af_str(s->note ? s->note : ""));
  af_time_span(s->now_ms - s->started_ms, row.cell[S_TIME]);
  draw_table(s, out, sum_columns, S_MAX_, &row, 1);
}

/* --- the whole --- */

void af_scene_add(struct af_scene *s, const struct af_copy_view *v) {
  enum af_copy_state state = v->row->state;
  af_tally_add(&s->tally, v);
  if (af_copy_state_ended(state) || state == AF_COPY_BLOCKED || state == AF_COPY_WAITING) return;
  if (*v->waits && s->n_waiting < AF_SCENE_ROWS) {
    s->waiting_at[s->n_waiting] = s->n_active;
    s->waiting[s->n_waiting++] = *v;
  } else if (!*v->waits && s->n_busy < AF_SCENE_ROWS) {
    s->busy_at[s->n_busy] = s->n_active;
    s->busy[s->n_busy++] = *v;
  }
  s->n_active++;
}

/* Where there isn't room for all, what waits is left out first. What is drawn keeps its order, however often a copy begins and ends to wait:
 * somebody looks for it where it was. */
static void fill_rows(const struct af_scene *s, struct row *rows, size_t n) {
  size_t n_busy = s->n_busy < n ? s->n_busy : n, n_waiting = n - n_busy, b = 0, w = 0;
  for (size_t i = 0; i < n; i++) {
    bool busy = w == n_waiting || (b < n_busy && s->busy_at[b] < s->waiting_at[w]);
    fill_row(&rows[i], busy ? &s->busy[b++] : &s->waiting[w++], s);
  }
}

int af_scene_draw(const struct af_scene *s, struct af_buf *out) {
  int room = s->size.rows - 1, lines = 1, n;
  if (room > AF_SCENE_ROWS) room = AF_SCENE_ROWS;
  if ((size_t)(room < 0 ? 0 : room) < s->n_active) room--; /* for the line that says so */
  n = room < 0 ? 0 : (size_t)room < s->n_active ? room : (int)s->n_active;
  struct row *rows = n ? calloc((size_t)n, sizeof(*rows)) : NULL;
  if (!rows) n = 0;
  fill_rows(s, rows, (size_t)n);
  draw_table(s, out, copy_columns, C_MAX_, rows, n);
  free(rows);
  if (room >= 0 && (size_t)n < s->n_active) {
    char more[48];
    snprintf(more, sizeof(more), "and %zu more", s->n_active - (size_t)n);
    af_put_columns(out, more, s->size.columns, s->terminal.utf8);
    af_buf_putc(out, '\n');
    lines++;
  }
  draw_sum(s, out);
  return n + lines;
}

/* --- lines about events --- */

static const struct {
  const char *kind;
  int state; /* of the step; -1: any */
  const char *says[AF_FACE_MAX_];
} told[] = { /* the rest is not worth a line: intents, repeats, what is planned */
    {"outcome", AF_STEP_DONE, {"done", "taken back"}},
    {"outcome", AF_STEP_PENDING, {"under way", "being taken back"}},
    {"ambiguous", -1, {"the reply was lost: finding out whether it happened", "the reply was lost: finding out whether it happened"}},
    {"refused", -1, {"refused", "refused"}},
};

static bool step_line(struct af_buf *out, const struct af_copy_view *v, const struct af_step_row *step, const struct af_event_row *ev) {
  const char *says = NULL;
  for (size_t i = 0; i < sizeof(told) / sizeof(told[0]) && !says; i++)
    if (af_streq(told[i].kind, ev->kind) && (told[i].state < 0 || told[i].state == (int)step->state)) says = told[i].says[step->face];
  if (!says || af_step_nothing_undone(step)) return false;
  af_buf_printf(out, "%s%s%s: %s", af_step_title(step->kind), *step->item ? " " : "", step->item, says);
  if (ev->message && !af_streq(ev->kind, "ambiguous") && !af_streq(ev->message, step->item) && !af_streq(ev->message, v->spec->image)) {
    af_buf_puts(out, ": ");
    af_put_text(out, ev->message);
  }
  return true;
}

/* The row may have gone on since the event, so the event's own words come first. */
static bool copy_line(struct af_buf *out, const struct af_copy_view *v, const struct af_event_row *ev) {
  const char *state = af_copy_state_name(v->row->state), *message = ev->message ? ev->message : state;
  struct af_error err;
  bool ends = af_streq(ev->kind, "state") && ev->message;
  if (af_streq(ev->kind, "facts")) return false;
  if (ends && v->row->state == AF_COPY_DONE && v->row->image_id) message = v->row->image_id;
  if (ends && !af_str_starts(af_str(message), state)) af_buf_printf(out, "%s: ", state);
  af_put_text(out, message);
  if (!ends || v->row->state == AF_COPY_DONE || !v->row->error || af_error_from_json(v->row->error, &err) || af_streq(err.message, message)) return true;
  af_buf_puts(out, ": ");
  af_put_text(out, err.message);
  return true;
}

bool af_event_line(struct af_buf *out, const struct af_copy_view *v, const struct af_step_row *step, const struct af_event_row *ev) {
  char at[AF_TIME_SIZE];
  struct af_buf what;
  af_buf_init(&what, 4096);
  bool worth = step ? step_line(&what, v, step, ev) : copy_line(&what, v, ev);
  if (worth) {
    af_time_iso_s(ev->at_ms, at);
    af_buf_printf(out, "%s %s %s -> %s%s%s: %s", at, v->row->id, v->spec->image, v->target_account, *v->target_account ? " " : "", v->spec->target.region,
                  af_buf_cstr(&what));
  }
  af_buf_done(&what);
  return worth;
}
