/* The command line, read by getopt_long() from the tables (help.c shows the same tables). Options may stand before and behind the
 * command and its arguments; a command's own options behind it. Names must be whole: an abbreviation that works today would mean
 * something else once there is another option. */
#include "tools/amiferry/options.h"

#include <getopt.h>
#include <stdlib.h>

#include "base/log.h"

static const char *const output_formats[] = {"text", "json", "ndjson", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

#define SETTING(member) offsetof(struct af_settings, member)
static const struct af_option global_options[] = {
    {"db", "PATH", AF_OPTION_TEXT, SETTING(db), "the database; default: $XDG_STATE_HOME/amiferry/amiferry.db, else ~/.local/state/amiferry/amiferry.db"},
    {"output", "FORMAT", AF_OPTION_CHOICE, SETTING(output), "what goes to standard output", output_formats},
    {"log-level", "LEVEL", AF_OPTION_CHOICE, SETTING(log_level), "the least that is logged; default: warn", log_levels},
    {"log-format", "FORMAT", AF_OPTION_CHOICE, SETTING(log_format), "of log records", log_formats},
    {"log-file", "FILE", AF_OPTION_TEXT, SETTING(log_file), "append log records to this file instead of standard error"},
    {"no-progress", NULL, AF_OPTION_FLAG, SETTING(no_progress), "don't show progress"},
    {"quiet", NULL, AF_OPTION_FLAG, SETTING(quiet), "only errors on standard error"},
    {0},
};
const struct af_option_set af_option_set_global = {"Options of every command", global_options, NULL};

static const struct af_option engine_options[] = {
    {"poll-interval", "SECONDS", AF_OPTION_SECONDS, SETTING(poll_ms),
     "how often to ask AWS how far a copy is, at first; four times as long later on; default: 15, then 60"},
    {"consistency-window", "SECONDS", AF_OPTION_SECONDS, SETTING(window_ms),
     "how long what AWS shows may lag behind what it did; default: 60"},
    {"patience", "SECONDS", AF_OPTION_SECONDS, SETTING(patience_ms),
     "how long to go on asking in vain, four times at least, before a copy waits for a person; one under way goes on until its step's time is over; default: 300"},
    {0},
};
const struct af_option_set af_option_set_engine = {"Options for AWS's pace", engine_options, NULL};

/* --- getopt's table, made from ours --- */

enum { OPTIONS_MAX = 32, CODE_HELP = 'h', CODE_TEXT = 1, CODE_VERSION = 256, CODE_FIRST = 512 };

struct slot { /* what a code of getopt's stands for */
  const struct af_option *option;
  void *values;
};

struct parser {
  struct af_invocation *inv;
  struct af_error *err;
  struct option list[OPTIONS_MAX];
  struct slot slots[OPTIONS_MAX];
  int n;
};

static void add_name(struct parser *p, const char *name, int has_arg, int code) {
  if (p->n >= OPTIONS_MAX - 1) abort(); /* the tables have outgrown the limit: every run shows it */
  p->list[p->n++] = (struct option){.name = name, .has_arg = has_arg, .val = code};
}

static void add_set(struct parser *p, const struct af_option_set *set) {
  for (const struct af_option *o = set ? set->options : NULL; o && o->name; o++) {
    int at = p->n;
    add_name(p, o->name, o->value ? required_argument : no_argument, CODE_FIRST + at);
    p->slots[at] = (struct slot){o, set->values ? set->values : &p->inv->settings};
  }
}

/* Called again once the command is known: its options join. */
static void make_list(struct parser *p) {
  const struct af_command *c = p->inv->command;
  p->n = 0;
  add_name(p, "help", no_argument, CODE_HELP);
  add_name(p, "version", no_argument, CODE_VERSION);
  add_set(p, &af_option_set_global);
  for (size_t i = 0; c && i < AF_COMMAND_SETS; i++) add_set(p, c->sets[i]);
  p->list[p->n] = (struct option){0};
}

/* --- values --- */

static int bad_value(struct parser *p, const struct af_option *o, const char *text, const char *wanted) {
  af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "BadOption", "--%s: \"%.80s\" is not %s", o->name, text, wanted);
  return -AF_EINVAL;
}

