/* plans/manifest.h: what a manifest says, in how many ways it can be said, and each way in which it can be wrong. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "plans/manifest.h"

static int read_text(struct af_manifest *m, const char *text, struct af_error *err) {
  return af_manifest_read(m, "m.yaml", af_str(text), NULL, err);
}

/* A manifest of one copy, with more lines for its parts. */
#define TOP "version: 1\ncopies:\n"
#define SOURCE "- source: {image: ami-0123456789abcdef0, region: us-east-1}\n"
#define TARGET "  target: {region: eu-west-1}\n"
#define ORG "arn:aws:organizations::111122223333:organization/o-abcdefghij"
#define UNIT "arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-ab12-abcdefgh"

/* The messages of all mistakes, a line each. */
static const char *mistakes_of(const char *text) {
  static char all[AF_MANIFEST_MAX_MISTAKES * 1100];
  static struct af_mistakes more;
  struct af_manifest m;
  struct af_error err;
  assert_int_equal(af_manifest_read(&m, "m.yaml", af_str(text), &more, &err), -AF_EINVAL);
  size_t len = (size_t)snprintf(all, sizeof(all), "%s\n", err.message);
  for (size_t i = 0; i < more.n; i++) len += (size_t)snprintf(all + len, sizeof(all) - len, "%s\n", more.list[i].message);
  if (more.n_left) snprintf(all + len, sizeof(all) - len, "and %zu more\n", more.n_left);
  return all;
}

static size_t count_lines(const char *text) {
  size_t n = 0;
  for (; *text; text++) n += *text == '\n';
  return n;
}

TEST(each_part_that_is_wrong_is_told) {
  static const char *const parts[] = {
      "m.yaml:1: unknown key \"versoin\"; did you mean \"version\"?\n", "m.yaml:1: \"version\" is missing",
      "m.yaml:4: defaults.tags: must be a map", "m.yaml:6: copies[0].source.image: \"ami-xyz\" is not",
      "m.yaml:7: copies[0].target: unknown key \"regoin\"; did you mean \"region\"?\n", "m.yaml:8: copies[0].route: \"fly\" is not a route",
      "m.yaml:10: copies[2].name: "};
  const char *all = mistakes_of("versoin: 1\n"
                                "defaults:\n"
                                "  source: {region: us-east-1}\n"
                                "  tags: [a]\n"
                                "copies:\n"
                                "- source: {image: ami-xyz}\n"
                                "  target: {regoin: eu-west-1}\n"
                                "  route: fly\n"
                                "- {source: {image: ami-0123456789abcdef0}, target: {region: eu-west-1}}\n"
                                "- {source: {image: ami-0123456789abcdef0}, target: {region: eu-west-1}, name: x}\n");
  for (size_t i = 0; i < COUNT(parts); i++) assert_contains(all, parts[i]);
  assert_int_equal(count_lines(all), COUNT(parts));
}

TEST(what_only_a_whole_copy_shows_is_told_of_each) {
  const char *all = mistakes_of(TOP SOURCE "- source: {image: ami-0123456789abcdef0}\n" TARGET SOURCE "  targets: [{}, {region: eu-west-1}, {}]\n");
  assert_contains(all, "m.yaml:3: copies[0]: target.region is missing");
  assert_contains(all, "m.yaml:4: copies[1].source: source.region is missing");
  assert_contains(all, "copies[2].targets[0]: target.region is missing");
  assert_contains(all, "copies[2].targets[2]: target.region is missing");
  assert_int_equal(count_lines(all), 4);
}

/* What follows from another mistake is none of its own. */
TEST(a_mistake_is_told_once) {
  assert_int_equal(count_lines(mistakes_of("version: 1\ndefaults: {target: {regoin: eu-west-1}}\ncopies:\n" SOURCE SOURCE)), 1);
  assert_int_equal(count_lines(mistakes_of(TOP SOURCE TARGET SOURCE TARGET SOURCE TARGET)), 1); /* the same copy thrice */
  assert_int_equal(count_lines(mistakes_of("version: 2\nthings: 3\ncopies: x\n")), 2);       /* another version's copies may be anything */
  assert_int_equal(count_lines(mistakes_of(TOP SOURCE TARGET "  name: [x]\n")), 1);
}

TEST(a_manifest_that_is_wrong_all_over_is_told_twenty_times) {
  struct af_buf text;
  af_buf_init(&text, 64 * 1024);
  af_buf_puts(&text, TOP);
  for (int i = 0; i < 57; i++) af_buf_puts(&text, "- {source: {image: ami-xyz}}\n");
  const char *all = mistakes_of(af_buf_cstr(&text));
  assert_contains(all, "copies[19].source.image");
  assert_lacks(all, "copies[20]");
  assert_contains(all, "and 37 more\n");
  af_buf_done(&text);
}

TEST(the_smallest_manifest_is_one_copy_with_the_rest_left_to_the_source) {
  struct af_manifest m;
  struct af_error err;
  assert_ok(read_text(&m, TOP SOURCE TARGET, &err), &err);
  assert_int_equal(m.n, 1);
  const struct af_copy_spec *c = &m.copies[0];
  assert_string_equal(c->image, "ami-0123456789abcdef0");
  assert_string_equal(c->source.region, "us-east-1");
  assert_string_equal(c->target.region, "eu-west-1");
  assert_int_equal(json_array_size(c->routes), 0);
  assert_null(c->name);
  assert_null(c->description);
  assert_null(c->kms_key);
  assert_null(c->source.account);
  assert_int_equal(json_object_size(c->tags), 0);
  assert_int_equal(json_array_size(c->allow_differences), 0);
  assert_string_equal(m.normal, "{\"copies\":[{\"allow_differences\":[],\"route\":\"auto\",\"source\":{\"image\":"
                                "\"ami-0123456789abcdef0\",\"region\":\"us-east-1\"},\"tags\":{},\"target\":{\"region\":"
                                "\"eu-west-1\"}}],\"version\":1}");
  af_manifest_done(&m);
}

static const char everything[] =
    "# who and where\n"
    "version: 1\n"
    "defaults:\n"
    "  source: {account: 012345678901, region: us-east-1, role_arn: 'arn:aws:iam::012345678901:role/ops/reader', external_id: "
    "00421}\n"
    "  target: {account: \"222222222222\", region: eu-west-1, profile: recovery, kms_key: alias/amis}\n"
    "  description: from the defaults\n"
    "  tags: {team: web, cost: 007, owned: true}\n"
    "  allow_differences: [imdsSupport]\n"
    "copies:\n"
    "  - source: {image: ami-0123456789abcdef0}\n"
    "    targets:\n"
    "      - {region: eu-central-1}\n"
    "      - {region: us-gov-west-1, account: 333333333333, kms_key: "
    "'arn:aws-us-gov:kms:us-gov-west-1:333333333333:alias/amis'}\n"
    "    name: web (2026) [x] ./-'@_\n"
    "    tags: {team: db}\n"
    "    route: reencrypt\n"
    "    allow_differences: ['tag[team]', bootMode, bootMode]\n"
    "  - source: {image: ami-01234567, region: ap-southeast-2}\n"
    "    description: its own\n";

TEST(defaults_are_merged_under_each_copy_member_by_member) {
  struct af_manifest m;
  struct af_error err;
  assert_ok(read_text(&m, everything, &err), &err);
  assert_int_equal(m.n, 3);
  const struct af_copy_spec *c = &m.copies[0];
  assert_string_equal(c->source.account, "012345678901");
  assert_string_equal(c->source.external_id, "00421");
  assert_string_equal(c->source.region, "us-east-1");
  assert_string_equal(c->target.region, "eu-central-1");
  assert_string_equal(c->target.profile, "recovery");
  assert_string_equal(c->kms_key, "alias/amis");
  assert_string_equal(c->description, "from the defaults");
  assert_string_equal(json_string_value(json_array_get(c->routes, 0)), "reencrypt");
  assert_string_equal(json_string_value(json_object_get(c->tags, "team")), "db");
  assert_string_equal(json_string_value(json_object_get(c->tags, "cost")), "007");
  assert_string_equal(json_string_value(json_object_get(c->tags, "owned")), "true");
  assert_int_equal(json_array_size(c->allow_differences), 2);
  assert_string_equal(json_string_value(json_array_get(c->allow_differences, 0)), "bootMode");
  c = &m.copies[1];
  assert_string_equal(c->target.account, "333333333333");
  assert_string_equal(c->target.profile, "recovery");
  c = &m.copies[2];
  assert_string_equal(c->source.region, "ap-southeast-2");
  assert_string_equal(c->target.region, "eu-west-1");
  assert_string_equal(c->description, "its own");
  assert_int_equal(json_array_size(c->routes), 0);
  assert_string_equal(json_string_value(json_array_get(c->allow_differences, 0)), "imdsSupport");
  af_manifest_done(&m);
}

