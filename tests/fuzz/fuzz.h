/* What the fuzz targets share. A target is one file that defines LLVMFuzzerTestOneInput(); it is linked with libFuzzer (tools/fuzz)
 * or with driver.c, which needs no particular compiler.
 *
 * Inputs are texts that a person can write: head lines say what is to be done with the rest. What a target finds is a crash, a leak, an
 * input without an end, or a law that doesn't hold: MUST() names it. */
#ifndef AF_TESTS_FUZZ_FUZZ_H
#define AF_TESTS_FUZZ_FUZZ_H

#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A law of the code under test. */
#define MUST(law) fuzz_must((law), #law, __FILE__, __LINE__)
void fuzz_must(bool holds, const char *law, const char *file, int line);

/* Each takes its piece from the front of rest; what is not there is empty. */
struct af_str fuzz_line(struct af_str *rest);
struct af_str fuzz_word(struct af_str *line);                     /* up to a blank */
struct af_str fuzz_part(struct af_str *rest, const char *mark);   /* up to a line that is the mark */
uint64_t fuzz_number(struct af_str *line, uint64_t otherwise);    /* a word; what is no number gives otherwise */

/* What must hold of every error: it has a code, and all of it can be stored and shown: well-formed UTF-8, one line. */
void fuzz_error(const struct af_error *err);
/* JSON with ' for ", for fixtures in C. Aborts where it is none. */
json_t *fuzz_fixture(const char *text);

#endif
