/* Progress on standard error. The block is erased before anything else is written and drawn again behind it, so that finished copies,
 * messages and log records scroll away above it as plain lines. The cursor is never hidden: whatever ends the process leaves
 * a terminal that works. */
#include "tools/amiferry/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
  DRAW_MS = 200,       /* between two drawings */
  SUM_MS = 60 * 1000,  /* between two lines that sum up, where there is no terminal */
  TEXT_MAX = 256 * 1024,
};

enum mode { MODE_NONE, MODE_LINES, MODE_BLOCK };

struct af_progress {
  enum mode mode;
  struct af_terminal terminal;
  const struct af_clock *clock;
  const volatile int *stop;
  const struct af_engine *engine;
  FILE *log;           /* writes through this struct */
  int64_t started_ms;  /* wall clock: for what is shown */
  int64_t drawn_mono_ms, summed_mono_ms;
  bool said_stop, quiet;
  int drawn[AF_SCENE_ROWS + 2]; /* columns of the lines that stand there */
  int n_drawn;
  struct af_tally last; /* that was summed up */
  struct af_scene scene;
  struct af_buf text;
};

static void size_of(struct af_scene_size *ret) {
  if (!af_terminal_size(STDERR_FILENO, &ret->columns, &ret->rows)) *ret = (struct af_scene_size){80, 24};
  ret->columns = ret->columns > 1 ? ret->columns - 1 : 1; /* the last column is left free: some terminals wrap when it is written */
  ret->rows = ret->rows > 2 ? ret->rows - 1 : 1;
}

static void flush(struct af_progress *p) {
  fwrite(p->text.ptr ? p->text.ptr : "", 1, p->text.len, stderr);
  fflush(stderr);
  af_buf_reset(&p->text);
}

/* A terminal that became narrower has broken the lines anew: count what they take now. */
static void put_erase(struct af_progress *p) {
  struct af_scene_size size;
  int up = 0;
  if (!p->n_drawn) return;
  size_of(&size);
  for (int i = 0; i < p->n_drawn; i++) up += p->drawn[i] ? (p->drawn[i] - 1) / (size.columns + 1) + 1 : 1;
  if (up > size.rows) up = size.rows;
  af_buf_printf(&p->text, "\r\033[%dA\033[J", up);
  p->n_drawn = 0;
}

static void look(struct af_progress *p) {
  size_t n = af_engine_count(p->engine);
  p->scene.terminal = p->terminal;
  p->scene.now_ms = af_now_ms(p->clock);
  p->scene.started_ms = p->started_ms;
  p->scene.note = *p->stop ? "stopping at a safe point" : "";
  p->scene.tally = (struct af_tally){0};
  p->scene.n_active = p->scene.n_busy = p->scene.n_waiting = 0;
  size_of(&p->scene.size);
  for (size_t i = 0; i < n; i++) {
    struct af_copy_view v;
    af_engine_view(p->engine, i, &v);
    af_scene_add(&p->scene, &v);
  }
}

/* Columns, not bytes: escapes take none. */
static void remember(struct af_progress *p, const char *lines) {
  p->n_drawn = 0;
  for (const char *end; (end = strchr(lines, '\n')) && p->n_drawn < AF_SCENE_ROWS + 2; lines = end + 1) {
    struct af_buf plain;
    af_buf_init(&plain, 4096);
    for (const char *c = lines; c < end; c++) {
      if (*c == '\033') c = memchr(c, 'm', (size_t)(end - c));
      else af_buf_putc(&plain, *c);
      if (!c) break;
    }
    p->drawn[p->n_drawn++] = af_text_columns(af_buf_cstr(&plain), p->terminal.utf8);
    af_buf_done(&plain);
  }
}

static void draw(struct af_progress *p) {
  struct af_buf block;
  look(p);
  put_erase(p);
  af_buf_init(&block, TEXT_MAX);
  af_scene_draw(&p->scene, &block);
  af_buf_puts(&p->text, af_buf_cstr(&block));
  remember(p, af_buf_cstr(&block));
  af_buf_done(&block);
  flush(p);
  p->drawn_mono_ms = af_mono_ms(p->clock);
}

