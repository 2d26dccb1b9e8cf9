/* The names of attributes. Pure. */
#include "plans/attribute.h"

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
    "description",
    "uefiData",
    "tag",
    "snapshotTag",
    "deprecationTime",
    "deregistrationProtection",
    "launchPermission",
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

void af_attribute_list(struct af_buf *out) {
  for (size_t i = 0; i < sizeof may_differ / sizeof may_differ[0]; i++)
    af_buf_printf(out, "%s%s", i ? ", " : "", may_differ[i]);
}
