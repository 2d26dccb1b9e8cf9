/* amiferry routes: the ways that a copy may go, drawn from the tables that the engine goes by: it can't be out of date.
 *
 * json, ndjson  {"type": "routes", "auto": [{"for", "routes": [route, ...]}], the ladders: the first that fits; a route that AWS refuses is
 *                followed by the next, "routes": [{"route", "steps": [{"kind", "title", "each": "key|snapshot"|null, "when", "temporary"}]}]} */
#include <stdio.h>

#include "tools/amiferry/commands.h"
#include "tools/amiferry/output.h"

enum { TEXT_MAX = 1024 * 1024 };

static struct {
  bool dot, mermaid;
} values;
static const struct af_option options[] = {
    {"dot", NULL, AF_OPTION_FLAG, offsetof(__typeof__(values), dot), "as a graph for Graphviz"},
    {"mermaid", NULL, AF_OPTION_FLAG, offsetof(__typeof__(values), mermaid), "as a flowchart for Mermaid"},
    {0},
};
static const struct af_option_set set = {"Options", options, &values};

/* What settles it before any ladder is looked at. */
static const struct {
  enum af_route route;
  const char *words;
} before[] = {
    {AF_ROUTE_ADOPT, "an earlier copy of it is there"},
    {AF_ROUTE_SKIP, "its name is taken, and that is to be left"},
};
#define N_BEFORE (sizeof(before) / sizeof(before[0]))

static bool in_route(const struct af_route_leg *leg, int route) {
  return leg->routes & (1u << route);
}

/* --- text and JSON --- */

static void put_legs(struct af_buf *out, int route) {
  struct af_route_leg leg;
  for (size_t i = 0; af_route_leg(i, &leg); i++) {
    if (!in_route(&leg, route)) continue;
    af_buf_printf(out, "  %-16s  %s", leg.kind, leg.title);
    if (*leg.each) af_buf_printf(out, ", each %s", leg.each);
    if (*leg.when) af_buf_printf(out, ", if %s", leg.when);
    af_buf_puts(out, leg.temporary ? "; taken back in the end\n" : "\n");
  }
}

static void put_text(struct af_buf *out) {
  struct af_route_way way;
  af_buf_puts(out, "route: auto takes the first line that fits the source; where AWS refuses a route, the next one of the line\n");
  for (size_t i = 0; i < N_BEFORE; i++) af_buf_printf(out, "     %-42s  %s\n", before[i].words, af_route_name(before[i].route));
  for (size_t i = 0; af_route_way(i, &way); i++) {
    af_buf_printf(out, "  %zu  %-42s", i + 1, way.words);
    for (size_t k = 0; k < way.n; k++) af_buf_printf(out, "%s%s", k ? ", then " : "  ", af_route_name(way.rungs[k]));
    af_buf_putc(out, '\n');
  }
  for (int r = AF_ROUTE_NONE + 1; r < AF_ROUTE_MAX_; r++) {
    af_buf_printf(out, "\n%s\n", af_route_name((enum af_route)r));
    put_legs(out, r);
  }
}

static json_t *json_ways(void) {
  json_t *list = json_array();
  struct af_route_way way;
  for (size_t i = 0; af_route_way(i, &way); i++) {
    json_t *routes = json_array();
    for (size_t k = 0; k < way.n; k++) json_array_append_new(routes, json_string(af_route_name(way.rungs[k])));
    json_array_append_new(list, json_pack("{s:s, s:o}", "for", way.words, "routes", routes));
  }
  return list;
}

static json_t *json_legs(int route) {
  json_t *list = json_array();
  struct af_route_leg leg;
  for (size_t i = 0; af_route_leg(i, &leg); i++)
    if (in_route(&leg, route))
      json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:b}", "kind", leg.kind, "title", leg.title, "each", af_json_text(*leg.each ? leg.each : NULL),
                                            "when", af_json_text(*leg.when ? leg.when : NULL), "temporary", leg.temporary));
  return list;
}

