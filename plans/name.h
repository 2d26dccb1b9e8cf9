/* Names of new AMIs. A manifest's name may be a template: words in braces stand for what is known of the source and of the copy.
 * Braces are not legal in a name (rules.md 1.1), so that none is ever meant for itself. Pure. */
#ifndef AF_PLANS_NAME_H
#define AF_PLANS_NAME_H

#include "base/buf.h"
#include "plans/facts.h"
#include "plans/manifest.h"

#define AF_NAME_SIZE 129 /* of the longest name, with its NUL */

/* "{name}, {date}, …": what there is, for messages. */
void af_name_words(struct af_buf *out);
/* Whether anything in it is to be filled in. */
bool af_name_is_template(struct af_str text);
/* The first thing of a template that is neither a known word in braces nor a legal character, as it stands there ("{nmae}", "}",
 * "*"); empty where there is none. */
struct af_str af_name_mistake(struct af_str text);
/* Whether a template without mistakes can become a name of 3 to 128 characters. */
bool af_name_fits(struct af_str text);
/* Appends the name as far as the manifest settles it, the day left as {date}: two copies of one batch with the same text get the
 * same name. False, and nothing of use appended, where the name depends on what is read of the source. */
bool af_name_foretell(const struct af_copy_spec *spec, struct af_buf *out);

/* The name of the new AMI: the template filled in, or the source's own where the manifest has none. -AF_EINVAL with class INVALID,
 * code NameMissing or NameInvalid, and a hint, where that is no name that AWS takes: a source may have one that was made elsewhere
 * or long ago, with characters that only AWS's own images show. */
int af_name_expand(const struct af_copy_spec *spec, const struct af_facts *facts, char ret[AF_NAME_SIZE], struct af_error *err);

#endif