TEST(targets_of_the_defaults_are_for_copies_that_name_none) {
  struct af_manifest m;
  struct af_error err;
  assert_ok(read_text(&m,
                      "version: 1\n"
                      "defaults: {source: {region: us-east-1}, targets: [{region: eu-west-1}, {region: eu-west-2}]}\n"
                      "copies:\n"
                      "- source: {image: ami-00000001}\n"
                      "- source: {image: ami-00000002}\n"
                      "  target: {region: eu-west-3}\n",
                      &err),
            &err);
  assert_int_equal(m.n, 3);
  assert_string_equal(m.copies[1].target.region, "eu-west-2");
  assert_string_equal(m.copies[2].target.region, "eu-west-3");
  af_manifest_done(&m);
}

/* The same as everything, in JSON, with the keys elsewhere and the defaults written out in part. */
static const char everything_json[] =
    "{\"copies\": ["
    "{\"route\": \"reencrypt\", \"allow_differences\": [\"bootMode\", \"tag[team]\"], \"tags\": {\"team\": \"db\", \"owned\": "
    "\"true\"},"
    " \"name\": \"web (2026) [x] ./-'@_\", \"source\": {\"image\": \"ami-0123456789abcdef0\"},"
    " \"targets\": [{\"region\": \"eu-central-1\"}, {\"kms_key\": \"arn:aws-us-gov:kms:us-gov-west-1:333333333333:alias/amis\","
    "   \"account\": 333333333333, \"region\": \"us-gov-west-1\"}]},"
    "{\"description\": \"its own\", \"source\": {\"region\": \"ap-southeast-2\", \"image\": \"ami-01234567\"}}],"
    "\"defaults\": {\"allow_differences\": [\"imdsSupport\"], \"description\": \"from the defaults\","
    " \"tags\": {\"cost\": \"007\", \"owned\": true, \"team\": \"web\"},"
    " \"target\": {\"kms_key\": \"alias/amis\", \"profile\": \"recovery\", \"region\": \"eu-west-1\", \"account\": 222222222222},"
    " \"source\": {\"role_arn\": \"arn:aws:iam::012345678901:role/ops/reader\", \"external_id\": \"00421\","
    "   \"account\": \"012345678901\", \"region\": \"us-east-1\"}},"
    "\"version\": 1}";

TEST(the_same_manifest_has_the_same_digest_however_it_is_written) {
  struct af_manifest a, b;
  struct af_error err;
  assert_ok(read_text(&a, everything, &err), &err);
  assert_ok(read_text(&b, everything_json, &err), &err);
  assert_string_equal(a.normal, b.normal);
  assert_string_equal(a.digest, b.digest);
  assert_int_equal(strlen(a.digest), 64);
  af_manifest_done(&b);
  assert_ok(read_text(&b, TOP SOURCE TARGET, &err), &err);
  assert_string_not_equal(a.digest, b.digest);
  af_manifest_done(&a);
  af_manifest_done(&b);
}

TEST(the_digest_is_the_sha256_of_the_normal_form) {
  struct af_manifest m;
  struct af_error err;
  assert_ok(read_text(&m, TOP SOURCE TARGET, &err), &err);
  assert_string_equal(m.digest, "a22b6b720fe1a902e66aff74875dc842fa575a6d4a286aaeb03b3236d6ba1bd9");
  af_manifest_done(&m);
}

TEST(the_order_and_the_number_of_allowed_differences_mean_nothing) {
  static const char *const lists[] = {"[tpmSupport, enaSupport, tag, platform]", "[platform, tag, tpmSupport, enaSupport]",
                                      "[enaSupport, tpmSupport, enaSupport, platform, tag, tag]"};
  char digest[65] = "";
  for (size_t i = 0; i < COUNT(lists); i++) {
    struct af_manifest m;
    struct af_error err;
    char text[300];
    snprintf(text, sizeof text, TOP SOURCE TARGET "  allow_differences: %s\n", lists[i]);
    assert_ok(read_text(&m, text, &err), &err);
    assert_int_equal(json_array_size(m.copies[0].allow_differences), 4);
    if (i > 0)
      assert_string_equal(m.digest, digest);
    AF_COPY(digest, af_str(m.digest));
    af_manifest_done(&m);
  }
}

/* Every key, in the defaults as far as it may stand there. */
static const char more[] =
    "version: 1\n"
    "defaults:\n"
    "  source: {region: us-east-1, profile: golden, bridge_key: alias/bridge}\n"
    "  target: {region: eu-west-1}\n"
    "  name: '{name}-{date}'\n"
    "  on_existing: suffix\n"
    "  source_tags: false\n"
    "  route: [launch-image, copy-image]\n"
    "  trusted_owners: [amazon, 012345678901, amazon]\n"
    "  launch: {subnet: subnet-0123456789abcdef0, instance_type: t3.small, kms_key: alias/x}\n"
    "  launch_permissions: {accounts: [222222222222, \"111111111111\"], snapshots: true}\n"
    "  deprecation: 2027-06-30\n"
    "  deregistration_protection: enabled-with-cooldown\n"
    "copies:\n"
    "  - source: {image: ami-00000001}\n"
    "  - source: {image: ami-00000002, credentials: none, account: 333333333333}\n"
    "    name: web\n"
    "    on_existing: skip\n"
    "    source_tags: true\n"
    "    route: auto\n"
    "    trusted_owners: [aws-marketplace]\n"
    "    launch: {instance_type: m5.large}\n"
    "    launch_permissions: {snapshots: false, organizations: ['" ORG "'], organizational_units: ['" UNIT "']}\n"
    "    deprecation: 0365d\n"
    "    deregistration_protection: none\n";

TEST(a_normal_form_is_itself_a_manifest_with_the_same_digest) {
  static const char *const texts[] = {everything, more};
  for (size_t i = 0; i < COUNT(texts); i++) {
    struct af_manifest a, b;
    struct af_error err;
    assert_ok(read_text(&a, texts[i], &err), &err);
    assert_ok(read_text(&b, a.normal, &err), &err);
    assert_string_equal(a.digest, b.digest);
    af_manifest_done(&a);
    af_manifest_done(&b);
  }
}

static const char *listed(const json_t *array) {
  static char text[500];
  text[0] = 0;
  for (size_t i = 0; i < json_array_size(array); i++) {
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "", json_string_value(json_array_get(array, i)));
  }
  return text;
}

TEST(every_key_is_read_from_the_defaults_and_from_a_copy_over_them) {
  struct af_manifest m;
  struct af_error err;
  assert_ok(read_text(&m, more, &err), &err);
  const struct af_copy_spec *c = &m.copies[0];
  assert_false(c->pull);
  assert_string_equal(c->bridge_key, "alias/bridge");
  assert_string_equal(c->name, "{name}-{date}");
  assert_string_equal(c->on_existing, "suffix");
  assert_false(c->source_tags);
  assert_string_equal(listed(c->routes), "launch-image copy-image");
  assert_string_equal(listed(c->trusted_owners), "012345678901 amazon");
  assert_string_equal(c->launch_subnet, "subnet-0123456789abcdef0");
  assert_string_equal(c->launch_type, "t3.small");
  assert_string_equal(c->launch_key, "alias/x");
  assert_string_equal(listed(json_object_get(c->launch_permissions, "accounts")), "111111111111 222222222222");
  assert_string_equal(listed(json_object_get(c->launch_permissions, "organizations")), "");
  assert_true(json_is_true(json_object_get(c->launch_permissions, "snapshots")));
  assert_string_equal(c->deprecation, "2027-06-30T00:00:00Z");
  assert_string_equal(c->deregistration_protection, "enabled-with-cooldown");
  c = &m.copies[1];
  assert_true(c->pull);
  assert_null(c->source.profile);
  assert_null(c->bridge_key);
  assert_string_equal(c->source.account, "333333333333");
  assert_string_equal(c->on_existing, "skip");
  assert_true(c->source_tags);
  assert_int_equal(json_array_size(c->routes), 0);
  assert_string_equal(listed(c->trusted_owners), "aws-marketplace");
  assert_string_equal(c->launch_subnet, "subnet-0123456789abcdef0");
  assert_string_equal(c->launch_type, "m5.large");
  assert_string_equal(listed(json_object_get(c->launch_permissions, "accounts")), "111111111111 222222222222");
  assert_string_equal(listed(json_object_get(c->launch_permissions, "organizations")), ORG);
  assert_string_equal(listed(json_object_get(c->launch_permissions, "organizational_units")), UNIT);
  assert_true(json_is_false(json_object_get(c->launch_permissions, "snapshots")));
  assert_string_equal(c->deprecation, "365d");
  assert_string_equal(c->deregistration_protection, "none");
  af_manifest_done(&m);
}

