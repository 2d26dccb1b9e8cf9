/* Where the files of an instance-store image lie in S3 (rules.md 5). Pure. */
#ifndef AF_PLANS_BUNDLE_H
#define AF_PLANS_BUNDLE_H

#include <jansson.h>
#include <stdbool.h>

/* "bucket/beginning": every key of the bundle begins so. The longest bucket's name has 255 characters, the longest key 1024 bytes. */
enum { AF_BUNDLE_SIZE = 255 + 1 + 1024 + 1 };

/* Of an image as DescribeImages gives it; false where its location names no bundle, or one that no policy could name exactly. */
bool af_bundle(const json_t *image, char out[AF_BUNDLE_SIZE]);

#endif
