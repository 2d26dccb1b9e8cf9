/* Commands and their options, as tables. One table gives the parsing, the usage, the help and the man page: there is no second
 * list of anything. A new command is a file with a struct af_command, and a line in main.c; a new option is a line in a table. */
#ifndef AF_TOOLS_AMIFERRY_OPTIONS_H
#define AF_TOOLS_AMIFERRY_OPTIONS_H

#include "base/buf.h"
#include "base/error.h"

/* What a command exits with; stable. */
enum af_exit {
  AF_EXIT_DONE = 0,
  AF_EXIT_FAILED = 1,
  AF_EXIT_USAGE = 2,
  AF_EXIT_PARTLY = 3,
  AF_EXIT_BLOCKED = 4,
  AF_EXIT_BUSY = 5,
  AF_EXIT_INTERRUPTED = 130,
};

enum af_option_kind {
  AF_OPTION_FLAG,    /* bool; takes no value */
  AF_OPTION_TEXT,    /* const char *, borrowed from argv */
  AF_OPTION_CHOICE,  /* int: index into choices */
  AF_OPTION_SECONDS, /* int64_t, milliseconds; fractions allowed, more than 0 */
};

struct af_option {
  const char *name;  /* without its dashes */
  const char *value; /* "SECONDS"; NULL for flags */
  enum af_option_kind kind;
  size_t offset;     /* of the member that it sets */
  const char *help;  /* a sentence without its stop; the first letter small */
  const char *const *choices; /* ends with NULL */
};

/* Options that belong together. */
struct af_option_set {
  const char *title;               /* "Options of every command" */
  const struct af_option *options; /* ends with a NULL name */
  void *values;                    /* what the offsets count from; NULL: the invocation's settings */
};

enum af_output_format { AF_OUTPUT_TEXT, AF_OUTPUT_JSON, AF_OUTPUT_NDJSON };

struct af_settings {
  const char *db;       /* NULL: the default */
  int output;           /* enum af_output_format */
  int log_level;        /* enum af_log_level */
  int log_format;       /* enum af_log_format */
  const char *log_file; /* NULL: standard error */
  bool no_progress, quiet;
  int64_t poll_ms, window_ms, patience_ms; /* 0: the engine's own */
};
extern const struct af_option_set af_option_set_global; /* of every command */
extern const struct af_option_set af_option_set_engine; /* of those that talk to AWS about copies */

#define AF_COMMAND_SETS 2
struct af_invocation;
struct af_command {
  const char *name;
  const char *arguments; /* "MANIFEST", "[BATCH]"; "" where it takes none */
  int min_args, max_args;
  const char *summary;   /* what it does, in a line */
  const char *text;      /* more for its help: paragraphs, wrapped when shown; may be NULL */
  const struct af_option_set *sets[AF_COMMAND_SETS];
  int (*run)(const struct af_invocation *inv); /* returns what the process exits with */
};

#define AF_ARGS_MAX 2
struct af_invocation {
  const struct af_command *const *commands; /* all of them; ends with NULL */
  const struct af_command *command;         /* NULL where none is named */
  struct af_settings settings;
  const char *args[AF_ARGS_MAX];
  int n_args;
  bool help, version;
};

/* Reads the command line into ret and into the values of the command's sets. -AF_EINVAL with what is wrong in err. Where help or
 * version is asked for, nothing else of the line has to be right. */
int af_options_parse(struct af_invocation *ret, const struct af_command *const *commands, int argc, char **argv, struct af_error *err);
const struct af_command *af_command_find(const struct af_command *const *commands, const char *name, struct af_error *err);

void af_help_program(struct af_buf *out, const struct af_command *const *commands);
void af_help_command(struct af_buf *out, const struct af_command *command);
void af_help_usage(struct af_buf *out, const struct af_command *command); /* "usage: amiferry run [OPTIONS] MANIFEST" */
void af_help_man(struct af_buf *out, const struct af_command *const *commands); /* the man page, as roff */

#endif
