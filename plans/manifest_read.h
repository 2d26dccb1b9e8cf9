/* Inside of the manifest's reader: what manifest.c and manifest_check.c share. */
#ifndef AF_PLANS_MANIFEST_READ_H
#define AF_PLANS_MANIFEST_READ_H

#include "base/doc.h"
#include "plans/route.h"
#include "plans/spec.h"

struct af_reader {
  const struct af_doc *doc;
  struct af_error *err;
  const struct af_node *defaults; /* a map; NULL where there is none */
  struct af_manifest m;           /* as far as it is read */
  size_t room;                    /* of m.copies and places */
  const struct af_node **places;  /* where each copy stands: its map, or its target's */
};

/* The maps that one copy is put together from, and the node that each of its members came from (NULL: from none). */
struct af_layers {
  const struct af_node *copy, *target, *defaults;
  const struct af_node *from[AF_SPEC_MEMBER_MAX_];
};

/* What only the merged copy shows: members that are missing, or contradict each other. */
int af_manifest_check_spec(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec);
/* What only all copies together show: the same copy twice, and one name for two sources. */
int af_manifest_check_all(struct af_reader *r);

#endif
