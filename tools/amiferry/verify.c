/* amiferry verify: a copy and its source, compared as they are in AWS now. It changes nothing, and works beside a running process.
 *
 * json, ndjson  {"type": "verify", "copy": id, "source": {"region", "image", "live"}, "target": {"region", "image"}, "same": bool,
 *                "findings": [{"attribute", "verdict": "Same|Different|Missing|Unreadable", "allowed", "source", "copy"}]}
 *               live: false where the source is gone, and what was read of it then is compared; allowed: it may differ */
#include <stdio.h>
#include <unistd.h>

#include "tools/amiferry/commands.h"
#include "tools/amiferry/find.h"
#include "tools/amiferry/output.h"
#include "tools/amiferry/stored.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

struct verified {
  struct af_copy_row row;
  struct af_copy_spec spec;
  struct af_findings findings;
  bool live;
  size_t verdicts[AF_VERDICT_MAX_]; /* of findings that are not allowed */
  size_t allowed;
};

static void verified_done(struct verified *v) {
  af_findings_done(&v->findings);
  af_copy_spec_done(&v->spec);
  af_copy_row_done(&v->row);
}

static void count(struct verified *v) {
  for (size_t i = 0; i < v->findings.n; i++) {
    const struct af_finding *f = &v->findings.list[i];
    if (f->allowed) v->allowed++;
    else v->verdicts[f->verdict]++;
  }
}

static bool same(const struct verified *v) {
  return v->verdicts[AF_SAME] + v->allowed == v->findings.n;
}

/* What differs is known; what can't be read may. */
static enum af_exit exit_of(const struct verified *v) {
  if (same(v)) return AF_EXIT_DONE;
  return v->verdicts[AF_DIFFERENT] + v->verdicts[AF_MISSING] ? AF_EXIT_FAILED : AF_EXIT_BLOCKED;
}

/* --- text --- */

static void put_finding(struct af_buf *out, const struct af_finding *f, const struct af_terminal *t) {
  static const enum af_tint tints[AF_VERDICT_MAX_] = {
      [AF_SAME] = AF_TINT_GOOD, [AF_DIFFERENT] = AF_TINT_BAD, [AF_MISSING] = AF_TINT_BAD, [AF_UNREADABLE] = AF_TINT_CARE};
  char verdict[16];
  snprintf(verdict, sizeof(verdict), "%-10s", af_verdict_name(f->verdict));
  af_buf_puts(out, "  ");
  af_put_tinted(out, t, f->allowed ? AF_TINT_FAINT : tints[f->verdict], verdict);
  af_buf_printf(out, "  %-44s  ", f->attribute);
  af_put_text(out, f->source);
  if (f->verdict != AF_SAME) {
    af_buf_puts(out, " -> ");
    af_put_text(out, *f->copy ? f->copy : "nothing");
  }
  af_buf_puts(out, f->allowed ? "  (allowed)\n" : "\n");
}

static void put_sum(struct af_buf *out, const struct verified *v) {
  bool any = false;
  for (int i = 0; i < AF_VERDICT_MAX_; i++) {
    if (!v->verdicts[i]) continue;
    af_buf_printf(out, "%s%zu %s", any ? ", " : "", v->verdicts[i], af_verdict_name((enum af_verdict)i));
    any = true;
  }
  if (v->allowed) af_buf_printf(out, "%s%zu allowed to differ", any ? ", " : "", v->allowed);
  af_buf_putc(out, '\n');
}

static void print_text(const struct verified *v) {
  struct af_terminal t;
  struct af_buf out;
  af_terminal_look(&t, STDOUT_FILENO);
  af_buf_init(&out, TEXT_MAX);
  af_buf_printf(&out, "%s  %s (%s) -> %s (%s)\n", v->row.id, v->spec.image, v->spec.source.region, v->row.image_id, v->spec.target.region);
  if (!v->live) af_buf_puts(&out, "  the source is gone: compared with what was read of it when it was copied\n");
  for (size_t i = 0; i < v->findings.n; i++) put_finding(&out, &v->findings.list[i], &t);
  put_sum(&out, v);
  af_print_text(&out);
  af_buf_done(&out);
}

