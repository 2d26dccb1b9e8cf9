/* The redactor: the last line of defence before a log line is written. It knows names behind which secrets stand, in each
 * form they meet us in (headers, query strings, JSON, JSON inside of JSON, XML, profile files), and the look of access key
 * ids. Where it is unsure how far a value goes, it blanks more. */
#include "base/log.h"

enum value_kind {
  WORD, /* ends where a token does */
  LINE, /* goes to the end of the line: an Authorization header has blanks and commas in it */
};

/* Lower case; '-' also stands for '_'. None is the beginning of a later one. */
static const struct {
  const char *name;
  enum value_kind kind;
} secret_names[] = {
    {"authorizationtoken", WORD}, /* of container credentials */
    {"authorization", LINE},
    {"x-amz-security-token", WORD},
    {"x-amz-signature", WORD},
    {"x-amz-credential", WORD},
    {"x-aws-ec2-metadata-token", WORD},
    {"aws-secret-access-key", WORD},
    {"aws-session-token", WORD},
    {"secretaccesskey", WORD},
    {"secret-access-key", WORD},
    {"sessiontoken", WORD},
    {"session-token", WORD},
    {"webidentitytoken", WORD},
    {"samlassertion", WORD},
};

static const char blank[] = "[redacted]";

static bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool in(char c, const char *set) {
  return c && strchr(set, c);
}

static bool has_name(struct af_str s, const char *name) {
  size_t n = strlen(name);
  if (n > s.len)
    return false;
  for (size_t i = 0; i < n; i++) {
    char c = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] - 'A' + 'a') : s.ptr[i] == '_' ? '-' : s.ptr[i];
    if (c != name[i])
      return false;
  }
  return true;
}

/* From behind a name to the first byte of its value: `: `, `=`, `%3D`, `": "`, `\": \"`, `">`, `>`. Says whether the
 * value is quoted, and whether its quote is one inside of another text. 0 where nothing separates: then it is only a word. */
static size_t skip_separator(struct af_str s, char *ret_quote, bool *ret_nested) {
  size_t i = 0;
  while (i < s.len && in(s.ptr[i], "\\\"' \t"))
    i++;
  if (i < s.len && in(s.ptr[i], ":=>"))
    i++;
  else if (i + 3 <= s.len && memcmp(s.ptr + i, "%3", 2) == 0 && in(s.ptr[i + 2], "DdAa"))
    i += 3;
  else
    return 0;
  while (i < s.len && in(s.ptr[i], " \t"))
    i++;
  *ret_nested = i < s.len && s.ptr[i] == '\\';
  while (i < s.len && s.ptr[i] == '\\')
    i++;
  *ret_quote = i < s.len && in(s.ptr[i], "\"'") ? s.ptr[i++] : 0;
  return i;
}

static size_t quoted_length(struct af_str s, char quote, bool nested) {
  size_t i = 0;
  for (; i < s.len && s.ptr[i] != quote; i++)
    if (s.ptr[i] == '\\' && i + 1 < s.len) {
      if (nested && s.ptr[i + 1] == quote)
        return i;
      i++;
    }
  return i;
}

static size_t value_length(struct af_str s, enum value_kind kind, char quote, bool nested) {
  if (quote)
    return quoted_length(s, quote, nested);
  const char *end = kind == LINE ? "\r\n" : " \t\r\n&\"'<>,;)}]";
  size_t i = 0;
  while (i < s.len && !in(s.ptr[i], end))
    i++;
  return i;
}

/* How much of s is a name with its secret; *ret_keep is what of it may be shown. */
static size_t named_secret(struct af_str s, size_t *ret_keep) {
  for (size_t i = 0; i < sizeof secret_names / sizeof secret_names[0]; i++) {
    if (!has_name(s, secret_names[i].name))
      continue;
    size_t name = strlen(secret_names[i].name);
    char quote = 0;
    bool nested = false;
    size_t separator = skip_separator(af_str_n(s.ptr + name, s.len - name), &quote, &nested);
    if (separator == 0)
      return 0;
    *ret_keep = name + separator;
    return *ret_keep + value_length(af_str_n(s.ptr + *ret_keep, s.len - *ret_keep), secret_names[i].kind, quote, nested);
  }
  return 0;
}

/* AKIA and ASIA and at least twelve more: an access key id of a user or a session. */
static size_t key_id_length(struct af_str s) {
  if (s.len < 16 || s.ptr[0] != 'A' || (s.ptr[1] != 'K' && s.ptr[1] != 'S') || s.ptr[2] != 'I' || s.ptr[3] != 'A')
    return 0;
  size_t i = 4;
  while (i < s.len && ((s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9')))
    i++;
  return i >= 16 ? i : 0;
}

void af_redact(struct af_buf *out, struct af_str text) {
  size_t shown = 0; /* up to here it is in out */
  for (size_t i = 0; i < text.len;) {
    struct af_str rest = af_str_n(text.ptr + i, text.len - i);
    size_t keep = 0;
    size_t n = is_alnum(text.ptr[i]) ? named_secret(rest, &keep) : 0;
    if (n == 0)
      n = key_id_length(rest);
    if (n == 0 || n == keep) {
      i += n ? n : 1;
      continue;
    }
    af_buf_add(out, text.ptr + shown, i + keep - shown);
    af_buf_puts(out, blank);
    i += n;
    shown = i;
  }
  af_buf_add(out, text.ptr ? text.ptr + shown : NULL, text.len - shown);
}
