/* The kernels and RAM disks of paravirtual images: each has another id in each Region, and a Region without them cannot run such images
 * (rules.md 1.6, 2.4). A world that lists none lets every id pass everywhere. */
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

static int load_kernel(struct cs_reader *r, const struct af_node *n, size_t which) {
  for (size_t i = 0; i < af_node_count(n); i++) {
    char region[32];
    AF_COPY(region, af_node_key(n, i));
    struct cs_kernel *k = CS_ADD(r->sim->kernels, r->sim->n_kernels);
    *k = (struct cs_kernel){.which = which, .region = cs_region_find(r->sim, region)};
    if (!k->region)
      return cs_bad(r, n, "the world has no Region %s", region);
    if (cs_read_string(r, n, region, &k->id) < 0)
      return -AF_EINVAL;
  }
  return 0;
}

int cs_world_load_kernels(struct cs_reader *r, const struct af_node *root) {
  const struct af_node *list;
  if (cs_read_list(r, root, "kernels", &list) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(list); i++) {
    if (af_node_type(af_node_at(list, i)) != AF_NODE_MAP)
      return cs_bad(r, af_node_at(list, i), "must be a map: Region -> id");
    if (load_kernel(r, af_node_at(list, i), i) < 0)
      return -AF_EINVAL;
  }
  return 0;
}

void cs_kernels_free(struct cs_sim *sim) {
  for (size_t i = 0; i < sim->n_kernels; i++)
    free(sim->kernels[i].id);
  free(sim->kernels);
}

/* What it is called there; NULL where that Region hasn't it. */
static const char *counterpart(const struct cs_sim *sim, const char *id, const struct cs_region *from, const struct cs_region *to) {
  for (size_t i = 0; i < sim->n_kernels; i++)
    for (size_t k = 0; k < sim->n_kernels && sim->kernels[i].region == from && af_streq(sim->kernels[i].id, id); k++)
      if (sim->kernels[k].which == sim->kernels[i].which && sim->kernels[k].region == to)
        return sim->kernels[k].id;
  return NULL;
}

static const enum cs_attribute both[] = {CS_KERNEL, CS_RAMDISK};

int cs_kernels_check(struct cs_call *call) {
  for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
    const char *id = cs_param(&call->params, cs_image_attributes[both[i]].param);
    if (id && call->sim->n_kernels > 0 && !counterpart(call->sim, id, call->region, call->region))
      return cs_fail(call, 400, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id);
  }
  return 0;
}

int cs_kernels_check_copy(struct cs_call *call, const struct cs_image *from) {
  for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
    const char *id = from->text[both[i]];
    if (id && call->sim->n_kernels > 0 && !counterpart(call->sim, id, from->region, call->region))
      return cs_fail(call, 400, "InvalidRequest", "The Region %s has no kernel or RAM disk that stands for %s.", call->region->name, id);
  }
  return 0;
}

void cs_kernels_copy(const struct cs_sim *sim, struct cs_image *to, const struct cs_image *from) {
  for (size_t i = 0; i < sizeof both / sizeof both[0]; i++)
    if (from->text[both[i]] && sim->n_kernels > 0)
      cs_set(&to->text[both[i]], counterpart(sim, from->text[both[i]], from->region, to->region));
}