/* --- JSON --- */

static void print_json(const struct verified *v, enum af_output_format format) {
  json_t *list = json_array();
  for (size_t i = 0; i < v->findings.n; i++) {
    const struct af_finding *f = &v->findings.list[i];
    json_array_append_new(list, json_pack("{s:o, s:s, s:b, s:o, s:o}", "attribute", af_json_text(f->attribute), "verdict", af_verdict_name(f->verdict),
                                          "allowed", f->allowed, "source", af_json_text(f->source), "copy", af_json_text(f->copy)));
  }
  json_t *o = json_pack("{s:s, s:s, s:{s:s, s:s, s:b}, s:{s:s, s:s}, s:b, s:o}", "type", "verify", "copy", v->row.id, "source", "region",
                        v->spec.source.region, "image", v->spec.image, "live", v->live, "target", "region", v->spec.target.region, "image",
                        v->row.image_id, "same", same(v), "findings", list);
  if (o) af_print_json(o, format);
  json_decref(o);
}

/* --- the command --- */

static int read_all(struct af_wiring *w, const struct af_invocation *inv, struct verified *v, const volatile int *stop, struct af_error *err) {
  struct af_engine_config hooks = {.stop = stop};
  int rc = af_wiring_store(w, AF_STORE_READER, err);
  if (rc == -AF_ENOENT) return af_error_set(err, rc, AF_CLASS_INVALID, "NoCopy", "no copy %.64s: there is no database at %s", inv->args[0], w->db);
  if (!rc) rc = af_copy_find(w->store, inv->args[0], &v->row, err);
  if (!rc) rc = af_stored_spec(&v->spec, &v->row, err);
  if (!rc) rc = af_wiring_client(w, err);
  if (!rc) rc = af_wiring_engine(w, &hooks, err);
  if (!rc) rc = af_engine_verify(w->engine, v->row.id, &v->findings, &v->live, err);
  return rc;
}

static void say_unread(const struct af_error *err) {
  struct af_buf text;
  af_buf_init(&text, 8192);
  af_put_error(&text, err);
  fprintf(stderr, "amiferry: it can't be read now\n%s", af_buf_cstr(&text));
  af_buf_done(&text);
}

static int run(const struct af_invocation *inv) {
  struct af_wiring w = {0};
  struct verified v = {.live = false};
  struct af_error err;
  int rc = af_wiring_init(&w, &inv->settings, &err);
  if (!rc) rc = read_all(&w, inv, &v, af_wiring_signals(), &err);
  count(&v);
  if (rc == -AF_EAWS) say_unread(&err);
  else if (rc) af_say_error(&err);
  else if (inv->settings.output == AF_OUTPUT_TEXT) print_text(&v);
  else print_json(&v, (enum af_output_format)inv->settings.output);
  int exit_code = rc == -AF_EAWS ? AF_EXIT_BLOCKED : rc ? (int)af_exit_of(rc, &err) : (int)exit_of(&v);
  verified_done(&v);
  af_wiring_done(&w);
  return exit_code;
}

const struct af_command af_command_verify = {
    .name = "verify", .arguments = "COPY", .min_args = 1, .max_args = 1,
    .summary = "compare a finished copy with its source again, as both are in AWS now",
    .text = "Attribute by attribute: Same, Different, Missing or Unreadable. Where the source is gone, what was read of it then is compared. Where a copy "
            "that ended a moment ago (--consistency-window) differs, both are read again once AWS must show all of it. It changes nothing, and works while "
            "another process carries copies out.\n"
            "Exits with 0 where all is the same or allowed to differ, with 1 where something differs, with 4 where it can't be read.",
    .sets = {&af_option_set_engine}, .run = run};
