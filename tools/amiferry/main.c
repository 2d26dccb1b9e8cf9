/* amiferry: the command. It reads the command line, hands over to the command that is named, and turns what that returns into an exit code. */
#include <openssl/crypto.h>
#include <stdio.h>

#include "tools/amiferry/commands.h"
#include "tools/amiferry/output.h"

static const struct af_command *const commands[] = {&af_command_plan,  &af_command_run,    &af_command_resume, &af_command_status, &af_command_show,
                                                    &af_command_retry, &af_command_cancel, &af_command_undo,   &af_command_verify,
                                                    &af_command_sweep, &af_command_routes, &af_command_doctor, &af_command_help, NULL};

static int wrong_line(const struct af_invocation *inv, const struct af_error *err) {
  struct af_buf usage;
  af_say_error(err);
  if (!inv->command) return AF_EXIT_USAGE;
  af_buf_init(&usage, 400);
  af_help_usage(&usage, inv->command);
  fputs(af_buf_cstr(&usage), stderr);
  af_buf_done(&usage);
  return AF_EXIT_USAGE;
}

static int show_help(const struct af_invocation *inv) {
  struct af_buf text;
  af_buf_init(&text, 64 * 1024);
  if (inv->command) af_help_command(&text, inv->command);
  else af_help_program(&text, inv->commands);
  af_print_text(&text);
  af_buf_done(&text);
  return AF_EXIT_DONE;
}

int main(int argc, char **argv) {
  struct af_invocation inv;
  struct af_error err;
  int exit_code;
  af_wiring_harden();
  af_print_begin();
  if (!OSSL_LIB_CTX_get0_global_default()) { /* made here, since who uses it doesn't see that there was no memory for it */
    af_error_nomem(&err);
    af_say_error(&err);
    return AF_EXIT_FAILED;
  }
  if (af_options_parse(&inv, commands, argc, argv, &err)) return wrong_line(&inv, &err);
  af_say_quietly(inv.settings.quiet);
  af_name_database(inv.settings.db);
  if (inv.version) {
    puts("amiferry " AF_VERSION);
    exit_code = AF_EXIT_DONE;
  } else if (inv.help) {
    exit_code = show_help(&inv);
  } else {
    exit_code = inv.command->run(&inv);
  }
  return af_print_flush() || exit_code ? exit_code : AF_EXIT_FAILED;
}