static void sum_up(struct af_progress *p) {
  char span[AF_TIME_SIZE];
  look(p);
  p->summed_mono_ms = af_mono_ms(p->clock);
  af_time_span(p->scene.now_ms - p->started_ms, span);
  af_put_tally(&p->text, &p->scene.tally);
  af_buf_printf(&p->text, " after %s", span);
  if (p->scene.n_waiting) { /* one of them for all: it is often the same for each */
    af_buf_printf(&p->text, "; %s waits: ", p->scene.waiting[0].row->id);
    af_put_text(&p->text, p->scene.waiting[0].waits);
  }
  af_buf_putc(&p->text, '\n');
  flush(p);
}

/* What was waited for in one turn may end in the next, so the words come from here and not from the signal's handler. */
static void say_stop(struct af_progress *p) {
  p->said_stop = true;
  if (p->quiet) return;
  put_erase(p);
  af_buf_printf(&p->text, "stopping at a safe point%s (Ctrl-C again: at once)\n", p->terminal.utf8 ? "…" : "...");
  flush(p);
}

void af_progress_turn(void *ctx) {
  struct af_progress *p = ctx;
  int64_t now = af_mono_ms(p->clock);
  if (!p->engine) return;
  if (*p->stop && !p->said_stop) say_stop(p);
  if (p->mode == MODE_BLOCK && now - p->drawn_mono_ms >= DRAW_MS) draw(p);
  if (p->mode == MODE_LINES && now - p->summed_mono_ms >= SUM_MS) sum_up(p);
}

/* The view of a row that the engine shows: in a batch by itself the copies stand at their positions. */
static bool find_view(const struct af_progress *p, const struct af_copy_row *row, struct af_copy_view *ret) {
  size_t n = af_engine_count(p->engine), guess = (size_t)row->position;
  for (size_t i = 0; i < n; i++) {
    af_engine_view(p->engine, (guess + i) % n, ret);
    if (ret->row == row) return true;
  }
  return false;
}

void af_progress_event(void *ctx, const struct af_copy_row *copy, const struct af_step_row *step, const struct af_event_row *event) {
  struct af_progress *p = ctx;
  struct af_copy_view v;
  struct af_buf line;
  bool rests = af_copy_state_ended(copy->state) || copy->state == AF_COPY_BLOCKED;
  if (!p->engine || p->mode == MODE_NONE || (p->mode == MODE_BLOCK && (step || !rests)) || !find_view(p, copy, &v)) return;
  af_buf_init(&line, 8192);
  if (af_event_line(&line, &v, step, event)) {
    put_erase(p);
    if (p->mode == MODE_BLOCK) af_put_tinted(&p->text, &p->terminal, af_state_tint(copy->state), af_buf_cstr(&line));
    else af_buf_puts(&p->text, af_buf_cstr(&line));
    af_buf_putc(&p->text, '\n');
    flush(p);
    p->drawn_mono_ms = 0; /* the block comes back with this turn */
  }
  af_buf_done(&line);
}

static ssize_t write_log(void *cookie, const char *bytes, size_t n) {
  struct af_progress *p = cookie;
  put_erase(p);
  af_buf_add(&p->text, bytes, n);
  flush(p);
  p->drawn_mono_ms = 0;
  return (ssize_t)n;
}

int af_progress_new(struct af_progress **ret, const struct af_wiring *w, const volatile int *stop) {
  struct af_progress *p = calloc(1, sizeof(*p));
  if (!p) return -AF_ENOMEM;
  p->clock = w->clock;
  p->stop = stop;
  p->quiet = w->settings->quiet;
  af_terminal_look(&p->terminal, STDERR_FILENO);
  p->mode = p->quiet || w->settings->no_progress ? MODE_NONE : p->terminal.tty ? MODE_BLOCK : MODE_LINES;
  af_buf_init(&p->text, TEXT_MAX);
  p->log = fopencookie(p, "w", (cookie_io_functions_t){.write = write_log});
  if (!p->log) {
    af_progress_free(p);
    return -AF_ENOMEM;
  }
  *ret = p;
  return 0;
}

FILE *af_progress_log(struct af_progress *p) {
  return p->log;
}

void af_progress_begin(struct af_progress *p, const struct af_engine *engine) {
  p->engine = engine;
  p->started_ms = af_now_ms(p->clock);
  p->summed_mono_ms = af_mono_ms(p->clock);
}

void af_progress_end(struct af_progress *p) {
  put_erase(p);
  flush(p);
  p->engine = NULL;
}

void af_progress_free(struct af_progress *p) {
  if (!p) return;
  if (p->log) {
    af_progress_end(p);
    (void)fclose(p->log);
  }
  af_buf_done(&p->text);
  free(p);
}
