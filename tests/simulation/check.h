/* What the simulation's tests assert of a rig. */
#ifndef AF_TESTS_SIMULATION_CHECK_H
#define AF_TESTS_SIMULATION_CHECK_H

#include <stdlib.h>

#include "tests/simulation/rig.h"
#include "tests/simulation/worlds.h"
#include "tests/unit/test.h"

static inline struct rig *new_rig(const char *world, uint64_t seed) {
  struct rig *r = rig_new(world, seed);
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "aws-config", CONFIG));
  rig_setenv(r, "AWS_SHARED_CREDENTIALS_FILE", rig_file(r, "aws-credentials", CREDENTIALS));
  return r;
}

static inline char *world_with(const char *what, const char *instead) {
  return rig_world(WORLD, what, instead);
}

/* JSON text: the same as a world file's `faults`; "[]" switches them off. */
static inline void set_faults(struct rig *r, const char *text) {
  struct af_error err;
  json_t *faults = json_loads(text, 0, NULL);
  assert_non_null(faults);
  assert_ok(cs_sim_faults(rig_sim(r), faults, &err), &err);
  json_decref(faults);
}

static inline void print_audit(struct rig *r) {
  json_t *audit = rig_audit(r);
  char *text = json_dumps(audit, JSON_INDENT(1) | JSON_SORT_KEYS);
  fprintf(stderr, "%s\n", text);
  free(text);
  json_decref(audit);
}

static inline size_t audit_count(struct rig *r, const char *member) {
  json_t *audit = rig_audit(r);
  json_t *list = json_object_get(audit, member);
  if (!list) fail_msg("the audit has no %s", member);
  size_t n = json_array_size(list);
  json_decref(audit);
  return n;
}

static inline size_t live_images(struct rig *r) {
  json_t *audit = rig_audit(r), *image;
  size_t i, n = 0;
  json_array_foreach(json_object_get(audit, "images"), i, image)
    n += strcmp(json_string_value(json_object_get(image, "state")), "available") == 0;
  json_decref(audit);
  return n;
}

/* Nothing twice, nothing open, nothing left over, nothing of the world's own taken away. */
static inline void assert_clean(struct rig *r, const char *when) {
  static const char *const empty[] = {"duplicates", "shares_open", "shares_lost", "grants_open", "orphaned_snapshots", "lost_resources",
                                      "instances_open", "volumes_left", "security_groups_left", "hazards"};
  for (size_t i = 0; i < COUNT(empty); i++)
    if (audit_count(r, empty[i])) {
      print_audit(r);
      fail_msg("%s: the audit has %s", when, empty[i]);
    }
}

static inline void assert_all(struct rig *r, enum af_copy_state state, const char *when) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  assert_true(n > 0);
  for (size_t i = 0; i < n; i++)
    if (list[i].state != state) {
      print_audit(r);
      fail_msg("%s: copy %zu is %s, not %s: %s", when, i, af_copy_state_name(list[i].state), af_copy_state_name(state),
               list[i].error ? list[i].error : "");
    }
  rig_copies_free(list, n);
}

#endif
