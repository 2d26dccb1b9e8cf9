/* Runs a fuzz target without libFuzzer: every input of a corpus, and mutations of each that a seed decides. Prints TAP.
 *
 *   TARGET [--mutate N] [--seed S] [--dict FILE] FOLDER|FILE...
 *   TARGET --only M [--seed S] [--dict FILE] FILE     replays one mutation
 *   --save FILE                                       where the input goes that ends the program
 *
 * A mutation depends on its number, the seed, the dictionary and the input alone, whatever ran before it; what ends the program is named on
 * standard error. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/fuzz/fuzz.h"

enum {
  INPUTS_MAX = 4096,
  WORDS_MAX = 1024,
  INPUT_MAX = 64 * 1024, /* of a mutation, in bytes */
  STACK_MAX = 5,         /* changes in one mutation */
  PATIENCE_S = 60,       /* with one input: no target should need a second */
};

struct input {
  char *path;
  struct af_buf text;
};

static struct {
  struct input inputs[INPUTS_MAX];
  size_t n_inputs;
  char *words[WORDS_MAX];
  size_t word_len[WORDS_MAX], n_words;
  uint64_t seed, mutations, only; /* only: 0 where all are wanted */
  const char *save;
} fuzz = {.seed = 1};

static struct { /* what runs now, for those who die */
  const char *path;
  uint64_t mutation; /* 0: the input as it is */
  const void *bytes;
  size_t len;
} now;

/* The sanitizers', where the program was built with them. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* --- the end --- */

static void say(const char *text) {
  (void)!write(STDERR_FILENO, text, strlen(text));
}

