/* A child process that prints credentials: started without a shell, read bit by bit without waiting, bounded in time and output.
 * Standard input is /dev/null, standard error is ours (it talks to the person). rules.md section 7, credential_process. */
#ifndef AF_ENGINE_AWS_PROCESS_H
#define AF_ENGINE_AWS_PROCESS_H

#include "base/buf.h"
#include "base/error.h"

#define AF_PROCESS_TIMEOUT_MS 60000
#define AF_PROCESS_POLL_MS 20 /* how often to look while it runs */

struct af_process;
/* command as in af_split_command(). -AF_EINVAL, -AF_EIO: class AUTH, code "ProcessFailed". */
int af_process_start(struct af_process **ret, struct af_str command, int64_t now_mono_ms, struct af_error *err);
/* 0 and *ret_done: it ended well and *ret_output (borrowed, a secret buffer) is all that it printed. */
int af_process_step(struct af_process *p, int64_t now_mono_ms, bool *ret_done, const struct af_buf **ret_output, struct af_error *err);
void af_process_free(struct af_process *p); /* takes NULL; kills what still runs */

#endif
