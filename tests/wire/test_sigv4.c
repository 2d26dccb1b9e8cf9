/* The signer against all vectors of sigv4/, in both forms, every stage; and what it refuses to sign. */
#include "engine/aws/sigv4.h"

#include <dirent.h>

#include "tests/wire/vectors.h"

struct sign_case {
  char dir[512];
  enum af_sign_form form;
};

struct loaded {
  struct af_buf text; /* request.txt */
  struct af_buf unfolded[8];
  size_t n_unfolded;
  struct af_str raw_headers; /* as they stand in the file */
  struct af_str target;      /* path and query */
  struct af_header headers[16];
  struct af_signable request;
  struct af_credentials credentials;
  char service[64], region[64];
  struct af_signing signing;
};

static struct af_str take_line(struct af_str *text) {
  const char *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
  struct af_str line = af_str_n(text->ptr, end ? (size_t)(end - text->ptr) : text->len);
  size_t used = line.len + (end ? 1 : 0);
  *text = af_str_n(text->ptr + used, text->len - used);
  return line;
}

static void parse_request_line(struct loaded *l, struct af_str line) {
  const char *space = memchr(line.ptr, ' ', line.len);
  l->request.method = af_str_n(line.ptr, (size_t)(space - line.ptr));
  size_t from = l->request.method.len + 1;
  l->target = af_str_n(line.ptr + from, line.len - from - strlen(" HTTP/1.1"));
  const char *mark = memchr(l->target.ptr, '?', l->target.len);
  size_t path_len = mark ? (size_t)(mark - l->target.ptr) : l->target.len;
  l->request.path = af_str_n(l->target.ptr, path_len);
  if (mark)
    l->request.query = af_str_n(mark + 1, l->target.len - path_len - 1);
}

/* A value that goes on in the next line is one value (RFC 9112, obs-fold). */
static void unfold(struct loaded *l, struct af_header *h, struct af_str more) {
  struct af_buf *b = &l->unfolded[l->n_unfolded++];
  af_buf_init(b, 4096);
  af_buf_str(b, h->value);
  af_buf_putc(b, ' ');
  af_buf_str(b, more);
  h->value = af_buf_view(b);
}

static void parse_request(struct loaded *l) {
  struct af_str text = af_buf_view(&l->text);
  parse_request_line(l, take_line(&text));
  const char *start = text.ptr;
  while (text.len > 0 && text.ptr[0] != '\n') {
    struct af_str line = take_line(&text);
    if (line.ptr[0] == ' ') {
      unfold(l, &l->headers[l->request.n_headers - 1], line);
      continue;
    }
    const char *colon = memchr(line.ptr, ':', line.len);
    struct af_str name = af_str_n(line.ptr, (size_t)(colon - line.ptr)), value = af_str_n(colon + 1, line.len - name.len - 1);
    if (af_str_eq(name, af_str("Host")))
      l->request.host = value;
    else
      l->headers[l->request.n_headers++] = (struct af_header){name, value};
  }
  l->raw_headers = af_str_n(start, (size_t)(text.ptr - start));
  if (text.len > 0)
    take_line(&text);
  l->request.body = text;
  l->request.headers = l->headers;
}

static void load(struct loaded *l, const char *dir) {
  memset(l, 0, sizeof *l);
  json_t *context = read_json(dir, "context.json"), *who = json_object_get(context, "credentials");
  AF_COPY(l->credentials.access_key_id, af_str(json_string_value(json_object_get(who, "access_key_id"))));
  af_secret_set(&l->credentials.secret_access_key, af_str(json_string_value(json_object_get(who, "secret_access_key"))));
  af_secret_set(&l->credentials.session_token, af_str(json_string_value(json_object_get(who, "token"))));
  AF_COPY(l->service, af_str(json_string_value(json_object_get(context, "service"))));
  AF_COPY(l->region, af_str(json_string_value(json_object_get(context, "region"))));
  l->signing = (struct af_signing){
      .credentials = &l->credentials,
      .service = l->service,
      .region = l->region,
      .normalize_path = json_is_true(json_object_get(context, "normalize")),
      .encode_path_twice = true,
      .sign_body_header = json_is_true(json_object_get(context, "sign_body")),
      .omit_session_token = json_is_true(json_object_get(context, "omit_session_token")),
      .expires_s = json_integer_value(json_object_get(context, "expiration_in_seconds")),
  };
  assert_int_equal(af_time_parse(af_str(json_string_value(json_object_get(context, "timestamp"))), &l->signing.time_ms), 0);
  json_decref(context);
  read_text(&l->text, dir, "request.txt");
  parse_request(l);
}