/* Fractions have a point whatever the locale, so strtod() is not asked. */
static bool read_seconds(struct af_str text, int64_t *ret_ms) {
  const char *point = text.len ? memchr(text.ptr, '.', text.len) : NULL;
  struct af_str whole = point ? af_str_n(text.ptr, (size_t)(point - text.ptr)) : text;
  int64_t ms = 0, unit = 100;
  uint64_t seconds = 0;
  if ((whole.len || !point) && af_str_to_u64(whole, &seconds)) return false;
  if (seconds > 7 * 86400) return false;
  if (point && point + 1 == text.ptr + text.len && !whole.len) return false;
  for (const char *c = point ? point + 1 : text.ptr + text.len; c < text.ptr + text.len; c++, unit /= 10) {
    if (*c < '0' || *c > '9') return false;
    ms += unit * (*c - '0');
  }
  *ret_ms = (int64_t)seconds * 1000 + ms;
  return *ret_ms > 0;
}

static int read_choice(struct parser *p, const struct af_option *o, const char *text, int *ret) {
  struct af_buf list;
  for (int i = 0; o->choices[i]; i++)
    if (af_streq(o->choices[i], text)) {
      *ret = i;
      return 0;
    }
  af_buf_init(&list, 200);
  for (int i = 0; o->choices[i]; i++) af_buf_printf(&list, "%s%s", i == 0 ? "" : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
  bad_value(p, o, text, af_buf_cstr(&list));
  af_buf_done(&list);
  return -AF_EINVAL;
}

static int set_value(struct parser *p, const struct slot *s, const char *text) {
  void *member = (char *)s->values + s->option->offset;
  switch (s->option->kind) {
    case AF_OPTION_FLAG: *(bool *)member = true; return 0;
    case AF_OPTION_TEXT:
      if (!*text) return bad_value(p, s->option, text, "a name: it is empty");
      *(const char **)member = text;
      return 0;
    case AF_OPTION_CHOICE: return read_choice(p, s->option, text, member);
    case AF_OPTION_SECONDS:
      return read_seconds(af_str(text), member) ? 0 : bad_value(p, s->option, text, "a number of seconds above 0 (as 15 or 0.5), a week at most");
  }
  return 0;
}

/* --- what is wrong with a line --- */

static int unknown_option(struct parser *p, const char *word) {
  const char *names[OPTIONS_MAX], *near;
  size_t n = 0;
  struct af_str name = af_str(word);
  while (name.len && *name.ptr == '-') name = af_str_n(name.ptr + 1, name.len - 1);
  const char *equals = name.len ? memchr(name.ptr, '=', name.len) : NULL;
  if (equals) name.len = (size_t)(equals - name.ptr);
  for (int i = 0; i < p->n; i++) names[n++] = p->list[i].name;
  names[n] = NULL;
  near = af_str_nearest(name, names);
  const struct af_command *c = p->inv->command;
  af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "UnknownOption", "unknown option %.80s%s%s%s%s%s", word, c ? " of " : "", c ? c->name : "",
               near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
  if (c) af_error_hint(p->err, "amiferry help %s lists the options", c->name);
  else af_error_hint(p->err, "a command's own options stand behind the command; amiferry --help lists the others");
  return -AF_EINVAL;
}

const struct af_command *af_command_find(const struct af_command *const *commands, const char *name, struct af_error *err) {
  const char *names[OPTIONS_MAX], *near;
  struct af_buf list;
  size_t n = 0;
  for (; commands[n] && n < OPTIONS_MAX - 1; n++) {
    if (af_streq(commands[n]->name, name)) return commands[n];
    names[n] = commands[n]->name;
  }
  names[n] = NULL;
  near = af_str_nearest(af_str(name), names);
  af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "UnknownCommand", "unknown command \"%.80s\"%s%s%s", name, near ? "; did you mean " : "",
               near ? near : "", near ? "?" : "");
  af_buf_init(&list, 400);
  for (size_t i = 0; i < n; i++) af_buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
  af_error_hint(err, "the commands are: %s", af_buf_cstr(&list));
  af_buf_done(&list);
  return NULL;
}

