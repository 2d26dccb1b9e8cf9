/* amiferry plan: what run would do, and why, with nothing changed anywhere: facts are read, routes chosen, and that is shown.
 *
 * json    {"manifest", "copies": [planned, ...], "places": [estimate, ...], "totals": estimate}; --out writes the same
 * ndjson  a planned a line, then the totals with "type": "totals"
 *
 * planned   {"type": "planned", "position", "state": "ready|blocked|refused", "source": {"account", "region", "image", "name"},
 *            "target": {"account", "region"}, "name", "route": "adopt|skip|copy-image|reencrypt|launch-image", "ladder", "reason", "adopted_image",
 *            "key", "bytes", "launch": {"instance_type", "subnet"},
 *            "snapshots": [{"id", "bytes", "encrypted", "key"}], "steps": [{"kind", "title", "item", "stage"}], "warnings": [text],
 *            "ownership": {"before": {"account", "keys": [arn]}, "borrowed": [{"kind", "resource", "by"}], "after": {"account", "key"}},
 *            "estimate": estimate, "error": error, "facts": what AWS said, by the API's names}; ladder: "copy-image, then launch-image", the
 *            routes as AWS refuses them; launch: where the first instance would run, null where it is not known
 * estimate  {"account", "region", "copies", "adopted", "refused", "snapshots", "bytes", "transfer_bytes", "storage_usd_month",
 *            "transfer_usd", "launches", "launch_usd", "temporary_bytes", "time_ms"}: upper bounds; account and region are null in sums
 *            over several */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plans/estimate.h"
#include "plans/launch.h"
#include "tools/amiferry/commands.h"
#include "tools/amiferry/output.h"

enum { TEXT_MAX = 64 * 1024 };

static struct {
  const char *out;
} values;
static const struct af_option options[] = {
    {"out", "FILE", AF_OPTION_TEXT, 0, "write the plan to this file, too, as JSON"},
    {0},
};
static const struct af_option_set set = {"Options", options, &values};

struct plan { /* the answers, as they come */
  const struct af_invocation *inv;
  struct af_terminal terminal;
  json_t *copies;
  struct af_estimate estimate;
  size_t ready, blocked, refused;
};

struct planned { /* one answer; all borrowed */
  size_t position;
  const struct af_copy_spec *spec;
  const struct af_facts *facts;
  const struct af_decision *decision;
  const struct af_step_row *steps;
  size_t n_steps;
  const struct af_error *error; /* NULL: it can go */
  struct af_estimate_place estimate; /* of it alone */
};

static const char *state_of(const struct planned *x) {
  return !x->error ? "ready" : af_error_blocks(x->error) ? "blocked" : "refused";
}

static const char *source_account(const struct planned *x) {
  return x->facts && *x->facts->source_account ? x->facts->source_account : x->spec->source.account ? x->spec->source.account : "";
}

static const char *target_account(const struct planned *x) {
  return x->facts && *x->facts->target_account ? x->facts->target_account : x->spec->target.account ? x->spec->target.account : "";
}

/* --- JSON --- */

static json_t *text_or_null(const char *s) {
  return af_json_text(s && *s ? s : NULL);
}

static double dollars(int64_t micros) {
  return (double)micros / 1e6;
}

static json_t *json_estimate(const struct af_estimate_place *p) {
  return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:f, s:I, s:I}", "account", text_or_null(p->account), "region", text_or_null(p->region),
                   "copies", (json_int_t)p->copies, "adopted", (json_int_t)p->adopted, "refused", (json_int_t)p->refused, "snapshots",
                   (json_int_t)p->snapshots, "bytes", (json_int_t)p->bytes, "transfer_bytes", (json_int_t)p->transfer_bytes, "storage_usd_month",
                   dollars(p->storage_micros), "transfer_usd", dollars(p->transfer_micros), "launches", (json_int_t)p->launches, "launch_usd",
                   dollars(p->launch_micros), "temporary_bytes", (json_int_t)p->temporary_bytes, "time_ms", (json_int_t)p->time_ms);
}

static json_t *json_snapshots(const struct af_facts *f) {
  json_t *list = json_array(), *s;
  size_t i;
  json_array_foreach(f ? f->snapshots : NULL, i, s) {
    json_array_append_new(list, json_pack("{s:o, s:I, s:b, s:o}", "id", text_or_null(af_json_str(s, "SnapshotId")), "bytes",
                                          (json_int_t)af_snapshot_bytes(s), "encrypted", af_json_bool(s, "Encrypted"), "key",
                                          text_or_null(af_json_str(s, "KmsKeyId"))));
  }
  return list;
}