TEST(a_copys_own_way_into_the_source_takes_the_place_of_the_defaults) {
  struct af_manifest m;
  struct af_error err;
  assert_ok(read_text(&m,
                      "version: 1\n"
                      "defaults: {source: {region: us-east-1, credentials: none}, target: {region: eu-west-1}}\n"
                      "copies:\n"
                      "- source: {image: ami-00000001}\n"
                      "- source: {image: ami-00000002, profile: x}\n"
                      "- source: {image: ami-00000003, role_arn: 'arn:aws:iam::222222222222:role/x'}\n",
                      &err),
            &err);
  assert_true(m.copies[0].pull && !m.copies[1].pull && !m.copies[2].pull);
  assert_string_equal(m.copies[1].source.profile, "x");
  af_manifest_done(&m);
}

/* A key that says what its absence says changes nothing, so that a manifest keeps its digest when a version knows more keys. */
TEST(keys_that_say_what_goes_without_saying_leave_the_digest_alone) {
  struct af_manifest a, b;
  struct af_error err;
  assert_ok(read_text(&a, TOP SOURCE TARGET, &err), &err);
  assert_ok(read_text(&b,
                      TOP SOURCE TARGET "  on_existing: adopt\n  source_tags: true\n  route: auto\n  trusted_owners: []\n  launch: {}\n"
                                        "  launch_permissions: {accounts: [], snapshots: false}\n  deprecation: keep\n"
                                        "  deregistration_protection: keep\n",
                      &err),
            &err);
  assert_string_equal(a.normal, b.normal);
  af_manifest_done(&b);
  assert_ok(read_text(&b, TOP SOURCE TARGET "  source_tags: false\n", &err), &err);
  assert_string_not_equal(a.digest, b.digest);
  af_manifest_done(&a);
  af_manifest_done(&b);
}

TEST(one_time_of_deprecation_has_one_form) {
  static const char *const forms[] = {"2027-06-30", "2027-06-30T00:00:00Z", "2027-06-30T02:00:00+02:00", "2027-06-30 00:00:00.000Z"};
  for (size_t i = 0; i < COUNT(forms); i++) {
    struct af_manifest m;
    struct af_error err;
    char text[300];
    snprintf(text, sizeof text, TOP SOURCE TARGET "  deprecation: %s\n", forms[i]);
    assert_ok(read_text(&m, text, &err), &err);
    assert_string_equal(m.copies[0].deprecation, "2027-06-30T00:00:00Z");
    af_manifest_done(&m);
  }
}

/* --- what is wrong --- */

