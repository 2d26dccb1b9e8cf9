/* MaxResults and NextToken (rules.md 6.3). A token holds the place to go on from and a mark of the call that it belongs to; the
 * tables only grow, so a place stays good. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/cloudsim/ec2.h"

enum { MOST = 1000 };

static uint64_t mix(uint64_t h, const char *text) {
  for (; *text; text++)
    h = (h ^ (unsigned char)*text) * 1099511628211u;
  return (h ^ 0xff) * 1099511628211u;
}

/* Who asks for what: the same for every page of one listing. */
static uint32_t mark(struct cs_call *call) {
  uint64_t h = mix(mix(14695981039346656037u, call->caller.account), call->region->name);
  for (size_t i = 0; i < call->params.n; i++) {
    const struct cs_param *p = &call->params.items[i];
    if (!af_streq(p->name, "NextToken") && !af_streq(p->name, "MaxResults"))
      h = mix(mix(h, p->name), p->value);
  }
  return (uint32_t)(h ^ (h >> 32));
}

static bool hex(const char *s, size_t n, uint64_t *ret) {
  *ret = 0;
  for (size_t i = 0; i < n; i++) {
    const char *digit = s[i] ? strchr("0123456789abcdef", s[i]) : NULL;
    if (!digit)
      return false;
    *ret = *ret * 16 + (uint64_t)(digit - "0123456789abcdef");
  }
  return true;
}

static int read_token(struct cs_call *call, const char *token, size_t *ret) {
  uint64_t mark_read, place;
  if (strlen(token) != 24 || !hex(token, 8, &mark_read) || !hex(token + 8, 16, &place) || mark_read != mark(call))
    return cs_fail(call, 400, "InvalidNextToken", "The token '%s' is invalid.", token);
  *ret = (size_t)place;
  return 0;
}

int cs_page_begin(struct cs_call *call, const char *ids, int64_t min, struct cs_page *page) {
  *page = (struct cs_page){.left = SIZE_MAX};
  const char *token = cs_param(&call->params, "NextToken");
  int64_t most = cs_param_int(call, "MaxResults", -1);
  if (ids && most >= 0 && cs_param_list(call, ids) > 0)
    return cs_fail(call, 400, "InvalidParameterCombination", "The parameter %s cannot be used with the parameter MaxResults", ids);
  if (most >= 0 && most < min)
    return cs_fail(call, 400, "InvalidParameterValue",
                   "Value ( %" PRId64 " ) for parameter maxResults is invalid. Expecting a value greater than or equal to %" PRId64 ".",
                   most, min);
  if (token && token[0] && read_token(call, token, &page->start) < 0)
    return -AF_EAWS;
  page->paged = most >= 0 || (token && token[0]);
  if (page->paged)
    page->left = most >= 0 && most < MOST ? (size_t)most : MOST;
  if (page->paged && call->empty_page)
    page->left = 0; /* a page may be empty and not the last */
  return 0;
}

void cs_page_end(struct cs_call *call, struct af_buf *out, size_t next) {
  char token[32];
  snprintf(token, sizeof token, "%08" PRIx32 "%016" PRIx64, mark(call), (uint64_t)next);
  cs_xml_text(out, "nextToken", token);
}