static json_t *json_steps(const struct planned *x) {
  json_t *list = json_array();
  for (size_t i = 0; i < x->n_steps; i++)
    json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:I}", "kind", x->steps[i].kind, "title", af_step_title(x->steps[i].kind), "item",
                                          text_or_null(x->steps[i].item), "stage", (json_int_t)x->steps[i].stage));
  return list;
}

static json_t *json_warnings(const struct af_decision *d) {
  json_t *list = json_array();
  for (int i = 0; d && i < d->n_warnings; i++) json_array_append_new(list, af_json_text(d->warnings[i]));
  return list;
}

static json_t *json_keys(const struct af_facts *f) {
  json_t *list = json_array(), *key;
  size_t i;
  json_array_foreach(f ? f->source_keys : NULL, i, key) {
    json_array_append_new(list, text_or_null(af_json_str(key, "Arn")));
  }
  return list;
}

/* What is opened for a while, as what the target may then do. */
static const struct {
  const char *kind, *one, *many; /* of a step */
  bool counted;
} borrowed[] = {
    {"grant-key", "use %zu key", "use %zu keys", true},
    {"share-snapshot", "read %zu snapshot", "read %zu snapshots", true},
    {"share-bundle", "read its files in S3", "read its files in S3", false},
    {"share-image", "launch the image", "launch the image", false},
};
#define N_BORROWED (sizeof(borrowed) / sizeof(borrowed[0]))

static json_t *json_borrowed(const struct planned *x) {
  json_t *list = json_array();
  for (size_t i = 0; i < x->n_steps; i++)
    for (size_t k = 0; k < N_BORROWED; k++)
      if (af_streq(x->steps[i].kind, borrowed[k].kind))
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "kind", borrowed[k].kind, "resource",
                                              *x->steps[i].item ? x->steps[i].item : x->spec->image, "by", text_or_null(target_account(x))));
  return list;
}

static json_t *json_facts(const struct af_facts *f) {
  json_t *json = NULL;
  if (!f || af_facts_to_json(f, &json)) return json_null();
  json_object_del(json, "begun_ms"); /* a plan begins nothing: twice the same facts, twice the same plan */
  return json;
}

static json_t *json_ladder(const struct planned *x) {
  struct af_buf ladder;
  af_buf_init(&ladder, 256);
  if (x->facts) af_route_ladder(x->spec, x->facts, NULL, &ladder);
  json_t *text = text_or_null(af_buf_cstr(&ladder));
  af_buf_done(&ladder);
  return text;
}

static json_t *json_launch(const struct planned *x) {
  struct af_place place;
  if (!x->decision || x->decision->route != AF_ROUTE_LAUNCH_IMAGE || af_launch_place(x->spec, x->facts, 0, &place)) return json_null();
  return json_pack("{s:s, s:s}", "instance_type", place.instance_type, "subnet", place.subnet);
}

static json_t *json_planned(const struct planned *x) {
  const struct af_decision *d = x->decision;
  const char *owner = x->facts ? af_json_str(x->facts->image, "OwnerId") : "", *name = d && *d->name ? d->name : x->spec->name;
  bool goes = d && d->route != AF_ROUTE_NONE;
  json_t *o = json_pack("{s:s, s:I, s:s, s:{s:o, s:o, s:o, s:o}, s:{s:o, s:o}, s:o, s:o, s:o}", "type", "planned", "position", (json_int_t)x->position,
                        "state", state_of(x), "source", "account", text_or_null(source_account(x)), "region", af_json_text(x->spec->source.region),
                        "image", af_json_text(x->spec->image), "name", text_or_null(x->facts ? af_json_str(x->facts->image, "Name") : NULL), "target",
                        "account", text_or_null(target_account(x)), "region", af_json_text(x->spec->target.region), "name", text_or_null(name), "route",
                        af_json_text(goes ? af_route_name(d->route) : NULL), "reason", text_or_null(d ? d->reason : NULL));
  json_t *more = json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:{s:{s:o, s:o}, s:o, s:{s:o, s:o}}, s:o, s:o, s:o}", "ladder", json_ladder(x), "launch",
                           json_launch(x), "adopted_image",
                           text_or_null(d ? d->adopted_image : NULL), "key", text_or_null(d ? d->key_arn : NULL), "bytes",
                           (json_int_t)(x->facts ? af_facts_bytes(x->facts) : 0), "snapshots", json_snapshots(x->facts), "steps", json_steps(x),
                           "warnings", json_warnings(d), "ownership", "before", "account", text_or_null(owner), "keys", json_keys(x->facts), "borrowed",
                           json_borrowed(x), "after", "account", text_or_null(goes ? target_account(x) : NULL), "key",
                           text_or_null(goes ? d->key_arn : NULL), "estimate", goes ? json_estimate(&x->estimate) : json_null(), "error",
                           x->error ? af_json_error(x->error) : json_null(), "facts", json_facts(x->facts));
  if (!o || !more || json_object_update(o, more)) {
    json_decref(o);
    o = NULL;
  }
  json_decref(more);
  return o;
}

