/* A copy as programs are shown it: for tests of what they show. */
#ifndef AF_TESTS_UNIT_COPY_FIXTURE_H
#define AF_TESTS_UNIT_COPY_FIXTURE_H

#include "engine/engine.h"
#include "tests/unit/test.h"

struct copy_fixture {
  struct af_copy_row row;
  struct af_copy_spec spec;
  struct af_step_row step;
  struct af_copy_view view;
  char text[8][64]; /* what the strings above point to */
};

static inline char *fixture_text_(struct copy_fixture *f, int i, const char *s) {
  snprintf(f->text[i], sizeof(f->text[i]), "%s", s);
  return f->text[i];
}

/* ami-0123456789abcdef0 of 111111111111, us-east-1, on its way to 222222222222, eu-west-1. */
static inline void copy_fixture_init(struct copy_fixture *f, enum af_copy_state state, const char *title, const char *name) {
  *f = (struct copy_fixture){.row = {.state = state, .bytes = INT64_C(30) << 30, .created_ms = 1000, .updated_ms = 2000}};
  f->row.id = fixture_text_(f, 0, "cp-0123456789ab");
  f->row.batch_id = fixture_text_(f, 1, "20261123-063012-3fa9");
  f->spec.image = fixture_text_(f, 2, "ami-0123456789abcdef0");
  f->spec.source.region = fixture_text_(f, 3, "us-east-1");
  f->spec.target.region = fixture_text_(f, 4, "eu-west-1");
  f->step.kind = fixture_text_(f, 5, "copy-snapshot");
  f->step.item = fixture_text_(f, 6, "snap-0123456789abcdef0");
  f->view = (struct af_copy_view){.row = &f->row, .spec = &f->spec, .steps = &f->step, .n_steps = 1, .title = title, .percent = -1,
                                  .bytes = f->row.bytes, .waits = "", .source_account = "111111111111",
                                  .target_account = "222222222222"};
  snprintf(f->view.name, sizeof(f->view.name), "%s", name);
}

#endif