static const struct wrong {
  const char *text, *code, *message;
} wrongs[] = {
    {"", "EmptyManifest", "m.yaml:1: the manifest is empty: write version: 1 and copies: into it"},
    {"# nothing\n", "EmptyManifest", "m.yaml:1: the manifest is empty: write version: 1 and copies: into it"},
    {"[]", "WrongType", "m.yaml:1: must be a map, not a list: write version: 1 and copies: into it"},
    {"copies: []", "MissingKey", "m.yaml:1: \"version\" is missing: write version: 1 at the top"},
    {"version: \"1\"\ncopies: [a]", "BadVersion",
     "m.yaml:1: version: must be the number 1, the only version that amiferry 0.1.0 knows"},
    {"version: 2\n", "BadVersion", "m.yaml:1: version: must be the number 1, the only version that amiferry 0.1.0 knows"},
    {"version: 1\n", "MissingKey", "m.yaml:1: \"copies\" is missing: write a list of what to copy"},
    {"version: 1\ncopies: []\n", "EmptyList", "m.yaml:2: copies: is an empty list: write at least one of the copies"},
    {"version: 1\ncopies: {}\n", "WrongType",
     "m.yaml:2: copies: must be a list of copies, not a map: write each one behind a dash"},
    {"version: 1\nkopies: []\n", "UnknownKey", "m.yaml:2: unknown key \"kopies\"; did you mean \"copies\"?"},
    {"version: 1\ncopies: [3]\n", "WrongType",
     "m.yaml:2: copies[0]: must be a map, not a whole number: write source: and target: into it"},
    {TOP "- nmae: x\n", "UnknownKey", "m.yaml:3: copies[0]: unknown key \"nmae\"; did you mean \"name\"?"},
    {TOP "- source: []\n", "WrongType",
     "m.yaml:3: copies[0].source: must be a map, not a list: write image: and region: into it"},
    {TOP "- source: {region: us-east-1}\n" TARGET, "MissingKey",
     "m.yaml:3: copies[0].source: source.image is missing: write ami- and 17 (or 8) hexadecimal digits in lower case, as "
     "ami-0123456789abcdef0"},
    {TOP "- source: {image: ami-0123456789abcdef0}\n" TARGET, "MissingKey",
     "m.yaml:3: copies[0].source: source.region is missing: write a Region's name, as eu-west-1, here or in the defaults"},
    {TOP SOURCE, "MissingKey",
     "m.yaml:3: copies[0]: target.region is missing: write a Region's name, as eu-west-1, here or in the defaults"},
    {TOP SOURCE "  target: {}\n", "MissingKey",
     "m.yaml:4: copies[0].target: target.region is missing: write a Region's name, as eu-west-1, here or in the defaults"},
    {TOP "- target: {region: eu-west-1}\n", "MissingKey",
     "m.yaml:3: copies[0]: source.region is missing: write a Region's name, as eu-west-1, here or in the defaults"},
    {TOP "- source: {image: ami-0123456789ABCDEF0, region: us-east-1}\n", "BadValue",
     "m.yaml:3: copies[0].source.image: \"ami-0123456789ABCDEF0\" is not an AMI id: write ami- and 17 (or 8) hexadecimal digits "
     "in lower case, as ami-0123456789abcdef0"},
    {TOP "- source: {image: , region: us-east-1}\n", "WrongType",
     "m.yaml:3: copies[0].source.image: is empty: write ami- and 17 (or 8) hexadecimal digits in lower case, as "
     "ami-0123456789abcdef0, or leave the key out"},
    {TOP SOURCE "  target: {region: eu-west-1, account: 12345}\n", "BadValue",
     "m.yaml:4: copies[0].target.account: \"12345\" is not an account id: write 12 digits, as \"111122223333\""},
    {TOP SOURCE "  target: {region: 3}\n", "WrongType",
     "m.yaml:4: copies[0].target.region: must be a string, not a whole number: put it in quotes and write a Region's name, as "
     "eu-west-1"},
    {TOP SOURCE "  target: {region: [a]}\n", "WrongType",
     "m.yaml:4: copies[0].target.region: must be a string, not a list: write a Region's name, as eu-west-1"},
    {TOP SOURCE "  target: {region: EU-west-1}\n", "BadValue",
     "m.yaml:4: copies[0].target.region: \"EU-west-1\" is not a Region: write a Region's name, as eu-west-1"},
    {TOP SOURCE TARGET "  targets: [{region: eu-west-2}]\n", "Contradiction",
     "m.yaml:5: copies[0].targets: \"targets\" stands beside \"target\" (line 4): put them all into \"targets\", or leave it "
     "out"},
    {TOP SOURCE "  targets: []\n", "EmptyList",
     "m.yaml:4: copies[0].targets: is an empty list: write at least one of the targets"},
    {TOP SOURCE "  targets: {region: eu-west-1}\n", "WrongType",
     "m.yaml:4: copies[0].targets: must be a list of targets, not a map: write each one behind a dash"},
    {TOP SOURCE "  targets: [{regoin: eu-west-1}]\n", "UnknownKey",
     "m.yaml:4: copies[0].targets[0]: unknown key \"regoin\"; did you mean \"region\"?"},
    {TOP SOURCE "  targets: [x]\n", "WrongType",
     "m.yaml:4: copies[0].targets[0]: must be a map, not a string: write region: into it"},
    {TOP SOURCE TARGET "  tags: [a]\n", "WrongType",
     "m.yaml:5: copies[0].tags: must be a map of tags, not a list: write KEY: VALUE on each line"},
    {TOP SOURCE TARGET "  tags: {a: }\n", "WrongType",
     "m.yaml:5: copies[0].tags.a: is empty: write a text of at most 256 characters, or leave the key out"},
    {TOP SOURCE TARGET "  tags: {a: {b: c}}\n", "WrongType",
     "m.yaml:5: copies[0].tags.a: must be a string, not a map: write a text of at most 256 characters"},
    {TOP SOURCE TARGET "  tags: {'aws:x': y}\n", "BadValue",
     "m.yaml:5: copies[0].tags[\"aws:x\"]: \"aws:x\" is not a tag key: write 1 to 127 characters that don't begin with aws: or "
     "amiferry:"},
    {TOP SOURCE TARGET "  tags: {AWS:x: y}\n", "BadValue",
     "m.yaml:5: copies[0].tags[\"AWS:x\"]: \"AWS:x\" is not a tag key: write 1 to 127 characters that don't begin with aws: or "
     "amiferry:"},
    {TOP SOURCE TARGET "  tags: {amiferry:x: y}\n", "BadValue",
     "m.yaml:5: copies[0].tags[\"amiferry:x\"]: \"amiferry:x\" is not a tag key: write 1 to 127 characters that don't begin with "
     "aws: or amiferry:"},
    {TOP SOURCE TARGET "  tags: {\"\": y}\n", "BadValue",
     "m.yaml:5: copies[0].tags[\"\"]: \"\" is not a tag key: write 1 to 127 characters that don't begin with aws: or amiferry:"},
    {TOP SOURCE TARGET "  route: adopt\n", "BadValue",
     "m.yaml:5: copies[0].route: \"adopt\" is not a route: write auto, copy-image, reencrypt or launch-image"},
    {TOP SOURCE TARGET "  route: skip\n", "BadValue",
     "m.yaml:5: copies[0].route: \"skip\" is not a route: write auto, copy-image, reencrypt or launch-image"},
    {TOP SOURCE TARGET "  route: {a: b}\n", "WrongType",
     "m.yaml:5: copies[0].route: must be a route's name, not a map: write auto, copy-image, reencrypt or launch-image, or a list "
     "of them in the order to try"},
    {TOP SOURCE TARGET "  route: []\n", "EmptyList",
     "m.yaml:5: copies[0].route: is an empty list: write auto, or at least one of copy-image, reencrypt or launch-image"},
    {TOP SOURCE TARGET "  route: [copy-image, auto]\n", "BadValue",
     "m.yaml:5: copies[0].route[1]: \"auto\" is no route of an order: write copy-image, reencrypt or launch-image"},
    {TOP SOURCE TARGET "  route: [copy-image, 1]\n", "BadValue",
     "m.yaml:5: copies[0].route[1]: \"1\" is no route of an order: write copy-image, reencrypt or launch-image"},
    {TOP SOURCE TARGET "  route: [copy-image, reencrypt, copy-image]\n", "BadValue",
     "m.yaml:5: copies[0].route[2]: \"copy-image\" stands in the order twice: leave one of them out"},
    {TOP SOURCE TARGET "  allow_differences: imdsSupport\n", "WrongType",
     "m.yaml:5: copies[0].allow_differences: must be a list of attributes, not a string: write it as [imdsSupport]"},
    {TOP SOURCE TARGET "  allow_differences: [1]\n", "BadValue",
     "m.yaml:5: copies[0].allow_differences[0]: \"1\" is no attribute that may differ: write one of bootMode, tpmSupport, "
     "imdsSupport, enaSupport, sriovNetSupport, kernelId, ramdiskId, platform, platformDetails, usageOperation, productCode, "
     "description, uefiData, tag, snapshotTag, deprecationTime, deregistrationProtection, launchPermission, snapshotPermission, "
     "watermark, blockDeviceMapping.virtualName, "
     "blockDeviceMapping.noDevice, blockDeviceMapping.volumeType, blockDeviceMapping.iops, blockDeviceMapping.throughput, "
     "blockDeviceMapping.deleteOnTermination"},
    {TOP SOURCE TARGET "  name: ab\n", "BadValue",
     "m.yaml:5: copies[0].name: \"ab\" is not an AMI name: write 3 to 128 letters, digits, spaces or ()[]./-'@_"},
    {TOP SOURCE TARGET "  name: a*b\n", "BadValue",
     "m.yaml:5: copies[0].name: \"a*b\" is not an AMI name: write 3 to 128 letters, digits, spaces or ()[]./-'@_"},
    {TOP SOURCE TARGET "  name: 12345\n", "WrongType",
     "m.yaml:5: copies[0].name: must be a string, not a whole number: put it in quotes and write 3 to 128 letters, digits, "
     "spaces or ()[]./-'@_"},
    {TOP SOURCE TARGET "  name: true\n", "WrongType",
     "m.yaml:5: copies[0].name: must be a string, not true or false: put it in quotes and write 3 to 128 letters, digits, spaces "
     "or ()[]./-'@_"},
    {TOP SOURCE TARGET "  name: null\n", "WrongType",
     "m.yaml:5: copies[0].name: is empty: write 3 to 128 letters, digits, spaces or ()[]./-'@_, or leave the key out"},
    {TOP SOURCE TARGET "  description: \"a\\nb\"\n", "BadValue",
     "m.yaml:5: copies[0].description: \"a b\" is not a description: write one line of 1 to 255 characters"},
    {"version: 1\ndefaults: {name: abc}\ncopies: [a]\n", "UnknownKey",
     "m.yaml:2: defaults.name: belongs to one copy: write it into copies, or make it a template, as \"{name}-{date}\""},
    {"version: 1\ndefaults: {name: '{nmae}'}\ncopies: [a]\n", "BadValue",
     "m.yaml:2: defaults.name: \"{nmae}\" stands for nothing that is known: write {name}, {date}, {source_region}, "
     "{source_account} or {id}"},
    {"version: 1\ndefaults: {source: {image: ami-00000000}}\ncopies: [a]\n", "UnknownKey",
     "m.yaml:2: defaults.source.image: belongs to one copy: write it into copies"},
    {"version: 1\ndefaults: x\ncopies: [a]\n", "WrongType",
     "m.yaml:2: defaults: must be a map, not a string: write source: and target: into it"},
    {"version: 1\ndefaults: {target: {region: x}}\ncopies: [a]\n", "BadValue",
     "m.yaml:2: defaults.target.region: \"x\" is not a Region: write a Region's name, as eu-west-1"},
    {"version: 1\ndefaults:\n  target: {}\n  targets: []\ncopies: [a]\n", "Contradiction",
     "m.yaml:4: defaults.targets: \"targets\" stands beside \"target\" (line 3): put them all into \"targets\", or leave it out"},
    {"version: 1\ndefaults: {verison: 1}\ncopies: [a]\n", "UnknownKey",
     "m.yaml:2: defaults: unknown key \"verison\"; the keys here are: source, target, targets, name, description, "
     "on_existing, tags, source_tags, route, trusted_owners, launch, launch_permissions, deprecation, deregistration_protection, "
     "allow_differences"},
    {TOP SOURCE "  target: {region: eu-west-1, role_arn: 'arn:aws:iam::222222222222:user/x'}\n", "BadValue",
     "m.yaml:4: copies[0].target.role_arn: \"arn:aws:iam::222222222222:user/x\" is not a role's ARN: write "
     "arn:aws:iam::ACCOUNT:role/NAME with the 12 digits of the account"},
    {TOP SOURCE "  target: {region: eu-west-1, account: 222222222222, role_arn: 'arn:aws:iam::111111111111:role/x'}\n",
     "Contradiction",
     "m.yaml:4: copies[0].target.role_arn: is a role of account 111111111111, but the account is 222222222222 (line 4): write a "
     "role of that account, or mend the account"},
    {TOP SOURCE "  target: {region: eu-west-1, external_id: abc}\n", "Contradiction",
     "m.yaml:4: copies[0].target.external_id: an external id belongs to a role: write the role_arn beside it, or leave it out"},
    {TOP SOURCE "  target: {region: eu-west-1, kms_key: key}\n", "BadValue",
     "m.yaml:4: copies[0].target.kms_key: \"key\" is not a KMS key: write a key id, a key ARN, alias/NAME or an alias ARN, as "
     "alias/amis or arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"},
    {TOP SOURCE "  target: {region: eu-west-1, kms_key: 'arn:aws:kms:eu-west-2:222222222222:alias/x'}\n", "Contradiction",
     "m.yaml:4: copies[0].target.kms_key: is a key in eu-west-2, but the target is eu-west-1: write the ARN of a key in "
     "eu-west-1, or alias/NAME"},
    {TOP SOURCE "  target: {region: eu-west-1, account: 333333333333, kms_key: 'arn:aws:kms:eu-west-1:222222222222:alias/x'}\n",
     "Contradiction",
     "m.yaml:4: copies[0].target.kms_key: is a key of account 222222222222, but the target is account 333333333333: write the "
     "ARN of a key of that account"},
    {TOP SOURCE "  target:\n    region: eu-west-1\n    role_arn: arn:aws:iam::111111111111:role/x\n    kms_key: "
                "arn:aws:kms:eu-west-1:222222222222:alias/x\n",
     "Contradiction",
     "m.yaml:7: copies[0].target.kms_key: is a key of account 222222222222, but the target is account 111111111111: write the "
     "ARN of a key of that account"},
    {TOP SOURCE TARGET SOURCE TARGET, "DuplicateCopy",
     "m.yaml:5: copies[1]: is the same copy as the one on line 3: the same image to the same place under the same name; leave "
     "one of them out"},
    {TOP SOURCE TARGET "  name: abc\n- source: {image: ami-00000001, region: us-east-1}\n" TARGET "  name: abc\n",
     "DuplicateName",
     "m.yaml:6: copies[1]: gives its image the name that another image gets in the same account and Region by the copy on line "
     "3: write another name"},
    {TOP SOURCE "  targets:\n  - {region: eu-west-1}\n  - {region: eu-west-1}\n", "DuplicateCopy",
     "m.yaml:6: copies[0].targets[1]: is the same copy as the one on line 5: the same image to the same place under the same "
     "name; leave one of them out"},
    {TOP SOURCE "  target: {region: eu-west-1, account: 222222222222}\n" SOURCE
                "  target: {region: eu-west-1, role_arn: 'arn:aws:iam::222222222222:role/x'}\n",
     "DuplicateCopy",
     "m.yaml:5: copies[1]: is the same copy as the one on line 3: the same image to the same place under the same name; leave "
     "one of them out"},
};