/* --- text --- */

static void put_count(struct af_buf *out, const char *one, const char *many, size_t n) {
  const char *format = n == 1 ? one : many, *at = strstr(format, "%zu");
  if (!at) {
    af_buf_puts(out, format);
    return;
  }
  af_buf_add(out, format, (size_t)(at - format));
  af_buf_printf(out, "%zu%s", n, at + 3);
}

static void put_keys(struct af_buf *out, const struct af_facts *f) {
  size_t i, n = 0;
  json_t *key;
  json_array_foreach(f->source_keys, i, key) {
    af_buf_puts(out, n++ ? ", " : ", under ");
    af_put_text(out, af_json_str(key, "Arn"));
  }
  if (!n) af_buf_puts(out, ", not encrypted");
}

static void put_storage(struct af_buf *out, const char *one, const char *many, const char *files, const struct planned *x) {
  size_t snapshots = json_array_size(x->facts->snapshots);
  bool in_s3 = x->decision->instance_store;
  if (in_s3) af_buf_puts(out, files);
  if (in_s3 && snapshots) af_buf_puts(out, ", ");
  if (!in_s3 || snapshots) put_count(out, one, many, snapshots);
}

/* Who owns what before and after, and what is open in between. */
static void put_ownership(struct af_buf *out, const struct planned *x) {
  const struct af_decision *d = x->decision;
  bool any = false;
  af_buf_printf(out, "    before    account %s owns the image and ", af_json_str(x->facts->image, "OwnerId"));
  put_storage(out, "its snapshot", "its %zu snapshots", "its files in S3", x);
  put_keys(out, x->facts);
  for (size_t k = 0; k < N_BORROWED; k++) {
    size_t n = 0;
    for (size_t i = 0; i < x->n_steps; i++) n += af_streq(x->steps[i].kind, borrowed[k].kind);
    if (!n) continue;
    if (any) af_buf_puts(out, ", ");
    else af_buf_printf(out, "\n    meanwhile account %s may ", target_account(x));
    put_count(out, borrowed[k].one, borrowed[k].many, n);
    any = true;
  }
  if (any) af_buf_puts(out, "; all of it is taken back");
  af_buf_printf(out, "\n    after     account %s owns ", target_account(x));
  if (d->route == AF_ROUTE_ADOPT) af_buf_printf(out, "%s, which is there already", d->adopted_image);
  else if (d->route == AF_ROUTE_SKIP) af_buf_printf(out, "%s, which has the name", d->adopted_image);
  else {
    af_buf_puts(out, "a new image and ");
    put_storage(out, "its snapshot", "its %zu snapshots", "its files in S3", x);
  }
  if (*d->key_arn) af_buf_printf(out, ", under %s", d->key_arn);
  af_buf_putc(out, '\n');
}

static void put_estimate(struct af_buf *out, const struct af_estimate_place *p) {
  char span[AF_TIME_SIZE];
  if (!p->copies) return;
  af_time_span(p->time_ms, span);
  af_buf_puts(out, "    estimate  at most ");
  af_bytes_text(out, p->bytes);
  af_buf_puts(out, ", ");
  af_micros_text(out, p->storage_micros);
  af_buf_puts(out, " a month, ");
  af_micros_text(out, p->transfer_micros);
  af_buf_printf(out, " for the transfer; about %s\n", span);
}

