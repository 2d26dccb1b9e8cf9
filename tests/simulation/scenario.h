/* What one seed means: a world, a manifest, bad weather, deaths and a person who meddles. Drawn whole before anything runs, and each part can
 * be left out without changing the others, so that a failure can be made smaller. */
#ifndef AF_TESTS_SIMULATION_SCENARIO_H
#define AF_TESTS_SIMULATION_SCENARIO_H

#include "base/buf.h"
#include "tests/simulation/rig.h"

#define SCENE_IMAGES 4
#define SCENE_COPIES 5
#define SCENE_FAULTS 6
#define SCENE_DEATHS 5
#define SCENE_WISHES 3
#define SCENE_CHAINED 2

enum scene_kind {
  SCENE_PLAIN,       /* nothing special: copy-image */
  SCENE_SEALED,      /* under a customer key: reencrypt */
  SCENE_MIXED,       /* one volume of several under a customer key */
  SCENE_DEFAULT_KEY, /* under aws/ebs: bridge */
  SCENE_TPM,         /* RegisterImage would lose its boot data: copy-image, encrypted */
  SCENE_WINDOWS,     /* billed: copy-image, or launch-image where that is refused */
  SCENE_RHEL,        /* billed and encrypted */
  SCENE_MARKET,      /* to be subscribed to */
  SCENE_HIDDEN,      /* billed, and no call shows it */
  SCENE_OWN,         /* the target's own */
  SCENE_GIVEN,       /* a vendor's, storage and all: pull */
  SCENE_BUNDLE,      /* instance store, its files in S3 */
  SCENE_LAUNCH_ONLY, /* a vendor's, without its storage: pull, launch-image */
  SCENE_KINDS_,
};

struct scene_image {
  enum scene_kind kind;
  int volumes;
  bool shared_before; /* the target may launch it and read its first snapshot already: that must stay */
};

struct scene_copy {
  int image;
  const char *region;
  bool elsewhere;    /* to the second target account */
  bool key, bridge_key;
  const char *route; /* "auto", or JSON */
  int settings;      /* bits: launch permissions, snapshots too, deprecation, protection, tags */
  const char *fails; /* code of the refusal that it must end with; NULL: it must arrive */
};

/* A copy of what another copy has made; which one is known when they have arrived. */
struct scene_chained {
  unsigned of; /* of those that arrived, modulo their number */
  const char *region;
  bool elsewhere, key;
  int settings;
};

struct scene_death {
  enum rig_death how;
  uint64_t at;
  int64_t pause_ms; /* until somebody starts it again */
};

/* An administrator disables alias/amis of an account and Region; it stays so until a person mends it, or for a while. */
struct scene_key {
  const char *owner, *region; /* owner NULL: nobody does */
  int life, turn, turns;      /* turns: how long; 0: until it is mended */
};

/* Somebody removes by hand what amiferry has made or opened: from this turn on, the first such thing there is. */
struct scene_hand {
  const char *step; /* by what kind of step; NULL: nobody does */
  int life, turn;
};

enum scene_wish_kind {
  WISH_CANCEL,
  WISH_INTERRUPT,
  WISH_RETRY,
  WISH_GIVE_UP, /* cancels whatever is blocked, from then on */
  WISH_MAX_,
};
struct scene_wish {
  enum scene_wish_kind kind;
  int life, turn, copy;
};

struct scene {
  uint64_t seed, kept; /* kept: bits of the parts that take part, see scene_part() */
  int n_images, n_copies, n_faults, n_deaths, n_wishes, n_chained;
  struct scene_image images[SCENE_IMAGES];
  struct scene_copy copies[SCENE_COPIES + SCENE_CHAINED]; /* the last are scene_chain()'s */
  struct scene_chained chained[SCENE_CHAINED];
  char faults[SCENE_FAULTS][256];
  struct scene_death deaths[SCENE_DEATHS];
  struct scene_wish wishes[SCENE_WISHES];
  unsigned switches; /* bits: what AWS does where it doesn't say */
  bool overlaps;    /* a second manifest asks for some of the same, while the first is unfinished */
  bool again;       /* the manifest is run once more in the end */
  bool undone;      /* and one copy is taken back */
  struct scene_key key;
  struct scene_hand hand;
  int64_t wrong_ms; /* by how much this machine's clock is ahead of AWS's */
  int set_after;    /* somebody sets the clock after so many lives; 0: nobody does */
  int64_t set_ms;   /* so that it is ahead by this */
  bool verified;    /* what arrived is compared with its source once more */
  bool mild;        /* nothing but what passes: no copy may even wait for a person */
  struct af_buf world, manifest, second;
  int64_t latency_ms;
};

/* Parts are numbered: copies first, then faults, deaths, wishes, the flags, what is chained, the key, the clock and its being set, the hand. */
#define SCENE_FLAGS (SCENE_COPIES + SCENE_FAULTS + SCENE_DEATHS + SCENE_WISHES)
#define SCENE_LINKS (SCENE_FLAGS + 4)
#define SCENE_KEY (SCENE_LINKS + SCENE_CHAINED)
#define SCENE_CLOCK (SCENE_KEY + 1)
#define SCENE_HAND (SCENE_CLOCK + 2)
#define SCENE_PARTS (SCENE_HAND + 1)
#define SCENE_ALL ((UINT64_C(1) << SCENE_PARTS) - 1)

void scene_draw(struct scene *ret, uint64_t seed, uint64_t kept);
void scene_done(struct scene *s);
/* Makes chained copy i one of what copy `of` has made, image, and appends its entry of a manifest. */
void scene_chain(struct scene *s, int i, int of, const char *image, struct af_buf *out);
void scene_print(const struct scene *s, FILE *out); /* for a person */
/* The faults that are in force, JSON as cs_sim_faults() takes it; appended. */
void scene_faults(const struct scene *s, struct af_buf *out);
bool scene_has(const struct scene *s, int part);

#endif