/* What is wrong with the side where something comes from. */
static const struct wrong of_sources[] = {
    {TOP "- source: {image: ami-00000001, region: us-east-1, external_id: abc}\n" TARGET, "Contradiction",
     "m.yaml:3: copies[0].source.external_id: an external id belongs to a role: write the role_arn beside it, or leave it out"},
    {"version: 1\ndefaults: {source: {account: 111111111111}}\ncopies:\n"
     "- source: {image: ami-00000001, region: us-east-1, role_arn: 'arn:aws:iam::222222222222:role/x'}\n" TARGET,
     "Contradiction",
     "m.yaml:4: copies[0].source.role_arn: is a role of account 222222222222, but the account is 111111111111 (line 2): write a "
     "role of "
     "that account, or mend the account"},
};

#define PULL "- source: {image: ami-0123456789abcdef0, region: us-east-1, credentials: none"

/* What is wrong with how a copy is made, and with what it is to be. */
static const struct wrong of_copies[] = {
    {TOP SOURCE TARGET "  name: '{nmae}-x'\n", "BadValue",
     "m.yaml:5: copies[0].name: \"{nmae}\" stands for nothing that is known: write {name}, {date}, {source_region}, "
     "{source_account} or {id}"},
    {TOP SOURCE TARGET "  name: 'a{name'\n", "BadValue",
     "m.yaml:5: copies[0].name: \"{name\" stands for nothing that is known: write {name}, {date}, {source_region}, "
     "{source_account} or {id}"},
    {TOP SOURCE TARGET "  name: '{name}*'\n", "BadValue",
     "m.yaml:5: copies[0].name: \"{name}*\" is not an AMI name: write 3 to 128 letters, digits, spaces or ()[]./-'@_"},
    {TOP SOURCE TARGET "  name: '{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}'\n", "BadValue",
     "m.yaml:5: copies[0].name: \"{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}\" is not an AMI name: write 3 to 128 letters, "
     "digits, spaces or ()[]./-'@_"},
    {TOP SOURCE TARGET "  on_existing: replace\n", "BadValue",
     "m.yaml:5: copies[0].on_existing: \"replace\" is not an answer to a name that is taken: write adopt, skip, fail or suffix"},
    {TOP SOURCE TARGET "  source_tags: 1\n", "WrongType",
     "m.yaml:5: copies[0].source_tags: must be true or false, not a whole number"},
    {TOP SOURCE TARGET "  deprecation: 0d\n", "BadValue",
     "m.yaml:5: copies[0].deprecation: \"0d\" is not a time of deprecation: write keep, none, a date as 2027-06-30, a time as "
     "2027-06-30T12:00:00Z, or days as 365d"},
    {TOP SOURCE TARGET "  deprecation: 365\n", "WrongType",
     "m.yaml:5: copies[0].deprecation: must be a string, not a whole number: put it in quotes and write keep, none, a date as "
     "2027-06-30, a time as 2027-06-30T12:00:00Z, or days as 365d"},
    {TOP SOURCE TARGET "  deregistration_protection: true\n", "WrongType",
     "m.yaml:5: copies[0].deregistration_protection: must be a string, not true or false: put it in quotes and write keep, none, "
     "enabled or enabled-with-cooldown"},
    {TOP SOURCE TARGET "  trusted_owners: amazon\n", "WrongType",
     "m.yaml:5: copies[0].trusted_owners: must be a list of owners, not a string: write each one behind a dash"},
    {TOP SOURCE TARGET "  trusted_owners: [self]\n", "BadValue",
     "m.yaml:5: copies[0].trusted_owners[0]: \"self\" is not an owner: write 12 digits, amazon, aws-marketplace or "
     "aws-backup-vault"},
    {TOP SOURCE TARGET "  launch: [x]\n", "WrongType",
     "m.yaml:5: copies[0].launch: must be a map, not a list: write subnet: or instance_type: into it"},
    {TOP SOURCE TARGET "  launch: {type: t3.small}\n", "UnknownKey",
     "m.yaml:5: copies[0].launch: unknown key \"type\"; the keys here are: subnet, instance_type, kms_key"},
    {TOP SOURCE TARGET "  launch: {instance_type: t3}\n", "BadValue",
     "m.yaml:5: copies[0].launch.instance_type: \"t3\" is not an instance type: write a family and a size, as t3.small"},
    {TOP SOURCE TARGET "  launch: {subnet: vpc-01234567}\n", "BadValue",
     "m.yaml:5: copies[0].launch.subnet: \"vpc-01234567\" is not a subnet's id: write subnet- and 17 (or 8) hexadecimal digits "
     "in lower case"},
    {TOP SOURCE TARGET "  launch: {kms_key: 'arn:aws:kms:eu-west-1:222222222222:alias/x'}\n", "Contradiction",
     "m.yaml:5: copies[0].launch.kms_key: is a key in eu-west-1, but the source is us-east-1: write the ARN of a key in "
     "us-east-1, or alias/NAME"},
    {TOP SOURCE
     "  target: {region: eu-west-1, account: 333333333333}\n  launch: {kms_key: 'arn:aws:kms:us-east-1:222222222222:alias/x'}\n",
     "Contradiction",
     "m.yaml:5: copies[0].launch.kms_key: is a key of account 222222222222, but the target is account 333333333333: write the "
     "ARN of a key of that account"},
    {TOP "- source: {image: ami-00000001, region: us-east-1, bridge_key: 'arn:aws:kms:eu-west-1:222222222222:alias/x'}\n" TARGET,
     "Contradiction",
     "m.yaml:3: copies[0].source.bridge_key: is a key in eu-west-1, but the source is us-east-1: write the ARN of a key in "
     "us-east-1, or alias/NAME"},
    {TOP "- source: {image: ami-00000001, region: us-east-1, account: 333333333333, bridge_key: "
         "'arn:aws:kms:us-east-1:222222222222:alias/x'}\n" TARGET,
     "Contradiction",
     "m.yaml:3: copies[0].source.bridge_key: is a key of account 222222222222, but the source is account 333333333333: write the "
     "ARN of a key of that account"},
    {TOP "- source: {image: ami-00000001, region: us-east-1, credentials: anonymous}\n" TARGET, "BadValue",
     "m.yaml:3: copies[0].source.credentials: \"anonymous\" is not a kind of credentials: write none, where somebody else shared "
     "the image"},
    {TOP PULL ", profile: x}\n" TARGET, "Contradiction",
     "m.yaml:3: copies[0].source.profile: needs credentials of the source account, but line 3 says credentials: none: leave one "
     "of them out"},
    {TOP PULL ", role_arn: 'arn:aws:iam::222222222222:role/x'}\n" TARGET, "Contradiction",
     "m.yaml:3: copies[0].source.role_arn: needs credentials of the source account, but line 3 says credentials: none: leave one "
     "of them out"},
    {TOP PULL ", external_id: xyz}\n" TARGET, "Contradiction",
     "m.yaml:3: copies[0].source.external_id: needs credentials of the source account, but line 3 says credentials: none: leave "
     "one of them out"},
    {TOP PULL ", bridge_key: alias/x}\n" TARGET, "Contradiction",
     "m.yaml:3: copies[0].source.bridge_key: needs credentials of the source account, but line 3 says credentials: none: leave "
     "one of them out"},
    {TOP SOURCE "  target: {region: eu-west-1, credentials: none}\n", "UnknownKey",
     "m.yaml:4: copies[0].target: unknown key \"credentials\"; the keys here are: account, region, profile, role_arn, external_id, "
     "kms_key"},
    {TOP SOURCE TARGET "  launch_permissions: [x]\n", "WrongType",
     "m.yaml:5: copies[0].launch_permissions: must be a map, not a list: write accounts: into it"},
    {TOP SOURCE TARGET "  launch_permissions: {acounts: []}\n", "UnknownKey",
     "m.yaml:5: copies[0].launch_permissions: unknown key \"acounts\"; did you mean \"accounts\"?"},
    {TOP SOURCE TARGET "  launch_permissions: {accounts: [1234]}\n", "BadValue",
     "m.yaml:5: copies[0].launch_permissions.accounts[0]: \"1234\" is not an account id: write 12 digits, as \"111122223333\""},
    {TOP SOURCE TARGET "  launch_permissions: {accounts: all}\n", "WrongType",
     "m.yaml:5: copies[0].launch_permissions.accounts: must be a list of account ids, not a string: write each one behind a "
     "dash"},
    {TOP SOURCE TARGET "  launch_permissions: {organizations: [o-abcdefghij]}\n", "BadValue",
     "m.yaml:5: copies[0].launch_permissions.organizations[0]: \"o-abcdefghij\" is not an organization's ARN: write "
     "arn:aws:organizations::ACCOUNT:organization/o-ID"},
    {TOP SOURCE TARGET "  launch_permissions: {organizational_units: ['" ORG "']}\n", "BadValue",
     "m.yaml:5: copies[0].launch_permissions.organizational_units[0]: \"" ORG "\" is not an organizational unit's ARN: write "
     "arn:aws:organizations::ACCOUNT:ou/o-ID/ou-ROOT-ID"},
    {TOP SOURCE TARGET "  launch_permissions: {snapshots: yes}\n", "WrongType",
     "m.yaml:5: copies[0].launch_permissions.snapshots: must be true or false, not a string"},
    {TOP SOURCE TARGET "  launch_permissions:\n    accounts: [111111111111]\n    organizations: ['" ORG "']\n    snapshots: true\n",
     "Contradiction",
     "m.yaml:8: copies[0].launch_permissions.snapshots: a snapshot cannot be shared with ARNs of organizations (line 7): write "
     "snapshots: false, or name the accounts"},
    {"version: 1\ndefaults: {launch_permissions: {snapshots: true}}\ncopies:\n" SOURCE TARGET
     "  launch_permissions: {organizational_units: ['" UNIT "']}\n",
     "Contradiction",
     "m.yaml:2: defaults.launch_permissions.snapshots: a snapshot cannot be shared with ARNs of organizational units (line 6): "
     "write snapshots: false, or name the accounts"},
    {TOP SOURCE TARGET "  launch_permissions: {snapshots: true}\n", "Contradiction",
     "m.yaml:5: copies[0].launch_permissions.snapshots: snapshots are shared with the accounts, and none is named: write "
     "accounts, or leave it out"},
    {TOP SOURCE TARGET "  name: 'web-{date}'\n- source: {image: ami-00000001, region: us-east-1}\n" TARGET "  name: 'web-{date}'\n",
     "DuplicateName",
     "m.yaml:6: copies[1]: gives its image the name that another image gets in the same account and Region by the copy on line "
     "3: write another name"},
    {TOP SOURCE TARGET "  name: 'web-ami-00000001'\n- source: {image: ami-00000001, region: us-east-1}\n" TARGET
                       "  name: 'web-{id}'\n",
     "DuplicateName",
     "m.yaml:6: copies[1]: gives its image the name that another image gets in the same account and Region by the copy on line "
     "3: write another name"},
    {"version: 1\ndefaults: {name: 'x-{name}'}\ncopies:\n" SOURCE TARGET SOURCE TARGET, "DuplicateCopy",
     "m.yaml:6: copies[1]: is the same copy as the one on line 4: the same image to the same place under the same name; leave "
     "one of them out"},
};