static void unload(struct loaded *l) {
  for (size_t i = 0; i < l->n_unfolded; i++)
    af_buf_done(&l->unfolded[i]);
  af_buf_done(&l->text);
  af_credentials_done(&l->credentials);
}

static void assert_file(const struct sign_case *c, const char *what, struct af_str got) {
  char name[64];
  struct af_buf want;
  snprintf(name, sizeof name, "%s-%s.txt", c->form == AF_SIGN_HEADERS ? "header" : "query", what);
  read_text(&want, c->dir, name);
  if (!af_str_eq(got, af_buf_view(&want)))
    print_error("%s: got\n%.*s\nwant\n%s\n", name, (int)got.len, got.ptr, af_buf_cstr(&want));
  assert_true(af_str_eq(got, af_buf_view(&want)));
  af_buf_done(&want);
}

static void assert_stages(const struct sign_case *c, const struct loaded *l) {
  struct af_buf canonical, to_sign;
  char signature[65];
  af_buf_init_secret(&canonical, 65536);
  af_buf_init(&to_sign, 65536);
  assert_int_equal(af_sigv4_canonical_request(&l->signing, &l->request, c->form, &canonical), 0);
  assert_file(c, "canonical-request", af_buf_view(&canonical));
  assert_int_equal(af_sigv4_string_to_sign(&l->signing, af_buf_view(&canonical), &to_sign), 0);
  assert_file(c, "string-to-sign", af_buf_view(&to_sign));
  assert_int_equal(af_sigv4_signature(&l->signing, af_buf_view(&to_sign), signature), 0);
  assert_file(c, "signature", af_str(signature));
  af_buf_done(&canonical);
  af_buf_done(&to_sign);
}

/* "Name: value" as the vectors write it: "Name:value". */
static void put_line(struct af_buf *out, const char *line) {
  const char *colon = strstr(line, ": ");
  af_buf_add(out, line, (size_t)(colon + 1 - line));
  af_buf_puts(out, colon + 2);
  af_buf_putc(out, '\n');
}

static void put_with_headers(struct af_buf *out, const struct loaded *l) {
  struct af_signed_headers h;
  assert_int_equal(af_sigv4_sign(&l->signing, &l->request, &h), 0);
  af_buf_str(out, l->target);
  af_buf_puts(out, " HTTP/1.1\n");
  af_buf_str(out, l->raw_headers);
  const char *line = h.lines.ptr;
  for (size_t i = 0; i < h.n; i++, line += strlen(line) + 1)
    put_line(out, line);
  af_signed_headers_done(&h);
}

static void put_with_query(struct af_buf *out, const struct loaded *l) {
  af_buf_str(out, l->request.path);
  af_buf_putc(out, '?');
  assert_int_equal(af_sigv4_presign(&l->signing, &l->request, out), 0);
  af_buf_puts(out, " HTTP/1.1\n");
  af_buf_str(out, l->raw_headers);
}

static void signs_as_the_vector_says(void **state) {
  const struct sign_case *c = *state;
  struct loaded l;
  struct af_buf signed_request;
  load(&l, c->dir);
  assert_stages(c, &l);
  af_buf_init_secret(&signed_request, 65536);
  af_buf_str(&signed_request, l.request.method);
  af_buf_putc(&signed_request, ' ');
  (c->form == AF_SIGN_HEADERS ? put_with_headers : put_with_query)(&signed_request, &l);
  af_buf_putc(&signed_request, '\n');
  af_buf_str(&signed_request, l.request.body);
  assert_file(c, "signed-request", af_buf_view(&signed_request));
  af_buf_done(&signed_request);
  unload(&l);
}

/* ---- our own cases ---- */

struct sample {
  struct af_credentials credentials;
  struct af_signing signing;
  struct af_header header;
  struct af_signable request;
};

static void sample_init(struct sample *s) {
  *s = (struct sample){0};
  AF_COPY(s->credentials.access_key_id, af_str("AKIDEXAMPLE"));
  af_secret_set(&s->credentials.secret_access_key, af_str("secret"));
  s->signing = (struct af_signing){.credentials = &s->credentials, .service = "ec2", .region = "eu-west-1", .time_ms = 1440938160000,
                                   .normalize_path = true, .encode_path_twice = true, .expires_s = 3600};
  s->header = (struct af_header){af_str("Content-Type"), af_str("text/plain")};
  s->request = (struct af_signable){.method = af_str("POST"), .host = af_str("ec2.eu-west-1.amazonaws.com"), .path = af_str("/"),
                                    .headers = &s->header, .n_headers = 1, .body = af_str("Action=X")};
}

