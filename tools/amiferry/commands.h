/* The commands: each is defined in the file of its name, and listed in main.c. */
#ifndef AF_TOOLS_AMIFERRY_COMMANDS_H
#define AF_TOOLS_AMIFERRY_COMMANDS_H

#include "tools/amiferry/options.h"

extern const struct af_command af_command_plan, af_command_run, af_command_resume, af_command_status, af_command_show, af_command_retry,
    af_command_cancel, af_command_undo, af_command_verify, af_command_sweep, af_command_routes, af_command_doctor, af_command_help;

#endif