/* What is left where AWS refuses the route, and where an instance would run. */
static void put_ladder(struct af_buf *out, const struct planned *x) {
  struct af_buf ladder;
  struct af_place place;
  af_buf_init(&ladder, 256);
  af_route_ladder(x->spec, x->facts, NULL, &ladder);
  const char *rest = strstr(af_buf_cstr(&ladder), ", then ");
  if (rest) af_buf_printf(out, "    otherwise %s, if AWS refuses that\n", rest + strlen(", then "));
  af_buf_done(&ladder);
  if (x->decision->bridge) af_buf_printf(out, "    bridge    a temporary AMI in account %s, under %s\n", source_account(x), x->decision->bridge_key_arn);
  if (x->decision->route == AF_ROUTE_LAUNCH_IMAGE && af_launch_place(x->spec, x->facts, 0, &place) == 0)
    af_buf_printf(out, "    launch    %s in %s (%s), account %s\n", place.instance_type, place.subnet, place.zone, target_account(x));
}

static void put_planned(struct af_buf *out, const struct planned *x, const struct af_terminal *t) {
  const struct af_decision *d = x->decision;
  const char *name = d && *d->name ? d->name : x->spec->name ? x->spec->name : "";
  af_buf_printf(out, "%s (%s%s%s) -> %s%s(%s)  ", x->spec->image, source_account(x), *source_account(x) ? " " : "", x->spec->source.region,
                target_account(x), *target_account(x) ? " " : "", x->spec->target.region);
  if (x->error) af_put_tinted(out, t, af_error_blocks(x->error) ? AF_TINT_CARE : AF_TINT_BAD, state_of(x));
  else af_put_tinted(out, t, AF_TINT_GOOD, af_route_name(d->route));
  af_buf_puts(out, *name ? "  " : "");
  af_put_text(out, name);
  af_buf_putc(out, '\n');
  if (x->error) {
    af_put_error(out, x->error);
    return;
  }
  af_buf_printf(out, "    why       %s\n    steps     ", d->reason);
  af_route_describe(x->steps, x->n_steps, out);
  af_buf_putc(out, '\n');
  put_ladder(out, x);
  put_ownership(out, x);
  put_estimate(out, &x->estimate);
  for (int i = 0; i < d->n_warnings; i++) {
    af_buf_puts(out, "    ");
    af_put_tinted(out, t, AF_TINT_CARE, "warning");
    af_buf_puts(out, "   ");
    af_put_text(out, d->warnings[i]);
    af_buf_putc(out, '\n');
  }
}

/* The estimate's own counts, its first line, are left out: it doesn't know of copies whose facts could not be read. */
static void put_totals(struct af_buf *out, const struct plan *p) {
  struct af_estimate_place total;
  struct af_buf said;
  af_estimate_total(&p->estimate, &total);
  af_buf_printf(out, "\n%zu can go, %zu blocked, %zu refused\n", p->ready, p->blocked, p->refused);
  if (!total.copies) return;
  af_buf_init(&said, 4096);
  af_estimate_say(&said, &total);
  const char *line = strchr(af_buf_cstr(&said), '\n');
  af_buf_puts(out, line ? line + 1 : "");
  af_buf_done(&said);
}

static void print_text(void (*put)(struct af_buf *out, const struct plan *p), const struct plan *p) {
  struct af_buf text;
  af_buf_init(&text, TEXT_MAX);
  put(&text, p);
  af_print_text(&text);
  af_buf_done(&text);
}

/* --- the answers --- */

static void estimate(struct plan *p, struct planned *x) {
  struct af_estimate alone;
  if (!x->decision) return;
  af_estimate_init(&alone);
  if (!af_estimate_add(&alone, x->spec, x->facts, x->decision)) af_estimate_total(&alone, &x->estimate);
  af_estimate_done(&alone);
  (void)af_estimate_add(&p->estimate, x->spec, x->facts, x->decision); /* no memory: the sum is short by one, and is an estimate */
}

static void show(struct plan *p, const struct planned *x) {
  enum af_output_format format = (enum af_output_format)p->inv->settings.output;
  if (format == AF_OUTPUT_TEXT) {
    struct af_buf text;
    af_buf_init(&text, TEXT_MAX);
    put_planned(&text, x, &p->terminal);
    af_print_text(&text);
    af_buf_done(&text);
  }
  if (format == AF_OUTPUT_TEXT && !values.out) return;
  json_t *o = json_planned(x);
  if (o && format == AF_OUTPUT_NDJSON) af_print_json(o, format);
  json_array_append_new(p->copies, o);
}