static void print_json(enum af_output_format format) {
  json_t *routes = json_array();
  for (int r = AF_ROUTE_NONE + 1; r < AF_ROUTE_MAX_; r++)
    json_array_append_new(routes, json_pack("{s:s, s:o}", "route", af_route_name((enum af_route)r), "steps", json_legs(r)));
  json_t *o = json_pack("{s:s, s:o, s:o}", "type", "routes", "auto", json_ways(), "routes", routes);
  if (o) af_print_json(o, format);
  json_decref(o);
}

/* --- pictures --- */

struct pen { /* how a graph is written; its words are plain, and need no escapes */
  const char *begin, *end, *box_end, *line; /* line: a break in a step's label */
  void (*box)(struct af_buf *out, int route);
  void (*step)(struct af_buf *out, int route, int step, const char *label, bool always);
  void (*next)(struct af_buf *out, int route, int step);                  /* from the step to the next one */
  void (*way)(struct af_buf *out, const char *label, int route);          /* from the source */
  void (*down)(struct af_buf *out, int from, const char *label, int to);  /* where AWS refuses */
};

static void mermaid_box(struct af_buf *out, int route) {
  af_buf_printf(out, "  subgraph r%d[%s]\n    direction TB\n", route, af_route_name((enum af_route)route));
}
static void mermaid_step(struct af_buf *out, int route, int step, const char *label, bool always) {
  af_buf_printf(out, "    r%ds%d%s\"%s\"%s\n", route, step, always ? "[" : "(", label, always ? "]" : ")");
}
static void mermaid_next(struct af_buf *out, int route, int step) {
  af_buf_printf(out, "    r%ds%d --> r%ds%d\n", route, step, route, step + 1);
}
static void mermaid_way(struct af_buf *out, const char *label, int route) {
  af_buf_printf(out, "  source -->|\"%s\"| r%d\n", label, route);
}
static void mermaid_down(struct af_buf *out, int from, const char *label, int to) {
  af_buf_printf(out, "  r%d -.->|\"%s\"| r%d\n", from, label, to);
}
static const struct pen mermaid = {"flowchart TD\n  source([the source AMI])\n", "", "  end\n", "<br/>", mermaid_box, mermaid_step, mermaid_next,
                                   mermaid_way, mermaid_down};

/* Graphviz draws edges between nodes only: from and to a route's first step, cut off at its box. */
static void dot_box(struct af_buf *out, int route) {
  af_buf_printf(out, "  subgraph cluster_r%d {\n    label=\"%s\"\n", route, af_route_name((enum af_route)route));
}
static void dot_step(struct af_buf *out, int route, int step, const char *label, bool always) {
  af_buf_printf(out, "    r%ds%d [label=\"%s\"%s]\n", route, step, label, always ? "" : ", style=rounded");
}
static void dot_next(struct af_buf *out, int route, int step) {
  af_buf_printf(out, "    r%ds%d -> r%ds%d\n", route, step, route, step + 1);
}
static void dot_way(struct af_buf *out, const char *label, int route) {
  af_buf_printf(out, "  source -> r%ds0 [label=\"%s\", lhead=cluster_r%d]\n", route, label, route);
}
static void dot_down(struct af_buf *out, int from, const char *label, int to) {
  af_buf_printf(out, "  r%ds0 -> r%ds0 [label=\"%s\", style=dashed, ltail=cluster_r%d, lhead=cluster_r%d]\n", from, to, label, from, to);
}
static const struct pen dot = {"digraph routes {\n  compound=true\n  node [shape=box]\n  source [label=\"the source AMI\", shape=oval]\n", "}\n", "  }\n",
                               "\\n", dot_box, dot_step, dot_next, dot_way, dot_down};

