/* amiferry cancel: what is under way is stopped and undone. */
#include "tools/amiferry/ask.h"
#include "tools/amiferry/commands.h"

static int run(const struct af_invocation *inv) {
  static const struct af_asking asking = {.wish = "cancel", .wanted = AF_COPY_CANCELLED, .asked = "to be cancelled",
                                          .nothing = "nothing to cancel: all of it has ended (amiferry undo takes a finished copy away)"};
  return af_ask_run(inv, &asking);
}

const struct af_command af_command_cancel = {
    .name = "cancel", .arguments = "COPY|BATCH", .min_args = 1, .max_args = 1,
    .summary = "stop copies and undo what they made and opened",
    .text = "What is not sent is not sent; what is in flight is awaited, then all of it is undone. Where another process carries the copies out, it is "
            "told to, and this one doesn't wait for it. Copies of the batch that are not cancelled are carried to their end; blocked ones stay so.\n"
            "Exits with 0 when all that had not ended before are cancelled, or the other process was told.",
    .sets = {&af_option_set_engine}, .run = run};
