/* What every transport shares. */
#include "engine/aws/http.h"

void af_http_result_done(struct af_http_result *r) {
  if (r)
    af_buf_done(&r->body);
}