static int take_word(struct parser *p, const char *word) {
  struct af_invocation *inv = p->inv;
  if (!inv->command) {
    inv->command = af_command_find(inv->commands, word, p->err);
    make_list(p);
    return inv->command ? 0 : -AF_EINVAL;
  }
  if (inv->n_args == inv->command->max_args || inv->n_args == AF_ARGS_MAX)
    return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "TooManyArguments", "%s: one argument too many: \"%.80s\"", inv->command->name, word);
  inv->args[inv->n_args++] = word;
  return 0;
}

/* Was the option's name written out, as "--name" or "--name=value"? */
static bool whole_name(const char *word, const char *name) {
  size_t n = strlen(name);
  return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, n) == 0 && (word[2 + n] == 0 || word[2 + n] == '=');
}

static int missing_value(struct parser *p, const char *word) {
  for (int i = 0; i < p->n; i++)
    if (p->list[i].has_arg == required_argument && whole_name(word, p->list[i].name))
      return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "BadOption", "%s wants a value: %s", word, p->slots[i].option->value);
  return unknown_option(p, word);
}

static int take_code(struct parser *p, int code, const char *word) {
  switch (code) {
    case CODE_TEXT: return take_word(p, optarg);
    case CODE_HELP: p->inv->help = true; return 0;
    case CODE_VERSION: p->inv->version = true; return 0;
    case ':': return missing_value(p, word);
    case '?':
      for (int i = 0; i < p->n; i++)
        if (whole_name(word, p->list[i].name))
          return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "BadOption", "--%s takes no value", p->list[i].name);
      return unknown_option(p, word);
    default:
      if (!whole_name(word, p->slots[code - CODE_FIRST].option->name)) return unknown_option(p, word);
      return set_value(p, &p->slots[code - CODE_FIRST], optarg);
  }
}

static int check_arguments(struct parser *p) {
  const struct af_invocation *inv = p->inv;
  if (inv->help || inv->version) return 0;
  if (!inv->command) {
    af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "NoCommand", "a command is missing");
    af_error_hint(p->err, "amiferry --help lists them");
    return -AF_EINVAL;
  }
  if (inv->n_args >= inv->command->min_args) return 0;
  return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "MissingArgument", "%s wants %s", inv->command->name, inv->command->arguments);
}

int af_options_parse(struct af_invocation *ret, const struct af_command *const *commands, int argc, char **argv, struct af_error *err) {
  struct parser p = {.inv = ret, .err = err};
  int rc = 0;
  *ret = (struct af_invocation){.commands = commands, .settings = {.log_level = AF_LOG_WARN}};
  make_list(&p);
  opterr = 0;
  optind = 0; /* glibc: begin anew */
  while (!rc) {
    int at = optind ? optind : 1;
    /* "-": arguments come in their order, so that the word at hand is always argv[at]; ":": tell a missing value from an unknown name */
    int code = getopt_long(argc, argv, "-:h", p.list, NULL);
    if (code == -1) break;
    rc = take_code(&p, code, argv[at]);
    if (rc && (ret->help || ret->version)) return 0;
  }
  for (; !rc && optind < argc; optind++) rc = take_word(&p, argv[optind]); /* behind "--" */
  return rc && (ret->help || ret->version) ? 0 : rc ? rc : check_arguments(&p);
}
