/* Inside of the manifest's reader: what manifest.c, manifest_sets.c and manifest_check.c share. */
#ifndef AF_PLANS_MANIFEST_READ_H
#define AF_PLANS_MANIFEST_READ_H

#include "base/doc.h"
#include "plans/route.h"
#include "plans/spec.h"

struct af_reader {
  const struct af_doc *doc;
  struct af_error *err;           /* the newest; af_manifest_note() keeps it */
  struct af_error first;          /* that was noted */
  size_t n_noted;
  struct af_mistakes *more;       /* those after it; may be NULL */
  const struct af_node *defaults; /* a map; NULL where there is none */
  struct af_manifest m;           /* as far as it is read */
  size_t room;                    /* of m.copies and places */
  bool full;                      /* there is one copy more than may be */
  const struct af_node **places;  /* where each copy stands: its map, or its target's */
};

/* The maps that one copy is put together from, and the node that each of its members came from (NULL: from none). */
struct af_layers {
  const struct af_node *copy, *target, *defaults;
  const struct af_node *from[AF_SPEC_MEMBER_MAX_];
};

/* A part of the manifest was looked at: where it is wrong, its error is kept, and the next part can be looked at. Any other rc comes back. */
int af_manifest_note(struct af_reader *r, int rc);
/* The value at a key; NULL where there is none, or where map is NULL or none. */
const struct af_node *af_member(const struct af_node *map, const char *key);
/* A map of known keys (the list ends with NULL). */
int af_manifest_check_keys(struct af_reader *r, const struct af_node *n, const char *const *known, const char *write);
/* A text of the wanted shape. Strings only, so that nobody's "1e3" becomes a number unseen; ids of digits are taken as written. */
int af_manifest_check_text(struct af_reader *r, const struct af_node *n, enum af_shape shape, bool as_written);

/* Lists and switches: those of one map checked, and those of a copy put together into a spec whose members are filled. */
int af_manifest_check_sets(struct af_reader *r, const struct af_node *map);
int af_manifest_take_sets(struct af_reader *r, const struct af_layers *l, struct af_copy_spec *spec);
int af_manifest_check_permissions(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec);

/* What only the merged copy shows: members that are missing, or contradict each other. */
int af_manifest_check_spec(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec);
/* What only all copies together show: the same copy twice, and one name for two sources. */
int af_manifest_check_all(struct af_reader *r);

#endif
