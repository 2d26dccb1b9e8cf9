/* Memory that is wiped when it is freed, for the two libraries that hold what STS gives: expat while it reads, jansson's trees. */
#include <expat.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "engine/aws/codec_parts.h"

static void wiping_free(void *block) {
  if (block)
    OPENSSL_cleanse(block, malloc_usable_size(block));
  free(block);
}

static void *wiping_realloc(void *block, size_t size) {
  if (!block)
    return malloc(size);
  size_t had = malloc_usable_size(block);
  void *fresh = malloc(size);
  if (!fresh)
    return NULL;
  memcpy(fresh, block, had < size ? had : size);
  wiping_free(block);
  return fresh;
}

XML_Parser af_codec_wiping_parser(void) {
  static const XML_Memory_Handling_Suite suite = {malloc, wiping_realloc, wiping_free};
  return XML_ParserCreate_MM(NULL, &suite, NULL);
}

void af_json_wipe_freed(void) {
  json_set_alloc_funcs(malloc, wiping_free);
}
