/* For tests that read the AWS data beside the source tree (AF_SHARED): one TAP case a vector, built at run time. Where the folder is
 * absent, one case says so and is skipped. */
#ifndef AF_TESTS_WIRE_VECTORS_H
#define AF_TESTS_WIRE_VECTORS_H

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "tests/unit/test.h"

/* The folder with models/, protocol/ and sigv4/; NULL where it isn't. */
static inline const char *shared_dir(void) {
  const char *dir = getenv("AF_SHARED");
  return dir && access(dir, R_OK) == 0 ? dir : NULL;
}

static inline void read_text(struct af_buf *out, const char *dir, const char *name) {
  char path[1024];
  struct af_error err = {0};
  snprintf(path, sizeof path, "%s/%s", dir, name);
  af_buf_init(out, 64 * 1024 * 1024);
  if (af_buf_read_file(out, path, &err) < 0) {
    fprintf(stderr, "%s\n", err.message);
    abort();
  }
}

static inline json_t *read_json(const char *dir, const char *name) {
  struct af_buf text;
  json_error_t error;
  read_text(&text, dir, name);
  json_t *doc = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &error);
  if (!doc) {
    fprintf(stderr, "%s/%s: line %d: %s\n", dir, name, error.line, error.text);
    abort();
  }
  af_buf_done(&text);
  return doc;
}

struct test_list {
  struct CMUnitTest *tests;
  size_t n, size;
};

/* name is copied; state is what the test finds in *state, freed by test_list_run() with free(). */
static inline void test_list_add(struct test_list *l, const char *name, CMUnitTestFunction f, void *state) {
  if (l->n == l->size) {
    l->size = l->size ? l->size * 2 : 64;
    l->tests = realloc(l->tests, l->size * sizeof *l->tests);
  }
  l->tests[l->n++] = (struct CMUnitTest){.name = strdup(name), .test_func = f, .initial_state = state};
}

static inline void skip_(void **state) {
  skip();
}

/* A case that isn't run shows its reason in its name. */
static inline void test_list_skip(struct test_list *l, const char *name, const char *reason) {
  char text[512];
  snprintf(text, sizeof text, "%s: %s", name, reason);
  test_list_add(l, text, skip_, NULL);
}

/* cmocka 1.1.5 says "not ok 3 # SKIP name", which meson takes for a failure: what is printed from now on goes through a child that
 * says "ok 3 - name # SKIP". */
static inline pid_t reword_skips(void) {
  int ends[2];
  fflush(stdout);
  if (pipe(ends) < 0)
    return -1;
  pid_t child = fork();
  if (child == 0) {
    char line[4096], *number = line + strlen("not ok "), *mark;
    close(ends[1]);
    for (FILE *in = fdopen(ends[0], "r"); in && fgets(line, sizeof line, in);) {
      mark = strncmp(line, "not ok ", 7) == 0 ? strstr(line, " # SKIP ") : NULL;
      line[strcspn(line, "\n")] = 0;
      if (mark)
        printf("ok %.*s - %s # SKIP\n", (int)(mark - number), number, mark + strlen(" # SKIP "));
      else
        printf("%s\n", line);
    }
    fflush(stdout);
    _exit(0);
  }
  dup2(ends[1], STDOUT_FILENO);
  close(ends[0]);
  close(ends[1]);
  return child;
}

static inline int test_list_run(struct test_list *l, const char *group) {
  pid_t child = reword_skips();
  int failed = _cmocka_run_group_tests(group, l->tests, l->n, NULL, NULL);
  fflush(stdout);
  close(STDOUT_FILENO);
  waitpid(child, NULL, 0);
  for (size_t i = 0; i < l->n; i++) {
    free((char *)(uintptr_t)l->tests[i].name);
    free(l->tests[i].initial_state);
  }
  free(l->tests);
  return failed;
}

#endif