static void refused(struct sample *s) {
  struct af_signed_headers h = {.n = 7};
  struct af_buf out;
  af_buf_init_secret(&out, 4096);
  assert_int_equal(af_sigv4_sign(&s->signing, &s->request, &h), -AF_EINVAL);
  assert_int_equal(h.n, 7); /* untouched */
  assert_int_equal(af_sigv4_presign(&s->signing, &s->request, &out), -AF_EINVAL);
  assert_int_equal(out.len, 0);
  af_buf_done(&out);
  af_credentials_done(&s->credentials);
}

TEST(a_header_with_a_line_break_is_refused) {
  static const char *const bad[] = {"a\r\nX-Evil: 1", "a\nb", "a\rb"};
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct sample s;
    sample_init(&s);
    s.header.value = af_str(bad[i]);
    refused(&s);
  }
}

TEST(a_header_name_with_white_space_is_refused) {
  struct sample s;
  sample_init(&s);
  s.header.name = af_str("Content Type");
  refused(&s);
}

TEST(a_path_that_does_not_begin_with_a_slash_is_refused) {
  struct sample s;
  sample_init(&s);
  s.request.path = af_str("foo");
  refused(&s);
}

TEST(a_session_token_with_a_line_break_is_refused) {
  struct sample s;
  sample_init(&s);
  af_secret_set(&s.credentials.session_token, af_str("token\r\nX-Evil: 1"));
  refused(&s);
}

TEST(an_access_key_with_a_line_break_is_refused) {
  struct sample s;
  sample_init(&s);
  AF_COPY(s.credentials.access_key_id, af_str("AKID\nX-Evil: 1"));
  refused(&s);
}

TEST(more_headers_than_the_limit_are_refused) {
  struct sample s;
  struct af_header many[100];
  sample_init(&s);
  for (size_t i = 0; i < COUNT(many); i++)
    many[i] = s.header;
  s.request.headers = many;
  s.request.n_headers = COUNT(many);
  refused(&s);
}

TEST(a_plus_in_a_query_stays_a_plus) {
  struct sample s;
  struct af_buf out;
  sample_init(&s);
  af_buf_init_secret(&out, 4096);
  s.request.query = af_str("a=1+2&b=%2B&c=50%&d=%zz&e");
  assert_int_equal(af_sigv4_canonical_request(&s.signing, &s.request, AF_SIGN_HEADERS, &out), 0);
  assert_contains(af_buf_cstr(&out), "\na=1%2B2&b=%2B&c=50%25&d=%25zz&e=\n");
  af_buf_done(&out);
  af_credentials_done(&s.credentials);
}

TEST(equal_parameter_names_are_ordered_by_value) {
  struct sample s;
  struct af_buf out;
  sample_init(&s);
  af_buf_init_secret(&out, 4096);
  s.request.query = af_str("b=2&a=2&b=10&a=1");
  assert_int_equal(af_sigv4_canonical_request(&s.signing, &s.request, AF_SIGN_HEADERS, &out), 0);
  assert_contains(af_buf_cstr(&out), "\na=1&a=2&b=10&b=2\n");
  af_buf_done(&out);
  af_credentials_done(&s.credentials);
}

TEST(dots_and_doubled_slashes_leave_a_path_before_it_is_signed) {
  static const char *const paths[][2] = {
      {"/", "/"},        {"//", "/"},       {"/./", "/"},        {"/..", "/"},        {"/../../a", "/a"}, {"/a/b/..", "/a"},
      {"/a/b/../", "/a/"}, {"/a/./b", "/a/b"}, {"/a//b//", "/a/b/"}, {"/a/..b/.c", "/a/..b/.c"}, {"/a/...", "/a/..."},
  };
  for (size_t i = 0; i < COUNT(paths); i++) {
    struct sample s;
    struct af_buf out;
    char want[64];
    sample_init(&s);
    af_buf_init_secret(&out, 4096);
    s.request.path = af_str(paths[i][0]);
    snprintf(want, sizeof want, "POST\n%s\n\n", paths[i][1]);
    assert_int_equal(af_sigv4_canonical_request(&s.signing, &s.request, AF_SIGN_HEADERS, &out), 0);
    assert_contains(af_buf_cstr(&out), want);
    af_buf_done(&out);
    af_credentials_done(&s.credentials);
  }
}

