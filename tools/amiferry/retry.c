/* amiferry retry: blocked copies go on, after a person has seen to what they needed. */
#include "tools/amiferry/ask.h"
#include "tools/amiferry/commands.h"

static int run(const struct af_invocation *inv) {
  static const struct af_asking asking = {.wish = "retry", .wanted = AF_COPY_DONE, .asked = "to be tried again",
                                          .nothing = "nothing to retry: all of it has ended"};
  return af_ask_run(inv, &asking);
}

const struct af_command af_command_retry = {
    .name = "retry", .arguments = "COPY|BATCH", .min_args = 1, .max_args = 1,
    .summary = "try blocked copies again",
    .text = "Unlike resume, it can be told which; and where another process carries the copies out, it is told to, and this one doesn't wait for it. "
            "What else the batch has to do is done, too; other blocked copies stay so.",
    .sets = {&af_option_set_engine}, .run = run};