static void name_what_ran(void) {
  char number[32];
  if (!now.path) return;
  snprintf(number, sizeof(number), "%llu", (unsigned long long)now.mutation);
  say("\nfuzz: ended by ");
  say(now.path);
  if (now.mutation) say(": --only ");
  if (now.mutation) say(number);
  say("\n");
  int fd = fuzz.save ? open(fuzz.save, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
  if (fd >= 0) (void)!write(fd, now.bytes, now.len);
  now.path = NULL; /* a sanitizer that was told already */
}

static void on_signal(int number) {
  if (number == SIGALRM) say("\nfuzz: an input without an end");
  name_what_ran();
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

static void watch_for_the_end(void) {
  static const int fatal[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
  for (size_t i = 0; i < COUNT(fatal); i++)
    if (!__sanitizer_set_death_callback || fatal[i] == SIGABRT || fatal[i] == SIGALRM) (void)signal(fatal[i], on_signal);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(name_what_ran);
}

static int bad(const char *what, const char *which) {
  fprintf(stderr, "fuzz: %s %s\n", what, which);
  exit(2);
}

/* --- mutations --- */

static size_t below(const struct af_random *r, size_t n) {
  return n ? (size_t)af_random_below(r, n) : 0;
}

/* Puts n bytes in the place of old ones at a place. */
static void patch(struct af_buf *b, size_t at, size_t old, const void *bytes, size_t n) {
  struct af_buf out;
  af_buf_init(&out, INPUT_MAX);
  af_buf_add(&out, af_buf_cstr(b), at);
  af_buf_add(&out, bytes, n);
  af_buf_add(&out, af_buf_cstr(b) + at + old, b->len - at - old);
  if (af_buf_rc(&out) == 0) {
    af_buf_done(b);
    *b = out;
  } else {
    af_buf_done(&out);
  }
}

static void flip_a_bit(struct af_buf *b, const struct af_random *r) {
  if (b->len) b->ptr[below(r, b->len)] ^= (char)(1 << below(r, 8));
}

static void put_a_byte(struct af_buf *b, const struct af_random *r) {
  static const char telling[] = "\0\n\r\t \"'{}[]<>&;:,=%/\\*-+0919Aaz\x7f\x80\xc3\xff";
  size_t insert = below(r, 2), at = below(r, b->len + insert);
  patch(b, at, insert || !b->len ? 0 : 1, &telling[below(r, sizeof(telling) - 1)], 1);
}

static void put_a_word(struct af_buf *b, const struct af_random *r) {
  if (!fuzz.n_words) return;
  size_t w = below(r, fuzz.n_words), at = below(r, b->len + 1), left = b->len - at;
  size_t old = below(r, 2) ? 0 : fuzz.word_len[w] < left ? fuzz.word_len[w] : left;
  patch(b, at, old, fuzz.words[w], fuzz.word_len[w]);
}

static void put_a_number(struct af_buf *b, const struct af_random *r) {
  static const char *const numbers[] = {"0", "-1", "1", "255", "65536", "2147483648", "4294967295", "9223372036854775807",
                                        "-9223372036854775808", "18446744073709551616", "1e308", "0.5"};
  const char *number = numbers[below(r, COUNT(numbers))];
  size_t at = below(r, b->len + 1), old = 0;
  while (at < b->len && (b->ptr[at] < '0' || b->ptr[at] > '9')) at++;
  while (at + old < b->len && b->ptr[at + old] >= '0' && b->ptr[at + old] <= '9') old++;
  patch(b, at, old, number, strlen(number));
}

static void take_a_piece(struct af_buf *b, const struct af_random *r) {
  size_t at = below(r, b->len), n = 1 + below(r, below(r, 2) ? 4 : b->len);
  patch(b, at, n < b->len - at ? n : b->len - at, "", 0);
}

static void repeat_a_piece(struct af_buf *b, const struct af_random *r) {
  size_t from = below(r, b->len), n = below(r, b->len - from + 1);
  char *piece = n ? malloc(n) : NULL;
  if (!piece) return;
  memcpy(piece, b->ptr + from, n);
  for (size_t times = 1 + below(r, 3); times > 0; times--) patch(b, below(r, b->len + 1), 0, piece, n);
  free(piece);
}

static void borrow_a_piece(struct af_buf *b, const struct af_random *r) {
  const struct af_buf *other = &fuzz.inputs[below(r, fuzz.n_inputs)].text;
  size_t from = below(r, other->len), n = below(r, other->len - from + 1);
  patch(b, below(r, b->len + 1), 0, af_buf_cstr(other) + from, n);
}

static void mutate(struct af_buf *b, const struct af_random *r) {
  static void (*const ways[])(struct af_buf *b, const struct af_random *r) = {flip_a_bit,   put_a_byte,     put_a_word,    put_a_word,
                                                                              put_a_number, take_a_piece, repeat_a_piece, borrow_a_piece};
  for (size_t n = 1 + below(r, STACK_MAX); n > 0; n--) ways[below(r, COUNT(ways))](b, r);
}

/* --- running --- */

/* In a block of its own size, so that a sanitizer sees what is read behind it. */
static void run_one(const struct input *in, const struct af_buf *text, uint64_t mutation) {
  char *bytes = malloc(text->len ? text->len : 1);
  if (!bytes) bad("no memory for", in->path);
  memcpy(bytes, af_buf_cstr(text), text->len);
  now.bytes = bytes;
  now.len = text->len;
  now.mutation = mutation;
  now.path = in->path;
  alarm(PATIENCE_S);
  LLVMFuzzerTestOneInput((const uint8_t *)bytes, text->len);
  alarm(0);
  now.path = NULL;
  free(bytes);
}

/* FNV-1a. */
static uint64_t mix(uint64_t h, const void *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
  return h;
}

static void run_mutation(const struct input *in, uint64_t number) {
  struct af_random_seeded random;
  struct af_buf text;
  const uint64_t salt[] = {fuzz.seed, number};
  af_random_seed(&random, mix(mix(UINT64_C(0xcbf29ce484222325), salt, sizeof(salt)), af_buf_cstr(&in->text), in->text.len));
  af_buf_init(&text, INPUT_MAX);
  af_buf_str(&text, af_buf_view(&in->text));
  mutate(&text, &random.random);
  run_one(in, &text, number);
  af_buf_done(&text);
}

static void check_leaks(const struct input *in) {
  now.bytes = af_buf_cstr(&in->text); /* or one of its mutations: a check for each would take too long */
  now.len = in->text.len;
  now.mutation = 0;
  now.path = in->path;
  if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check()) abort();
  now.path = NULL;
}

static void run_all(void) {
  uint64_t first = fuzz.only ? fuzz.only : 1, last = fuzz.only ? fuzz.only : fuzz.mutations;
  for (size_t i = 0; i < fuzz.n_inputs && !fuzz.only; i++) run_one(&fuzz.inputs[i], &fuzz.inputs[i].text, 0);
  printf("ok 1 - %zu inputs do no harm\n", fuzz.n_inputs);
  fflush(stdout);
  for (size_t i = 0; i < fuzz.n_inputs; i++) {
    for (uint64_t m = first; m <= last; m++) run_mutation(&fuzz.inputs[i], m);
    check_leaks(&fuzz.inputs[i]);
  }
  printf("ok 2 - %llu mutations of each do no harm (seed %llu)\n1..2\n", (unsigned long long)fuzz.mutations, (unsigned long long)fuzz.seed);
}

/* --- reading --- */

static void read_input(const char *path) {
  struct af_error err;
  if (fuzz.n_inputs == INPUTS_MAX) bad("too many inputs:", path);
  struct input *in = &fuzz.inputs[fuzz.n_inputs++];
  in->path = strdup(path);
  af_buf_init(&in->text, INPUT_MAX);
  if (af_buf_read_file(&in->text, path, &err)) bad("can't read", path);
}

static int visible(const struct dirent *d) {
  return d->d_name[0] != '.';
}

static void read_path(const char *path) {
  struct dirent **list;
  struct stat st;
  char file[4096];
  if (stat(path, &st)) bad("there is no", path);
  if (!S_ISDIR(st.st_mode)) {
    read_input(path);
    return;
  }
  int n = scandir(path, &list, visible, alphasort);
  for (int i = 0; i < n; i++) {
    snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
    read_input(file);
    free(list[i]);
  }
  if (n >= 0) free(list);
}

static unsigned hex(char c) {
  return c >= 'a' ? (unsigned)(c - 'a' + 10) & 15 : c >= 'A' ? (unsigned)(c - 'A' + 10) & 15 : (unsigned)(c - '0') & 15;
}

/* libFuzzer's: a word in quotes a line, with \\, \" and \xHH. */
static void read_word(struct af_str line) {
  char *word = malloc(line.len + 1);
  size_t n = 0;
  if (!word || fuzz.n_words == WORDS_MAX) bad("too many words in", "the dictionary");
  for (size_t i = 1; i < line.len && line.ptr[i] != '"'; i++) {
    bool escaped = line.ptr[i] == '\\' && i + 1 < line.len;
    i += escaped;
    bool byte = escaped && line.ptr[i] == 'x' && i + 2 < line.len;
    word[n++] = byte ? (char)(hex(line.ptr[i + 1]) << 4 | hex(line.ptr[i + 2])) : line.ptr[i];
    i += byte ? 2 : 0;
  }
  fuzz.words[fuzz.n_words] = word;
  fuzz.word_len[fuzz.n_words++] = n;
}

static void read_dictionary(const char *path) {
  struct af_buf text;
  struct af_error err;
  af_buf_init(&text, INPUT_MAX);
  if (af_buf_read_file(&text, path, &err)) bad("can't read", path);
  for (struct af_str rest = af_buf_view(&text); rest.len;) {
    struct af_str line = fuzz_line(&rest);
    if (af_str_starts(line, "\"")) read_word(line);
  }
  af_buf_done(&text);
}

static uint64_t number_of(const char *text) {
  uint64_t n = 0;
  if (!text || af_str_to_u64(af_str(text), &n)) bad("not a number:", text ? text : "nothing");
  return n;
}

/* An option with its value; false for what is none. */
static bool take_option(const char *name, const char *value) {
  if (af_streq(name, "--mutate")) fuzz.mutations = number_of(value);
  else if (af_streq(name, "--only")) fuzz.only = number_of(value);
  else if (af_streq(name, "--seed")) fuzz.seed = number_of(value);
  else if (af_streq(name, "--save")) fuzz.save = value;
  else if (af_streq(name, "--dict")) read_dictionary(value ? value : "");
  else return false;
  return true;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (take_option(argv[i], argv[i + 1])) i++;
    else read_path(argv[i]);
  }
  if (!fuzz.n_inputs) bad("no inputs:", "name a corpus");
  watch_for_the_end();
  run_all();
  for (size_t i = 0; i < fuzz.n_inputs; i++) {
    free(fuzz.inputs[i].path);
    af_buf_done(&fuzz.inputs[i].text);
  }
  for (size_t i = 0; i < fuzz.n_words; i++) free(fuzz.words[i]);
  return 0;
}