static void draw_step(struct af_buf *out, const struct pen *pen, int route, int step, const struct af_route_leg *leg) {
  struct af_buf label;
  af_buf_init(&label, 1000);
  af_buf_puts(&label, leg->kind);
  if (*leg->each) af_buf_printf(&label, ", each %s", leg->each);
  if (*leg->when) af_buf_printf(&label, "%sif %s", pen->line, leg->when);
  if (leg->temporary) af_buf_printf(&label, "%staken back in the end", pen->line);
  pen->step(out, route, step, af_buf_cstr(&label), !*leg->when);
  af_buf_done(&label);
}

static void draw_route(struct af_buf *out, const struct pen *pen, int route) {
  struct af_route_leg leg;
  int n = 0;
  pen->box(out, route);
  for (size_t i = 0; af_route_leg(i, &leg); i++)
    if (in_route(&leg, route)) draw_step(out, pen, route, n++, &leg);
  for (int k = 0; k + 1 < n; k++) pen->next(out, route, k);
  af_buf_puts(out, pen->box_end);
}

/* One arrow for all ladders that go from one route to another, with their numbers. */
static void draw_down(struct af_buf *out, const struct pen *pen, int from, int to) {
  struct af_route_way way;
  struct af_buf numbers;
  af_buf_init(&numbers, 200);
  for (size_t i = 0; af_route_way(i, &way); i++)
    for (size_t k = 0; k + 1 < way.n; k++)
      if ((int)way.rungs[k] == from && (int)way.rungs[k + 1] == to) af_buf_printf(&numbers, "%s%zu", numbers.len ? ", " : "AWS refuses it: ", i + 1);
  if (numbers.len) pen->down(out, from, af_buf_cstr(&numbers), to);
  af_buf_done(&numbers);
}

static void draw_ways(struct af_buf *out, const struct pen *pen) {
  struct af_route_way way;
  char label[100];
  for (size_t i = 0; i < N_BEFORE; i++) pen->way(out, before[i].words, before[i].route);
  for (size_t i = 0; af_route_way(i, &way); i++) {
    snprintf(label, sizeof(label), "%zu: %s", i + 1, way.words);
    pen->way(out, label, way.rungs[0]);
  }
  for (int from = AF_ROUTE_NONE + 1; from < AF_ROUTE_MAX_; from++)
    for (int to = AF_ROUTE_NONE + 1; to < AF_ROUTE_MAX_; to++) draw_down(out, pen, from, to);
}

static void draw(struct af_buf *out, const struct pen *pen) {
  af_buf_puts(out, pen->begin);
  for (int r = AF_ROUTE_NONE + 1; r < AF_ROUTE_MAX_; r++) draw_route(out, pen, r);
  draw_ways(out, pen);
  af_buf_puts(out, pen->end);
}

/* --- the command --- */

static int run(const struct af_invocation *inv) {
  bool picture = values.dot || values.mermaid;
  struct af_error err;
  struct af_buf out;
  if (values.dot + values.mermaid + (inv->settings.output != AF_OUTPUT_TEXT) > 1) {
    af_error_set(&err, -AF_EINVAL, AF_CLASS_INVALID, "BadOption", "routes: one of --dot, --mermaid and --output, please");
    af_say_error(&err);
    return AF_EXIT_USAGE;
  }
  if (inv->settings.output != AF_OUTPUT_TEXT) {
    print_json((enum af_output_format)inv->settings.output);
    return AF_EXIT_DONE;
  }
  af_buf_init(&out, TEXT_MAX);
  if (picture) draw(&out, values.dot ? &dot : &mermaid);
  else put_text(&out);
  (picture ? af_print_verbatim : af_print_text)(&out);
  af_buf_done(&out);
  return AF_EXIT_DONE;
}

const struct af_command af_command_routes = {
    .name = "routes", .arguments = "",
    .summary = "show the ways that a copy may go, and their steps",
    .text = "As text, or as a picture, from the tables that the engine goes by. Which way a manifest's copies would go, plan says.",
    .sets = {&set}, .run = run};