static void found(void *ctx, size_t i, const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
                  const struct af_step_row *steps, size_t n_steps, const struct af_error *err) {
  struct plan *p = ctx;
  struct planned x = {.position = i, .spec = spec, .facts = facts, .decision = decision, .steps = steps, .n_steps = n_steps, .error = err};
  if (!err && decision->route == AF_ROUTE_NONE) x.error = &decision->refusal;
  if (!x.error) p->ready++;
  else if (af_error_blocks(x.error)) p->blocked++;
  else p->refused++;
  estimate(p, &x);
  show(p, &x);
}

/* --- the whole --- */

static json_t *document(const struct plan *p, const char *manifest) {
  struct af_estimate_place total;
  json_t *places = json_array();
  af_estimate_total(&p->estimate, &total);
  for (size_t i = 0; i < p->estimate.n; i++) json_array_append_new(places, json_estimate(&p->estimate.places[i]));
  return json_pack("{s:o, s:O, s:o, s:o}", "manifest", af_json_text(manifest), "copies", p->copies, "places", places, "totals", json_estimate(&total));
}

static int write_file(const json_t *document, const char *path) {
  struct af_error err;
  FILE *f = fopen(path, "we");
  int bad = !f || json_dumpf(document, f, JSON_INDENT(2)) || fputc('\n', f) == EOF;
  if (f && fclose(f)) bad = 1;
  if (!bad) return 0;
  af_error_set(&err, -AF_EIO, AF_CLASS_INVALID, "OutFile", "cannot write the plan to %s: %m", path);
  af_say_error(&err);
  return -AF_EIO;
}

static int finish(struct plan *p, const char *manifest) {
  enum af_output_format format = (enum af_output_format)p->inv->settings.output;
  json_t *doc = document(p, manifest);
  int rc = 0;
  if (format == AF_OUTPUT_TEXT) print_text(put_totals, p);
  else if (format == AF_OUTPUT_JSON) af_print_json(doc, format);
  if (format == AF_OUTPUT_NDJSON) {
    json_t *totals = json_object_get(doc, "totals");
    json_object_set_new(totals, "type", json_string("totals"));
    af_print_json(totals, format);
  }
  if (values.out) rc = write_file(doc, values.out);
  json_decref(doc);
  return rc;
}

static int ask_aws(struct plan *p, struct af_wiring *w, const struct af_manifest *m, struct af_error *err) {
  struct af_engine_config hooks = {.stop = af_wiring_signals()};
  int rc = af_wiring_init(w, &p->inv->settings, err);
  if (!rc) rc = af_wiring_client(w, err);
  if (!rc) rc = af_wiring_engine(w, &hooks, err);
  if (rc) return rc;
  af_say("reading the facts of %zu %s; nothing is changed", m->n, m->n == 1 ? "copy" : "copies");
  return af_engine_plan(w->engine, m, found, p, err);
}

static int run(const struct af_invocation *inv) {
  struct plan p = {.inv = inv, .copies = json_array()};
  struct af_manifest m = {0};
  struct af_wiring w = {0};
  struct af_mistakes more;
  struct af_error err;
  af_terminal_look(&p.terminal, STDOUT_FILENO);
  af_estimate_init(&p.estimate);
  int rc = af_manifest_read_file(&m, inv->args[0], &more, &err), exit_code;
  bool user = rc && rc != -AF_ENOMEM;
  if (!rc) {
    rc = ask_aws(&p, &w, &m, &err);
    user = rc == -AF_EINVAL; /* a profile that isn't there */
  }
  if (rc) af_say_error(&err);
  af_say_mistakes(&more);
  if (rc) exit_code = user ? AF_EXIT_USAGE : af_exit_of(rc, &err);
  else exit_code = p.refused ? AF_EXIT_FAILED : p.blocked ? AF_EXIT_BLOCKED : AF_EXIT_DONE;
  if (!rc && finish(&p, inv->args[0])) exit_code = AF_EXIT_FAILED;
  json_decref(p.copies);
  af_estimate_done(&p.estimate);
  af_wiring_done(&w);
  af_manifest_done(&m);
  return exit_code;
}

const struct af_command af_command_plan = {
    .name = "plan", .arguments = "MANIFEST", .min_args = 1, .max_args = 1,
    .summary = "show what run would do, and why; nothing is changed",
    .text = "For every copy: its route with the reason, the steps, who owns what before and after, warnings, an estimate of size, cost and time; or why it "
            "can't go and what to do about it. It exits with 0 where every copy can go, 4 where some are blocked, 1 where some are refused.",
    .sets = {&set, &af_option_set_engine}, .run = run};