/* Of several pairs the one whose second stands first is named, and a pair need not stand together. */
static const struct wrong pairs[] = {
    {TOP SOURCE TARGET SOURCE "  target: {region: eu-west-2}\n" SOURCE TARGET, "DuplicateCopy",
     "m.yaml:7: copies[2]: is the same copy as the one on line 3: the same image to the same place under the same name; leave "
     "one of "
     "them out"},
    {TOP SOURCE TARGET SOURCE "  target: {region: eu-west-2}\n" SOURCE "  target: {region: eu-west-2}\n" SOURCE TARGET,
     "DuplicateCopy",
     "m.yaml:7: copies[2]: is the same copy as the one on line 5: the same image to the same place under the same name; leave "
     "one of "
     "them out"},
    {TOP SOURCE "  target: {region: eu-west-2}\n" SOURCE TARGET SOURCE TARGET SOURCE "  target: {region: eu-west-2}\n",
     "DuplicateCopy",
     "m.yaml:7: copies[2]: is the same copy as the one on line 5: the same image to the same place under the same name; leave "
     "one of "
     "them out"},
};

static void check_wrong(const struct wrong *w) {
  struct af_manifest m;
  struct af_error err = {0};
  memset(&m, 0x5A, sizeof m);
  struct af_manifest untouched = m;
  int rc = read_text(&m, w->text, &err);
  if (rc != -AF_EINVAL || !af_streq(err.code, w->code) || !af_streq(err.message, w->message))
    fail_msg("%s\ngave %d %s \"%s\"\nnot %s \"%s\"", w->text, rc, err.code, err.message, w->code, w->message);
  assert_int_equal(err.class, AF_CLASS_INVALID);
  assert_memory_equal(&m, &untouched, sizeof m);
}

TEST(each_mistake_is_said_with_line_and_path_and_what_to_write) {
  for (size_t i = 0; i < COUNT(wrongs); i++)
    check_wrong(&wrongs[i]);
  for (size_t i = 0; i < COUNT(of_sources); i++)
    check_wrong(&of_sources[i]);
  for (size_t i = 0; i < COUNT(of_copies); i++)
    check_wrong(&of_copies[i]);
}

TEST(the_first_of_several_duplicates_is_said) {
  for (size_t i = 0; i < COUNT(pairs); i++)
    check_wrong(&pairs[i]);
}

TEST(the_values_of_tags_are_taken_as_they_are_written) {
  static const char *const texts[] = {
      TOP SOURCE TARGET "  tags: {a: 1.10, b: 007, c: True, d: '', e: 0x1F}\n",
      "{\"version\": 1, \"copies\": [{\"source\": {\"image\": \"ami-0123456789abcdef0\", \"region\": "
      "\"us-east-1\"}, \"target\": {\"region\": \"eu-west-1\"}, \"tags\": {\"a\": 1.10, \"b\": \"007\", "
      "\"c\": \"True\", \"d\": \"\", \"e\": \"0x1F\"}}]}"};
  for (size_t i = 0; i < COUNT(texts); i++) {
    struct af_manifest m;
    struct af_error err;
    assert_ok(read_text(&m, texts[i], &err), &err);
    assert_contains(m.normal, "\"tags\":{\"a\":\"1.10\",\"b\":\"007\",\"c\":\"True\",\"d\":\"\",\"e\":\"0x1F\"}");
    af_manifest_done(&m);
  }
}

/* --- what is right --- */

TEST(copies_that_only_look_alike_pass) {
  static const char *const rights[] = {
      TOP SOURCE TARGET "  name: abc\n" SOURCE TARGET "  name: abd\n" SOURCE TARGET,
      TOP SOURCE TARGET "  name: abc\n" SOURCE "  target: {region: eu-west-2}\n  name: abc\n",
      TOP SOURCE "  target: {region: eu-west-1, account: 222222222222}\n" SOURCE
                 "  target: {region: eu-west-1, account: 333333333333}\n",
      TOP SOURCE "  target: {region: eu-west-1, profile: a}\n" SOURCE "  target: {region: eu-west-1, profile: b}\n" SOURCE TARGET,
      TOP SOURCE TARGET "- source: {image: ami-0123456789abcdef0, region: us-east-2}\n" TARGET,
      TOP SOURCE "  target: {region: eu-west-1, kms_key: 'arn:aws:kms:eu-west-1:222222222222:alias/x'}\n",
      TOP SOURCE TARGET "  tags: {}\n  allow_differences: []\n",
      TOP SOURCE "  target: {region: eu-west-1, role_arn: 'arn:aws:iam::222222222222:role/x', external_id: 0042}\n",
      TOP SOURCE TARGET "  name: 'x-{name}'\n- source: {image: ami-00000001, region: us-east-1}\n" TARGET "  name: 'x-{name}'\n",
      TOP SOURCE TARGET "  name: 'x-{id}'\n- source: {image: ami-00000001, region: us-east-1}\n" TARGET "  name: 'x-{id}'\n",
      TOP SOURCE TARGET "  trusted_owners: []\n  launch: {}\n  launch_permissions: {accounts: [], snapshots: false}\n",
      TOP SOURCE "  target: {region: eu-west-1, account: 222222222222}\n"
                 "  launch: {kms_key: 'arn:aws:kms:us-east-1:222222222222:alias/x'}\n",
  };
  for (size_t i = 0; i < COUNT(rights); i++) {
    struct af_manifest m;
    struct af_error err;
    assert_ok(read_text(&m, rights[i], &err), &err);
    af_manifest_done(&m);
  }
}

/* --- limits --- */

static char *repeated(const char *head, const char *format, int from, int to, const char *tail) {
  struct af_buf b;
  af_buf_init(&b, 64 * 1024 * 1024);
  af_buf_puts(&b, head);
  for (int i = from; i < to; i++) {
    af_buf_puts(&b, format);
    af_buf_printf(&b, "%08x%s", (unsigned)i, tail);
  }
  char *text = af_buf_steal(&b);
  assert_non_null(text);
  return text;
}

#define DEFAULTS "version: 1\ndefaults: {source: {region: us-east-1}, target: {region: eu-west-1}}\ncopies:\n"

