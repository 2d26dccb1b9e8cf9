/* Comes between the engine and the rig's cloud (link with wrap_client), so that a test which makes memory, the disk or the power fail can keep
 * the cloud out of it: that is somewhere else. */
#ifndef AF_TESTS_SIMULATION_BETWEEN_H
#define AF_TESTS_SIMULATION_BETWEEN_H

#include "engine/aws/client.h"
#include "tests/simulation/rig.h"

/* The test's own. */
static bool between_is_dead(void);  /* nothing goes out any more and nothing comes in */
static void between_enter(void);    /* the cloud's turn begins, */
static void between_leave(void);    /* and ends */

static struct af_http between_cloud;

static int between_submit(void *ctx, const struct af_http_request *req, uint64_t *ret_id, struct af_error *err) {
  if (between_is_dead()) {
    *ret_id = UINT64_MAX;
    return 0;
  }
  between_enter();
  int rc = between_cloud.submit(between_cloud.ctx, req, ret_id, err);
  between_leave();
  return rc;
}

static int between_wait(void *ctx, int64_t timeout_ms) {
  return between_is_dead() ? -AF_EIO : between_cloud.wait(between_cloud.ctx, timeout_ms);
}

static bool between_next(void *ctx, struct af_http_result *ret) {
  return !between_is_dead() && between_cloud.next(between_cloud.ctx, ret);
}

int __real_af_aws_new(struct af_aws **ret, const struct af_aws_config *config, struct af_error *err);
int __wrap_af_aws_new(struct af_aws **ret, const struct af_aws_config *config, struct af_error *err);

int __wrap_af_aws_new(struct af_aws **ret, const struct af_aws_config *config, struct af_error *err) {
  static struct af_http between = {.submit = between_submit, .wait = between_wait, .next = between_next};
  struct af_aws_config ours = *config;
  between_cloud = *config->http;
  ours.http = &between;
  return __real_af_aws_new(ret, &ours, err);
}

#endif
