/* Fuzz: URLs of endpoints, command lines, ARNs, and what of them a plan for credentials rests on (engine/aws).
 *
 * An input is any text. Laws: a URL that is read is read the same once it was written; encoding leaves nothing that may not stand in a URL. */
#include "engine/aws/credentials.h"
#include "tests/fuzz/fuzz.h"

static void check_url(struct af_str text) {
  struct af_url url;
  struct af_url again;
  struct af_error err;
  struct af_buf out;
  if (af_url_parse(&url, text, "the text", &err)) {
    fuzz_error(&err);
    return;
  }
  af_buf_init(&out, AF_URL_MAX + 16);
  af_endpoint_url(&url, &out);
  MUST(af_url_parse(&again, af_buf_view(&out), "the text", &err) == 0);
  MUST(url.https == again.https && af_streq(url.authority, again.authority) && af_streq(url.path, again.path) && af_streq(url.host, again.host));
  af_buf_done(&out);
}

static void check_encoding(struct af_str text) {
  struct af_buf out;
  af_buf_init(&out, 1 << 22);
  af_uri_encode(&out, text, false);
  for (size_t i = 0; i < out.len; i++) MUST(strchr("%-._~", out.ptr[i]) || strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", out.ptr[i]));
  af_buf_done(&out);
}

static void check_command(struct af_str text) {
  struct af_error err;
  char **words;
  if (af_split_command(text, &words, &err)) {
    fuzz_error(&err);
    return;
  }
  MUST(words[0] != NULL);
  free(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct af_str text = af_str_n((const char *)data, size);
  char account[16];
  check_url(text);
  check_encoding(text);
  check_command(text);
  if (af_arn_account(text, account)) MUST(strlen(account) == 12);
  af_region_valid(text);
  af_partition_named(text);
  return 0;
}
