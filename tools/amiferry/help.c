/* Help, usage and the man page, made from the tables that the command line is read by; and the command that shows them. */
#include <stdio.h>

#include "tools/amiferry/commands.h"
#include "tools/amiferry/options.h"
#include "tools/amiferry/output.h"

enum { WIDTH = 80, OPTION_COLUMN = 30 };

static const struct {
  enum af_exit code;
  const char *meaning;
} exits[] = {
    {AF_EXIT_DONE, "all is done"},
    {AF_EXIT_FAILED, "all copies failed, or the command itself did"},
    {AF_EXIT_USAGE, "the command line or the manifest is wrong; nothing was sent"},
    {AF_EXIT_PARTLY, "some copies are done, others failed"},
    {AF_EXIT_BLOCKED, "nothing failed, but a person is needed before the rest can go on"},
    {AF_EXIT_BUSY, "another process owns the database"},
    {AF_EXIT_INTERRUPTED, "interrupted, or (status --watch) no process is at work; resume goes on"},
};
#define N_EXITS (sizeof(exits) / sizeof(exits[0]))

/* Words of text, broken before the width, each further line indented. column: where the first line has come to. */
static void wrap(struct af_buf *out, const char *text, size_t indent, size_t column) {
  while (*text) {
    size_t word = strcspn(text, " \n");
    if (column > indent && column + 1 + word > WIDTH) {
      af_buf_printf(out, "\n%*s", (int)indent, "");
      column = indent;
    } else if (column > indent) {
      af_buf_putc(out, ' ');
      column++;
    }
    af_buf_add(out, text, word);
    column += word;
    text += word;
    while (*text == ' ') text++;
    if (*text == '\n') {
      af_buf_printf(out, "\n%*s", (int)indent, "");
      column = indent;
      text++;
    }
  }
  af_buf_putc(out, '\n');
}