TEST(ten_thousand_copies_pass_and_one_more_does_not) {
  struct af_manifest m;
  struct af_error err;
  char *text = repeated(DEFAULTS, "- source: {image: ami-", 0, AF_MANIFEST_MAX_COPIES, "}\n");
  assert_ok(read_text(&m, text, &err), &err);
  assert_int_equal(m.n, AF_MANIFEST_MAX_COPIES);
  af_manifest_done(&m);
  free(text);
  text = repeated(DEFAULTS, "- source: {image: ami-", 0, AF_MANIFEST_MAX_COPIES + 1, "}\n");
  assert_error(read_text(&m, text, &err), -AF_EINVAL, &err, "m.yaml:10004: copies[10000]: is one more than the 10000 copies");
  free(text);
}

TEST(forty_tags_pass_and_one_more_does_not_wherever_it_comes_from) {
  struct af_manifest m;
  struct af_error err;
  char *text = repeated(TOP SOURCE TARGET "  tags:\n", "    tag", 0, 40, ": x\n");
  assert_ok(read_text(&m, text, &err), &err);
  af_manifest_done(&m);
  free(text);
  text = repeated("version: 1\ndefaults:\n  tags:\n", "    tag", 0, 41, ": x\n");
  struct af_buf whole;
  af_buf_init(&whole, 10000);
  af_buf_printf(&whole, "%scopies:\n" SOURCE TARGET, text);
  assert_error(read_text(&m, af_buf_cstr(&whole), &err), -AF_EINVAL, &err, "m.yaml:4: defaults.tags: are 41 tags");
  af_buf_done(&whole);
  free(text);
  text = repeated("version: 1\ndefaults: {tags: {one: more}}\ncopies:\n" SOURCE TARGET "  tags:\n", "    tag", 0, 40, ": x\n");
  assert_error(read_text(&m, text, &err), -AF_EINVAL, &err, "m.yaml:7: copies[0].tags: are 41 tags, with the defaults'");
  free(text);
}

TEST(five_hundred_accounts_pass_and_one_more_does_not) {
  struct af_manifest m;
  struct af_error err;
  struct af_buf b;
  for (int n = 500; n <= 501; n++) {
    af_buf_init(&b, 100000);
    af_buf_puts(&b, TOP SOURCE TARGET "  launch_permissions:\n    accounts:\n");
    for (int i = 0; i < n; i++)
      af_buf_printf(&b, "    - %012d\n", i);
    int rc = read_text(&m, af_buf_cstr(&b), &err);
    assert_int_equal(rc, n == 500 ? 0 : -AF_EINVAL);
    if (rc == 0)
      af_manifest_done(&m);
    af_buf_done(&b);
  }
  assert_string_equal(err.message, "m.yaml:7: copies[0].launch_permissions.accounts: are 501 account ids: leave at most 500");
}

TEST(a_manifest_that_its_defaults_blow_up_is_refused) {
  struct af_manifest m;
  struct af_error err;
  char value[257];
  memset(value, 'v', 256);
  value[256] = 0;
  struct af_buf b;
  af_buf_init(&b, AF_MANIFEST_MAX_BYTES);
  af_buf_puts(&b, "version: 1\ndefaults:\n  source: {region: us-east-1}\n  target: {region: eu-west-1}\n  tags:\n");
  for (int i = 0; i < 40; i++)
    af_buf_printf(&b, "    t%d: %s\n", i, value);
  af_buf_puts(&b, "copies:\n");
  for (int i = 0; i < AF_MANIFEST_MAX_COPIES; i++)
    af_buf_printf(&b, "- source: {image: ami-%08x}\n", (unsigned)i);
  assert_error(read_text(&m, af_buf_cstr(&b), &err), -AF_ETOOBIG, &err, "m.yaml: with the defaults merged into each copy");
  af_buf_done(&b);
}

TEST(what_is_too_long_too_deep_or_no_text_is_refused) {
  struct af_manifest m;
  struct af_error err;
  char *big = malloc(AF_MANIFEST_MAX_BYTES + 1);
  memset(big, ' ', AF_MANIFEST_MAX_BYTES + 1);
  assert_int_equal(af_manifest_read(&m, "m", af_str_n(big, AF_MANIFEST_MAX_BYTES + 1), NULL, &err), -AF_ETOOBIG);
  memset(big, '[', 1000);
  assert_int_equal(af_manifest_read(&m, "m", af_str_n(big, 1000), NULL, &err), -AF_ETOOBIG);
  free(big);
  assert_int_equal(af_manifest_read(&m, "m", af_str_n("version: 1\0", 11), NULL, &err), -AF_EINVAL);
  assert_int_equal(af_manifest_read(&m, "m", af_str("version: \xff"), NULL, &err), -AF_EINVAL);
}

TEST(a_file_is_read_and_named_in_what_is_said) {
  struct af_manifest m;
  struct af_error err;
  char path[] = "/tmp/test_plans_manifest.XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  static const char text[] = TOP SOURCE TARGET;
  assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
  assert_ok(af_manifest_read_file(&m, path, NULL, &err), &err);
  af_manifest_done(&m);
  assert_int_equal(write(fd, "x", 1), 1);
  close(fd);
  assert_int_equal(af_manifest_read_file(&m, path, NULL, &err), -AF_EINVAL);
  assert_contains(err.message, path);
  unlink(path);
  assert_int_equal(af_manifest_read_file(&m, path, NULL, &err), -AF_ENOENT);
}

/* --- specs --- */

TEST(a_spec_goes_through_json_and_back) {
  struct af_manifest m;
  struct af_error err;
  assert_ok(read_text(&m, more, &err), &err);
  for (size_t i = 0; i < m.n; i++) {
    json_t *json, *again;
    struct af_copy_spec back;
    assert_int_equal(af_copy_spec_to_json(&m.copies[i], &json), 0);
    assert_ok(af_copy_spec_from_json(&back, json, &err), &err);
    assert_int_equal(af_copy_spec_to_json(&back, &again), 0);
    assert_true(json_equal(json, again));
    af_copy_spec_done(&back);
    json_decref(json);
    json_decref(again);
  }
  af_manifest_done(&m);
}

TEST(every_member_of_a_spec_is_stored) {
  static const char text[] =
      "{\"allow_differences\":[\"bootMode\"],\"deprecation\":\"14\",\"deregistration_protection\":\"15\",\"description\":\"d\","
      "\"launch\":{\"instance_type\":\"16\",\"kms_key\":\"17\",\"subnet\":\"18\"},"
      "\"launch_permissions\":{\"accounts\":[\"19\"],\"organizational_units\":[\"20\"],\"organizations\":[\"21\"],"
      "\"snapshots\":true},\"name\":\"n\",\"on_existing\":\"22\",\"route\":[\"23\",\"24\"],\"source\":{\"account\":"
      "\"1\",\"bridge_key\":\"13\",\"credentials\":\"none\","
      "\"external_id\":\"2\",\"image\":\"3\",\"profile\":\"4\",\"region\":\"5\",\"role_arn\":\"6\"},"
      "\"source_tags\":false,\"tags\":{\"a\":\"b\"},\"target\":"
      "{\"account\":\"7\",\"external_id\":\"8\",\"kms_key\":\"9\",\"profile\":\"10\",\"region\":\"11\",\"role_arn\":\"12\"},"
      "\"trusted_owners\":[\"25\"]}";
  struct af_error err;
  struct af_copy_spec spec;
  json_t *json = json_loads(text, 0, NULL), *back;
  assert_ok(af_copy_spec_from_json(&spec, json, &err), &err);
  assert_string_equal(spec.source.account, "1");
  assert_string_equal(spec.image, "3");
  assert_string_equal(spec.target.role_arn, "12");
  assert_true(spec.pull && !spec.source_tags);
  assert_int_equal(af_copy_spec_to_json(&spec, &back), 0);
  char *again = json_dumps(back, JSON_COMPACT | JSON_SORT_KEYS);
  assert_string_equal(again, text);
  free(again);
  json_decref(json);
  json_decref(back);
  af_copy_spec_done(&spec);
}

TEST(a_spec_that_an_earlier_version_stored_is_read_as_what_it_meant) {
  static const char *const routes[] = {"auto", "copy-image"};
  for (size_t i = 0; i < COUNT(routes); i++) {
    struct af_error err;
    struct af_copy_spec spec;
    json_t *back, *json = json_pack("{s:{s:s, s:s}, s:{s:s}, s:s, s:{}, s:[]}", "source", "image", "ami-1", "region", "a", "target",
                                    "region", "b", "route", routes[i], "tags", "allow_differences");
    assert_ok(af_copy_spec_from_json(&spec, json, &err), &err);
    assert_int_equal(json_array_size(spec.routes), i);
    assert_true(!spec.pull && spec.source_tags && !spec.bridge_key && !spec.launch_subnet && !spec.launch_type && !spec.launch_key);
    assert_string_equal(spec.on_existing, "adopt");
    assert_string_equal(spec.deprecation, "keep");
    assert_string_equal(spec.deregistration_protection, "keep");
    assert_int_equal(json_array_size(spec.trusted_owners), 0);
    assert_int_equal(json_object_size(spec.launch_permissions), 4);
    assert_int_equal(af_copy_spec_to_json(&spec, &back), 0);
    assert_true(json_equal(json, back));
    json_decref(json);
    json_decref(back);
    af_copy_spec_done(&spec);
  }
}

