/* Paginated answers, put together: a page may be empty and not the last (rules.md 6.3), so nobody judges one alone. */
#ifndef AF_ENGINE_PAGES_H
#define AF_ENGINE_PAGES_H

#include "engine/aws/client.h"

#define AF_PAGE_MOST 1000 /* items of a page: what EC2 gives at most */
#define AF_GRANTS_MOST 100 /* what KMS gives at most (rules.md 3) */

/* Takes an answer to a call with this input. Where more pages follow, *ret_next is the input that asks for the next one (the caller's), and *pages keeps what
 * has come; otherwise *ret_next is NULL and a->output is the whole. *pages is NULL at first and the caller's to release. -AF_ENOMEM. */
int af_pages_take(json_t **pages, const json_t *input, struct af_answer *a, json_t **ret_next);

#endif