static void add_help(struct af_buf *out, const struct af_option *o) {
  af_buf_puts(out, o->help);
  for (int i = 0; o->choices && o->choices[i]; i++) af_buf_printf(out, "%s%s", i == 0 ? ": " : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
}

static void option_text(struct af_buf *out, const struct af_option *o) {
  af_buf_reset(out);
  add_help(out, o);
}

static void show_option(struct af_buf *out, const char *name, const char *value, const char *help) {
  struct af_buf left;
  af_buf_init(&left, 200);
  af_buf_printf(&left, "  %s%s%s", name, value ? " " : "", value ? value : "");
  af_buf_puts(out, af_buf_cstr(&left));
  if (left.len + 2 > OPTION_COLUMN) af_buf_printf(out, "\n%*s", OPTION_COLUMN, "");
  else af_buf_printf(out, "%*s", (int)(OPTION_COLUMN - left.len), "");
  wrap(out, help, OPTION_COLUMN, OPTION_COLUMN);
  af_buf_done(&left);
}

static void show_set(struct af_buf *out, const struct af_option_set *set) {
  struct af_buf help, name;
  if (!set) return;
  af_buf_init(&help, 1000);
  af_buf_init(&name, 100);
  af_buf_printf(out, "\n%s:\n", set->title);
  for (const struct af_option *o = set->options; o->name; o++) {
    option_text(&help, o);
    af_buf_reset(&name);
    af_buf_printf(&name, "--%s", o->name);
    show_option(out, af_buf_cstr(&name), o->value, af_buf_cstr(&help));
  }
  af_buf_done(&help);
  af_buf_done(&name);
}

static const char about[] =
    "amiferry copies Amazon Machine Images between AWS accounts and Regions, and does not lose its place: killed at any moment, it resumes.";

static const char environment[] =
    "Configuration and credentials are AWS's own: profiles, roles, web identity, container and instance credentials, AWS_PROFILE, AWS_REGION, "
    "AWS_ENDPOINT_URL and their kin. NO_COLOR turns colours off.";

void af_help_program(struct af_buf *out, const struct af_command *const *commands) {
  af_buf_puts(out, "usage: amiferry [OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]\n\n");
  wrap(out, about, 0, 0);
  af_buf_puts(out, "\nCommands:\n");
  for (size_t i = 0; commands[i]; i++) show_option(out, commands[i]->name, *commands[i]->arguments ? commands[i]->arguments : NULL, commands[i]->summary);
  show_set(out, &af_option_set_global);
  show_option(out, "-h, --help", NULL, "show help; behind a command, that command's");
  show_option(out, "--version", NULL, "show the version");
  af_buf_puts(out, "\nExit codes:\n");
  for (size_t i = 0; i < N_EXITS; i++) {
    af_buf_printf(out, "  %3d  ", (int)exits[i].code);
    wrap(out, exits[i].meaning, 7, 7);
  }
  af_buf_putc(out, '\n');
  wrap(out, environment, 0, 0);
}

void af_help_usage(struct af_buf *out, const struct af_command *c) {
  af_buf_printf(out, "usage: amiferry %s [OPTIONS]%s%s\n", c->name, *c->arguments ? " " : "", c->arguments);
}

void af_help_command(struct af_buf *out, const struct af_command *c) {
  af_help_usage(out, c);
  af_buf_putc(out, '\n');
  wrap(out, c->summary, 0, 0);
  if (c->text) {
    af_buf_putc(out, '\n');
    wrap(out, c->text, 0, 0);
  }
  for (size_t i = 0; i < AF_COMMAND_SETS; i++) show_set(out, c->sets[i]);
  show_set(out, &af_option_set_global);
}

/* --- the man page --- */

/* Text that roff takes as it is. */
static void roff(struct af_buf *out, const char *text) {
  for (bool start = true; *text; text++) {
    if (start && (*text == '.' || *text == '\'')) af_buf_puts(out, "\\&");
    start = *text == '\n';
    if (*text == '-' || *text == '\\') af_buf_printf(out, "\\%s", *text == '-' ? "-" : "e");
    else if (*text == '\n') af_buf_puts(out, "\n.br\n");
    else af_buf_putc(out, *text);
  }
  af_buf_putc(out, '\n');
}

static void man_set(struct af_buf *out, const struct af_option_set *set) {
  struct af_buf help;
  if (!set) return;
  af_buf_init(&help, 1000);
  for (const struct af_option *o = set->options; o->name; o++) {
    af_buf_puts(out, ".TP\n.B \\-\\-");
    for (const char *c = o->name; *c; c++) af_buf_printf(out, "%s%c", *c == '-' ? "\\" : "", *c);
    if (o->value) af_buf_printf(out, " \\fI%s\\fR", o->value);
    af_buf_putc(out, '\n');
    option_text(&help, o);
    roff(out, af_buf_cstr(&help));
  }
  af_buf_done(&help);
}

static void man_command(struct af_buf *out, const struct af_command *c) {
  af_buf_printf(out, ".SS %s %s\n", c->name, c->arguments);
  roff(out, c->summary);
  if (c->text) {
    af_buf_puts(out, ".PP\n");
    roff(out, c->text);
  }
  for (size_t i = 0; i < AF_COMMAND_SETS; i++) man_set(out, c->sets[i]);
}

void af_help_man(struct af_buf *out, const struct af_command *const *commands) {
  af_buf_puts(out, ".TH AMIFERRY 1 \"\" \"amiferry " AF_VERSION "\" \"User commands\"\n.SH NAME\namiferry \\- copy AMIs between AWS accounts durably\n"
                   ".SH SYNOPSIS\n.B amiferry\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n");
  roff(out, about);
  af_buf_puts(out, ".SH COMMANDS\n");
  for (size_t i = 0; commands[i]; i++) man_command(out, commands[i]);
  af_buf_puts(out, ".SH OPTIONS OF EVERY COMMAND\n");
  man_set(out, &af_option_set_global);
  af_buf_puts(out, ".SH EXIT STATUS\n");
  for (size_t i = 0; i < N_EXITS; i++) {
    af_buf_printf(out, ".TP\n.B %d\n", (int)exits[i].code);
    roff(out, exits[i].meaning);
  }
  af_buf_puts(out, ".SH ENVIRONMENT\n");
  roff(out, environment);
}

/* --- the command --- */

static struct {
  bool man;
} values;
static const struct af_option options[] = {
    {"man", NULL, AF_OPTION_FLAG, 0, "the whole man page, as roff"},
    {0},
};
static const struct af_option_set set = {"Options", options, &values};

static int run(const struct af_invocation *inv) {
  struct af_error err;
  struct af_buf text;
  const struct af_command *c = inv->n_args ? af_command_find(inv->commands, inv->args[0], &err) : NULL;
  if (inv->n_args && !c) {
    af_say_error(&err);
    return AF_EXIT_USAGE;
  }
  af_buf_init(&text, 256 * 1024);
  if (values.man) af_help_man(&text, inv->commands);
  else if (c) af_help_command(&text, c);
  else af_help_program(&text, inv->commands);
  fputs(af_buf_cstr(&text), stdout);
  af_buf_done(&text);
  return AF_EXIT_DONE;
}

const struct af_command af_command_help = {
    .name = "help", .arguments = "[COMMAND]", .max_args = 1, .summary = "show what a command does and takes", .sets = {&set}, .run = run};
