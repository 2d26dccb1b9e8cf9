/* The bundle of an instance-store image: a manifest, which ImageLocation names, and parts that are named after it: beside
 * path/web.manifest.xml lie path/web.part.00 and so on. Pure. */
#include "plans/bundle.h"

#include "base/str.h"
#include "plans/facts.h"

#define TAIL "manifest.xml"

/* As S3 has ever allowed them, and nothing that means more than itself in the ARN of a policy. */
static bool is_bucket(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", s.ptr[i]))
      return false;
  return s.len >= 3 && s.len <= 255;
}

/* '*' and '?' stand for other keys, too, and "${" begins a variable. */
static bool is_key(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (strchr("*?", s.ptr[i]) || (s.ptr[i] == '$' && i + 1 < s.len && s.ptr[i + 1] == '{'))
      return false;
  return s.len > 0 && s.len <= 1024;
}

bool af_bundle(const json_t *image, char out[AF_BUNDLE_SIZE]) {
  const char *location = af_json_str(image, "ImageLocation"), *slash = strchr(location, '/');
  struct af_str key = af_str(slash ? slash + 1 : "");
  size_t tail = strlen(TAIL);
  if (!slash || !is_bucket(af_str_n(location, (size_t)(slash - location))) || !is_key(key))
    return false;
  if (key.len >= tail && af_streq(key.ptr + key.len - tail, TAIL))
    key.len -= tail;
  return af_str_copy(out, AF_BUNDLE_SIZE, af_str_n(location, (size_t)(slash - location) + 1 + key.len));
}
