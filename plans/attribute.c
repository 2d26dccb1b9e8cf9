/* The names of attributes. Pure. */
#include "plans/attribute.h"

#include <stdio.h>

static const char *const may_differ[] = {
    "bootMode",
    "tpmSupport",
    "imdsSupport",
    "enaSupport",
    "sriovNetSupport",
    "kernelId",
    "ramdiskId",
    "platform",
    "platformDetails",
    "usageOperation",
    "productCode",
    "description",
    "uefiData",
    "tag",
    "snapshotTag",
    "deprecationTime",
    "deregistrationProtection",
    "launchPermission",
    "snapshotPermission",
    "watermark",
    "blockDeviceMapping.virtualName",
    "blockDeviceMapping.noDevice",
    "blockDeviceMapping.volumeType",
    "blockDeviceMapping.iops",
    "blockDeviceMapping.throughput",
    "blockDeviceMapping.deleteOnTermination",
};

/* A device's or a tag's name stands in brackets and may hold anything, brackets too: it reaches from the first to the last. */
static void split(struct af_str name, struct af_str *head, struct af_str *tail) {
  const char *open = name.len ? memchr(name.ptr, '[', name.len) : NULL;
  const char *close = name.len ? memrchr(name.ptr, ']', name.len) : NULL;
  *head = name;
  *tail = af_str_n(NULL, 0);
  if (!open || !close || close < open)
    return;
  *head = af_str_n(name.ptr, (size_t)(open - name.ptr));
  *tail = af_str_n(close + 1, (size_t)(name.ptr + name.len - close - 1));
}

/* Is name, without what stands in brackets, the plain one? */
static bool is_plainly(struct af_str name, struct af_str plain) {
  struct af_str head, tail;
  split(name, &head, &tail);
  return plain.len == head.len + tail.len && af_str_eq(head, af_str_n(plain.ptr, head.len)) &&
         af_str_eq(tail, af_str_n(plain.ptr + head.len, tail.len));
}

bool af_attribute_may_differ(struct af_str name) {
  for (size_t i = 0; i < sizeof may_differ / sizeof may_differ[0]; i++)
    if (is_plainly(name, af_str(may_differ[i])))
      return true;
  return false;
}

bool af_attribute_covers(struct af_str named, struct af_str attribute) {
  return af_attribute_may_differ(named) && (af_str_eq(named, attribute) || is_plainly(attribute, named));
}

bool af_attribute_allowed(const json_t *names, const char *attribute) {
  for (size_t i = 0; i < json_array_size(names); i++)
    if (af_attribute_covers(af_str(json_string_value(json_array_get(names, i))), af_str(attribute)))
      return true;
  return false;
}

void af_attribute_of(const char *group, const char *key, char out[AF_ATTRIBUTE_SIZE]) {
  size_t n = (size_t)snprintf(out, AF_ATTRIBUTE_SIZE, "%.120s[", group);
  af_str_copy(out + n, AF_ATTRIBUTE_SIZE - n - strlen("]"), af_str(key));
  n = strlen(out);
  af_str_copy(out + n, AF_ATTRIBUTE_SIZE - n, af_str("]"));
}

void af_attribute_list(struct af_buf *out) {
  for (size_t i = 0; i < sizeof may_differ / sizeof may_differ[0]; i++)
    af_buf_printf(out, "%s%s", i ? ", " : "", may_differ[i]);
}