TEST(a_damaged_spec_is_refused) {
  static const char *const damaged[] = {
      "[]",
      "{}",
      "{\"source\": 1}",
      "{\"source\": {\"image\": \"ami-1\", \"region\": \"a\"}, \"target\": {}, \"route\": \"auto\"}",
      "{\"source\": {\"image\": \"ami-1\", \"region\": \"a\"}, \"target\": {\"region\": \"b\"}}",
      "{\"source\": {\"image\": 1, \"region\": \"a\"}, \"target\": {\"region\": \"b\"}, \"route\": \"auto\"}",
      "{\"source\": {\"image\": \"ami-1\", \"region\": \"a\"}, \"target\": {\"region\": \"b\"}, \"route\": \"auto\", \"tags\": "
      "[]}",
      "{\"source\": {\"image\": \"ami-1\", \"region\": \"a\"}, \"target\": {\"region\": \"b\"}, \"route\": \"auto\", \"tags\": "
      "{\"a\": 1}}",
      "{\"source\": {\"image\": \"ami-1\", \"region\": \"a\"}, \"target\": {\"region\": \"b\"}, \"route\": \"auto\", "
      "\"allow_differences\": [1]}",
#define STORED "{\"source\": {\"image\": \"ami-1\", \"region\": \"a\"}, \"target\": {\"region\": \"b\"}, "
      STORED "\"route\": 1}",
      STORED "\"route\": []}",
      STORED "\"route\": [1]}",
      STORED "\"route\": \"auto\", \"trusted_owners\": {}}",
      STORED "\"route\": \"auto\", \"source_tags\": 1}",
      STORED "\"route\": \"auto\", \"deprecation\": 1}",
      STORED "\"route\": \"auto\", \"launch_permissions\": []}",
      STORED "\"route\": \"auto\", \"launch_permissions\": {\"accounts\": true}}",
      STORED "\"route\": \"auto\", \"launch_permissions\": {\"accounts\": [1]}}",
      STORED "\"route\": \"auto\", \"launch_permissions\": {\"snapshots\": []}}",
      STORED "\"route\": \"auto\", \"launch_permissions\": {\"everybody\": []}}",
      "{\"source\": {\"image\": \"ami-1\", \"region\": \"a\", \"credentials\": \"x\"}, \"target\": {\"region\": \"b\"}, "
      "\"route\": \"auto\"}",
  };
  for (size_t i = 0; i < COUNT(damaged); i++) {
    struct af_error err = {0};
    struct af_copy_spec spec;
    json_t *json = json_loads(damaged[i], 0, NULL);
    assert_non_null(json);
    if (af_copy_spec_from_json(&spec, json, &err) != -AF_EINVAL)
      fail_msg("%s", damaged[i]);
    assert_string_equal(err.code, "SpecInvalid");
    json_decref(json);
  }
}

static char *key_of(const char *text) {
  struct af_manifest m;
  struct af_error err;
  char *key = NULL;
  assert_ok(read_text(&m, text, &err), &err);
  assert_int_equal(af_copy_spec_key(&m.copies[0], &key), 0);
  af_manifest_done(&m);
  return key;
}

TEST(a_key_is_the_same_for_the_same_copy_and_only_for_it) {
  static const char *const same[] = {
      TOP SOURCE "  target: {region: eu-west-1, account: 222222222222}\n",
      TOP SOURCE "  target: {region: eu-west-1, account: 222222222222, profile: x}\n  tags: {a: b}\n  description: x\n",
      TOP SOURCE "  target: {region: eu-west-1, role_arn: 'arn:aws:iam::222222222222:role/x', kms_key: alias/x}\n",
      TOP PULL "}\n  target: {region: eu-west-1, account: 222222222222}\n  route: [launch-image]\n  on_existing: fail\n",
  };
  static const char *const others[] = {
      TOP SOURCE "  target: {region: eu-west-1, account: 333333333333}\n",
      TOP SOURCE "  target: {region: eu-west-2, account: 222222222222}\n",
      TOP SOURCE "  target: {region: eu-west-1, account: 222222222222}\n  name: abc\n",
      TOP SOURCE "  target: {region: eu-west-1, account: 222222222222}\n  name: '{name}'\n",
      TOP SOURCE "  target: {region: eu-west-1, account: 222222222222}\n  name: '{name}-{date}'\n",
      TOP SOURCE "  target: {region: eu-west-1, profile: '222222222222'}\n",
      TOP SOURCE "  target: {region: eu-west-1, profile: default}\n",
      TOP SOURCE TARGET,
      TOP "- source: {image: ami-0123456789abcdef0, region: us-east-2}\n  target: {region: eu-west-1, account: 222222222222}\n",
      TOP "- source: {image: ami-0123456789abcdef1, region: us-east-1}\n  target: {region: eu-west-1, account: 222222222222}\n",
  };
  char *first = key_of(same[0]), *keys[COUNT(others)];
  for (size_t i = 1; i < COUNT(same); i++) {
    char *key = key_of(same[i]);
    assert_string_equal(key, first);
    free(key);
  }
  for (size_t i = 0; i < COUNT(others); i++) {
    keys[i] = key_of(others[i]);
    assert_string_not_equal(keys[i], first);
    for (size_t j = 0; j < i; j++)
      assert_string_not_equal(keys[i], keys[j]);
  }
  for (size_t i = 0; i < COUNT(others); i++)
    free(keys[i]);
  free(first);
}

TEST(a_key_that_would_be_cut_is_refused) {
  struct af_error err;
  struct af_copy_spec spec;
  json_t *json = json_pack("{s:{s:s, s:s}, s:{s:s, s:o}, s:s}", "source", "image", "ami-1", "region", "a", "target", "region",
                           "b", "profile", json_sprintf("%5000d", 1), "route", "auto");
  assert_ok(af_copy_spec_from_json(&spec, json, &err), &err);
  char *key;
  assert_int_equal(af_copy_spec_key(&spec, &key), -AF_ETOOBIG);
  af_copy_spec_done(&spec);
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_part_that_is_wrong_is_told),
      cmocka_unit_test(what_only_a_whole_copy_shows_is_told_of_each),
      cmocka_unit_test(a_mistake_is_told_once),
      cmocka_unit_test(a_manifest_that_is_wrong_all_over_is_told_twenty_times),
      cmocka_unit_test(the_smallest_manifest_is_one_copy_with_the_rest_left_to_the_source),
      cmocka_unit_test(defaults_are_merged_under_each_copy_member_by_member),
      cmocka_unit_test(targets_of_the_defaults_are_for_copies_that_name_none),
      cmocka_unit_test(the_same_manifest_has_the_same_digest_however_it_is_written),
      cmocka_unit_test(the_digest_is_the_sha256_of_the_normal_form),
      cmocka_unit_test(the_order_and_the_number_of_allowed_differences_mean_nothing),
      cmocka_unit_test(a_normal_form_is_itself_a_manifest_with_the_same_digest),
      cmocka_unit_test(every_key_is_read_from_the_defaults_and_from_a_copy_over_them),
      cmocka_unit_test(a_copys_own_way_into_the_source_takes_the_place_of_the_defaults),
      cmocka_unit_test(keys_that_say_what_goes_without_saying_leave_the_digest_alone),
      cmocka_unit_test(one_time_of_deprecation_has_one_form),
      cmocka_unit_test(each_mistake_is_said_with_line_and_path_and_what_to_write),
      cmocka_unit_test(the_first_of_several_duplicates_is_said),
      cmocka_unit_test(the_values_of_tags_are_taken_as_they_are_written),
      cmocka_unit_test(copies_that_only_look_alike_pass),
      cmocka_unit_test(ten_thousand_copies_pass_and_one_more_does_not),
      cmocka_unit_test(forty_tags_pass_and_one_more_does_not_wherever_it_comes_from),
      cmocka_unit_test(five_hundred_accounts_pass_and_one_more_does_not),
      cmocka_unit_test(a_manifest_that_its_defaults_blow_up_is_refused),
      cmocka_unit_test(what_is_too_long_too_deep_or_no_text_is_refused),
      cmocka_unit_test(a_file_is_read_and_named_in_what_is_said),
      cmocka_unit_test(a_spec_goes_through_json_and_back),
      cmocka_unit_test(every_member_of_a_spec_is_stored),
      cmocka_unit_test(a_spec_that_an_earlier_version_stored_is_read_as_what_it_meant),
      cmocka_unit_test(a_damaged_spec_is_refused),
      cmocka_unit_test(a_key_is_the_same_for_the_same_copy_and_only_for_it),
      cmocka_unit_test(a_key_that_would_be_cut_is_refused),
  };
  return cmocka_run_group_tests_name("plans/manifest", tests, NULL, NULL);
}