TEST(a_path_that_s3_would_sign_is_left_as_it_is) {
  struct sample s;
  struct af_buf out;
  sample_init(&s);
  af_buf_init_secret(&out, 4096);
  s.signing.normalize_path = s.signing.encode_path_twice = false;
  s.request.path = af_str("/bucket//a%20b/../c");
  assert_int_equal(af_sigv4_canonical_request(&s.signing, &s.request, AF_SIGN_HEADERS, &out), 0);
  assert_contains(af_buf_cstr(&out), "POST\n/bucket//a%20b/../c\n");
  af_buf_done(&out);
  s.signing.encode_path_twice = true;
  af_buf_init_secret(&out, 4096);
  assert_int_equal(af_sigv4_canonical_request(&s.signing, &s.request, AF_SIGN_HEADERS, &out), 0);
  assert_contains(af_buf_cstr(&out), "POST\n/bucket//a%2520b/../c\n");
  af_buf_done(&out);
  af_credentials_done(&s.credentials);
}

TEST(an_out_buffer_that_is_too_small_is_an_error) {
  struct sample s;
  sample_init(&s);
  for (size_t max = 0; max < 260; max += 13) {
    struct af_buf out;
    af_buf_init_secret(&out, max);
    assert_int_equal(af_sigv4_presign(&s.signing, &s.request, &out), -AF_ETOOBIG);
    af_buf_done(&out);
  }
  af_credentials_done(&s.credentials);
}

TEST(a_copy_of_credentials_is_its_own) {
  struct sample s;
  struct af_credentials copy = {0};
  sample_init(&s);
  af_secret_set(&s.credentials.session_token, af_str("token"));
  s.credentials.expires_ms = 5;
  assert_int_equal(af_credentials_copy(&copy, &s.credentials), 0);
  assert_int_equal(af_credentials_copy(&copy, &s.credentials), 0); /* frees what was there */
  af_credentials_done(&s.credentials);
  assert_true(af_secret_empty(&s.credentials.session_token));
  assert_string_equal(copy.access_key_id, "AKIDEXAMPLE");
  assert_str_equal(af_secret_reveal(&copy.session_token), "token");
  assert_int_equal(copy.expires_ms, 5);
  af_credentials_done(&copy);
}

static void add_vectors(struct test_list *l) {
  struct dirent **entries;
  char dir[512];
  if (!shared_dir()) {
    test_list_skip(l, "sigv4 vectors", "no ../shared/aws beside the source tree");
    return;
  }
  snprintf(dir, sizeof dir, "%s/sigv4", shared_dir());
  int n = scandir(dir, &entries, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    for (int form = 0; form < 2 && entries[i]->d_type == DT_DIR && entries[i]->d_name[0] != '.'; form++) {
      char name[300];
      struct sign_case *c = calloc(1, sizeof *c);
      c->form = form == 0 ? AF_SIGN_HEADERS : AF_SIGN_QUERY;
      snprintf(c->dir, sizeof c->dir, "%.250s/%.200s", dir, entries[i]->d_name);
      snprintf(name, sizeof name, "%.200s is signed in its %s", entries[i]->d_name, form == 0 ? "headers" : "query");
      test_list_add(l, name, signs_as_the_vector_says, c);
    }
    free(entries[i]);
  }
  free(entries);
}

int main(void) {
  const struct CMUnitTest own[] = {
      cmocka_unit_test(a_header_with_a_line_break_is_refused),
      cmocka_unit_test(a_header_name_with_white_space_is_refused),
      cmocka_unit_test(a_path_that_does_not_begin_with_a_slash_is_refused),
      cmocka_unit_test(a_session_token_with_a_line_break_is_refused),
      cmocka_unit_test(an_access_key_with_a_line_break_is_refused),
      cmocka_unit_test(more_headers_than_the_limit_are_refused),
      cmocka_unit_test(a_plus_in_a_query_stays_a_plus),
      cmocka_unit_test(equal_parameter_names_are_ordered_by_value),
      cmocka_unit_test(dots_and_doubled_slashes_leave_a_path_before_it_is_signed),
      cmocka_unit_test(a_path_that_s3_would_sign_is_left_as_it_is),
      cmocka_unit_test(an_out_buffer_that_is_too_small_is_an_error),
      cmocka_unit_test(a_copy_of_credentials_is_its_own),
  };
  struct test_list l = {0};
  for (size_t i = 0; i < COUNT(own); i++)
    test_list_add(&l, own[i].name, own[i].test_func, NULL);
  add_vectors(&l);
  return test_list_run(&l, "sigv4");
}
