/* The steps' pure halves: which call each asks for, and what an answer means to it. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"
#include "tests/unit/test.h"

#define TEXT(s) ((char *)(uintptr_t)(s))
#define KEY "arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-4000-8000-000000000002"
#define SOURCE_KEY "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001"

/* A copy in the middle of its work, of an AMI that has everything. */
struct bench {
  struct af_copy_row copy;
  struct af_copy_spec spec;
  struct af_facts facts;
  struct af_decision decision;
  struct af_exposure_row exposure;
  struct af_step_row steps[3];
  struct af_step_ctx ctx;
  json_t *scratch, *data;
  struct af_ask ask;
  struct af_outcome out;
};

static const char image_json[] =
    "{\"ImageId\": \"ami-0123456789abcdef0\", \"Name\": \"web\", \"Description\": \"the web\", \"Architecture\": \"arm64\", \"RootDeviceName\": \"/dev/xvda\","
    " \"RootDeviceType\": \"ebs\", \"VirtualizationType\": \"hvm\", \"EnaSupport\": true, \"SriovNetSupport\": \"simple\", \"BootMode\": \"uefi\","
    " \"TpmSupport\": \"v2.0\", \"ImdsSupport\": \"v2.0\", \"OwnerId\": \"111111111111\", \"State\": \"available\", \"PlatformDetails\": \"Linux/UNIX\","
    " \"BlockDeviceMappings\": ["
    "  {\"DeviceName\": \"/dev/xvda\", \"Ebs\": {\"SnapshotId\": \"snap-0aaaaaaaaaaaaaaaa\", \"VolumeSize\": 8, \"VolumeType\": \"gp3\", \"Iops\": 4000,"
    "    \"Throughput\": 250, \"DeleteOnTermination\": true, \"Encrypted\": true, \"KmsKeyId\": \"" SOURCE_KEY "\"}},"
    "  {\"DeviceName\": \"/dev/sdb\", \"Ebs\": {\"SnapshotId\": \"snap-0bbbbbbbbbbbbbbbb\", \"VolumeSize\": 20, \"VolumeType\": \"gp2\", \"Iops\": 100,"
    "    \"DeleteOnTermination\": false, \"Encrypted\": true}},"
    "  {\"DeviceName\": \"/dev/sdc\", \"Ebs\": {\"VolumeSize\": 5, \"VolumeType\": \"io2\", \"Iops\": 300, \"DeleteOnTermination\": true, \"Encrypted\": true}},"
    "  {\"DeviceName\": \"/dev/sdd\", \"VirtualName\": \"ephemeral0\"},"
    "  {\"DeviceName\": \"/dev/sde\", \"NoDevice\": \"\"}]}";

static void begin(struct bench *b, const char *kind, const char *item) {
  *b = (struct bench){
      .copy = {.id = TEXT("cp-1"), .image_id = TEXT("ami-0new0000000000000")},
      .spec = {.source = {.region = TEXT("us-east-1")}, .target = {.region = TEXT("eu-west-1")}, .image = TEXT("ami-0123456789abcdef0"),
               .tags = json_pack("{s:s}", "team", "web")},
      .facts = {.source_account = "111111111111", .target_account = "222222222222", .source_partition = "aws", .target_partition = "aws",
                .image = json_loads(image_json, 0, NULL), .uefi_data = TEXT("AMZNUEFI")},
      .decision = {.route = AF_ROUTE_REENCRYPT, .encrypt = true, .key_arn = KEY, .name = "web"},
      .steps = {{.ordinal = 0, .kind = TEXT("copy-snapshot"), .item = TEXT("snap-0aaaaaaaaaaaaaaaa"), .resource = TEXT("snap-0new000000000000a")},
                {.ordinal = 1, .kind = TEXT("copy-snapshot"), .item = TEXT("snap-0bbbbbbbbbbbbbbbb"), .resource = TEXT("snap-0new000000000000b")},
                {.ordinal = 2, .kind = TEXT(kind), .item = TEXT(item)}},
      .data = json_object()};
  assert_non_null(b->facts.image);
  b->ctx = (struct af_step_ctx){.copy = &b->copy, .spec = &b->spec, .facts = &b->facts, .decision = &b->decision, .steps = b->steps, .n_steps = 3,
                                .step = &b->steps[2], .source_image = b->spec.image, .subject = *item ? item : b->spec.image, .data = b->data, .exposure = &b->exposure, .scratch = &b->scratch, .now_ms = 100000, .asked_ms = 100000, .window_ms = 60000};
  af_outcome_init(&b->out);
}

static void end(struct bench *b) {
  af_ask_done(&b->ask);
  af_outcome_done(&b->out);
  json_decref(b->spec.tags);
  json_decref(b->facts.image);
  json_decref(b->data);
  json_decref(b->scratch);
}

static void asks(struct bench *b, const struct af_op *op) {
  af_ask_done(&b->ask);
  assert_int_equal(af_step_kind(b->ctx.step->kind)->ask(&b->ctx, &b->ask, &b->out), 0);
  assert_ptr_equal(b->ask.op, op);
}

static void answers(struct bench *b, const struct af_op *op, const char *output) {
  struct af_answer a = {.output = json_loads(output, 0, NULL), .retry_after_ms = -1};
  assert_non_null(a.output);
  assert_int_equal(af_step_kind(b->ctx.step->kind)->answer(&b->ctx, op, &a, &b->out), 0);
  json_decref(a.output);
}

static void answers_error(struct bench *b, const struct af_op *op, enum af_class class, const char *code) {
  struct af_answer a = {.rc = -AF_EAWS, .retry_after_ms = -1};
  af_error_set(&a.error, -AF_EAWS, class, code, "AWS says %s", code);
  assert_int_equal(af_step_kind(b->ctx.step->kind)->answer(&b->ctx, op, &a, &b->out), 0);
}

static void matures(struct bench *b, const char *item) {
  json_t *o = item ? json_loads(item, 0, NULL) : NULL;
  assert_int_equal(af_step_kind(b->ctx.step->kind)->matured(&b->ctx, o, &b->out), 0);
  json_decref(o);
}

static void assert_json(const json_t *got, const char *want) {
  json_error_t e;
  json_t *w = json_loads(want, 0, &e);
  if (!w) fail_msg("%s", e.text);
  if (!json_equal(got, w)) {
    char *text = json_dumps(got, JSON_SORT_KEYS | JSON_INDENT(1));
    print_error("got: %s\n", text);
    free(text);
    fail();
  }
  json_decref(w);
}

TEST(register_image_sends_every_attribute_the_source_has_and_none_it_lacks) {
  struct bench b;
  begin(&b, "register-image", "");
  asks(&b, &af_ec2_register_image);
  assert_int_equal(b.ask.side, AF_TARGET);
  assert_string_equal(b.ask.region, "eu-west-1");
  assert_json(b.ask.input,
              "{\"Name\": \"web\", \"Description\": \"the web\", \"Architecture\": \"arm64\", \"RootDeviceName\": \"/dev/xvda\", \"VirtualizationType\": \"hvm\","
              " \"EnaSupport\": true, \"SriovNetSupport\": \"simple\", \"BootMode\": \"uefi\", \"TpmSupport\": \"v2.0\", \"ImdsSupport\": \"v2.0\", \"UefiData\": \"AMZNUEFI\","
              " \"BlockDeviceMappings\": ["
              "  {\"DeviceName\": \"/dev/xvda\", \"Ebs\": {\"SnapshotId\": \"snap-0new000000000000a\", \"VolumeSize\": 8, \"VolumeType\": \"gp3\", \"Iops\": 4000,"
              "    \"Throughput\": 250, \"DeleteOnTermination\": true}},"
              "  {\"DeviceName\": \"/dev/sdb\", \"Ebs\": {\"SnapshotId\": \"snap-0new000000000000b\", \"VolumeSize\": 20, \"VolumeType\": \"gp2\", \"DeleteOnTermination\": false}},"
              "  {\"DeviceName\": \"/dev/sdc\", \"Ebs\": {\"VolumeSize\": 5, \"VolumeType\": \"io2\", \"Iops\": 300, \"DeleteOnTermination\": true, \"Encrypted\": true}},"
              "  {\"DeviceName\": \"/dev/sdd\", \"VirtualName\": \"ephemeral0\"},"
              "  {\"DeviceName\": \"/dev/sde\", \"NoDevice\": \"\"}],"
              " \"TagSpecifications\": [{\"ResourceType\": \"image\", \"Tags\": [{\"Key\": \"amiferry:copy\", \"Value\": \"cp-1\"},"
              "  {\"Key\": \"amiferry:key\", \"Value\": \"" KEY "\"}, {\"Key\": \"amiferry:source\", \"Value\": \"us-east-1/ami-0123456789abcdef0\"},"
              "  {\"Key\": \"amiferry:step\", \"Value\": \"2.0\"}, {\"Key\": \"team\", \"Value\": \"web\"}]}]}");
  end(&b);
}

TEST(an_absent_boot_mode_stays_absent) {
  struct bench b;
  begin(&b, "register-image", "");
  json_object_del(b.facts.image, "BootMode");
  asks(&b, &af_ec2_register_image);
  assert_null(json_object_get(b.ask.input, "BootMode"));
  end(&b);
}

TEST(a_lost_registration_is_looked_for_by_name_and_taken_over_when_it_is_ours) {
  struct bench b;
  begin(&b, "register-image", "");
  b.steps[2].state = AF_STEP_AMBIGUOUS;
  asks(&b, &af_ec2_describe_images);
  assert_json(json_object_get(b.ask.input, "Filters"), "[{\"Name\": \"name\", \"Values\": [\"web\"]}]");
  answers(&b, &af_ec2_describe_images, "{\"Images\": [{\"ImageId\": \"ami-0found0000000000\", \"Tags\": [{\"Key\": \"amiferry:copy\", \"Value\": \"cp-1\"},"
                                     " {\"Key\": \"amiferry:step\", \"Value\": \"2.0\"}]}]}");
  assert_int_equal(b.out.kind, AF_OUT_PENDING);
  assert_string_equal(b.out.resource, "ami-0found0000000000");
  end(&b);
}

TEST(a_name_that_is_someone_elses_is_refused_only_after_tags_had_time_to_show) {
  struct bench b;
  const char *stranger = "{\"Images\": [{\"ImageId\": \"ami-0theirs000000000\", \"Tags\": []}]}";
  begin(&b, "register-image", "");
  answers_error(&b, &af_ec2_register_image, AF_CLASS_REFUSED, "InvalidAMIName.Duplicate");
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  b.ctx.data = b.out.data;
  asks(&b, &af_ec2_describe_images);
  answers(&b, &af_ec2_describe_images, stranger);
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  b.ctx.asked_ms += b.ctx.window_ms;
  answers(&b, &af_ec2_describe_images, stranger);
  assert_int_equal(b.out.kind, AF_OUT_FAIL);
  assert_string_equal(b.out.error.code, "NameTaken");
  assert_string_equal(b.out.error.resource, "ami-0theirs000000000");
  end(&b);
}

TEST(copy_snapshot_names_source_key_and_tags) {
  struct bench b;
  begin(&b, "copy-snapshot", "snap-0cccccccccccccccc");
  asks(&b, &af_ec2_copy_snapshot);
  assert_string_equal(af_json_str(b.ask.input, "SourceSnapshotId"), "snap-0cccccccccccccccc");
  assert_string_equal(af_json_str(b.ask.input, "SourceRegion"), "us-east-1");
  assert_true(af_json_bool(b.ask.input, "Encrypted"));
  assert_string_equal(af_json_str(b.ask.input, "KmsKeyId"), KEY);
  assert_json(json_array_get(json_object_get(json_array_get(json_object_get(b.ask.input, "TagSpecifications"), 0), "Tags"), 2),
              "{\"Key\": \"amiferry:source\", \"Value\": \"us-east-1/ami-0123456789abcdef0/snap-0cccccccccccccccc\"}");
  end(&b);
}

TEST(a_lost_snapshot_copy_is_looked_for_by_its_tag_and_never_sent_blindly) {
  struct bench b;
  begin(&b, "copy-snapshot", "snap-0cccccccccccccccc");
  b.steps[2].state = AF_STEP_AMBIGUOUS;
  asks(&b, &af_ec2_describe_snapshots);
  assert_json(json_object_get(b.ask.input, "Filters"),
              "[{\"Name\": \"tag:amiferry:copy\", \"Values\": [\"cp-1\"]}, {\"Name\": \"tag:amiferry:step\", \"Values\": [\"2.0\"]}]");
  answers(&b, &af_ec2_describe_snapshots, "{\"Snapshots\": []}");
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  answers(&b, &af_ec2_describe_snapshots, "{\"Snapshots\": [{\"SnapshotId\": \"snap-0young0000000000\", \"StartTime\": \"2026-11-23T10:00:05.000Z\"},"
                                          " {\"SnapshotId\": \"snap-0old000000000000\", \"StartTime\": \"2026-11-23T10:00:00.000Z\"}]}");
  assert_int_equal(b.out.kind, AF_OUT_PENDING);
  assert_string_equal(b.out.resource, "snap-0old000000000000");
  end(&b);
}

TEST(a_snapshot_at_a_hundred_percent_is_awaited_until_it_is_completed) {
  struct bench b;
  begin(&b, "copy-snapshot", "snap-0cccccccccccccccc");
  b.steps[2].resource = TEXT("snap-0new000000000000c");
  matures(&b, "{\"SnapshotId\": \"snap-0new000000000000c\", \"State\": \"pending\", \"Progress\": \"100%\"}");
  assert_int_equal(b.out.kind, AF_OUT_PENDING);
  assert_int_equal(b.out.progress, 100);
  matures(&b, "{\"SnapshotId\": \"snap-0new000000000000c\", \"State\": \"completed\", \"Progress\": \"100%\"}");
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  end(&b);
}

TEST(a_copy_that_died_of_a_late_grant_is_deleted_and_made_anew) {
  struct bench b;
  begin(&b, "copy-snapshot", "snap-0cccccccccccccccc");
  b.steps[0].kind = TEXT("grant-key");
  b.steps[2].resource = TEXT("snap-0new000000000000c");
  b.steps[2].state = AF_STEP_PENDING;
  matures(&b, "{\"SnapshotId\": \"snap-0new000000000000c\", \"State\": \"error\", \"StateMessage\": \"Given key ID is not accessible\"}");
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  b.ctx.data = b.out.data;
  asks(&b, &af_ec2_delete_snapshot);
  assert_json(b.ask.input, "{\"SnapshotId\": \"snap-0new000000000000c\"}");
  struct af_outcome before = b.out;
  af_outcome_init(&b.out);
  answers(&b, &af_ec2_delete_snapshot, "{}");
  assert_int_equal(b.out.kind, AF_OUT_REMAKE);
  json_decref(before.data);
  end(&b);
}

TEST(after_many_tries_a_key_that_stays_shut_blocks_the_copy_and_says_what_to_allow) {
  struct bench b;
  begin(&b, "copy-snapshot", "snap-0cccccccccccccccc");
  b.steps[0].kind = TEXT("grant-key");
  b.steps[2].resource = TEXT("snap-0new000000000000c");
  b.steps[2].generation = 7;
  b.ctx.now_ms = 600000; /* the grant of time 0 isn't late any more */
  matures(&b, "{\"SnapshotId\": \"snap-0new000000000000c\", \"State\": \"error\", \"StateMessage\": \"Given key ID is not accessible\"}");
  json_t *data = b.out.data;
  b.ctx.data = data;
  b.out.data = NULL;
  asks(&b, &af_ec2_delete_snapshot); /* what failed is removed first */
  answers(&b, &af_ec2_delete_snapshot, "{}");
  assert_int_equal(b.out.kind, AF_OUT_FAIL);
  assert_true(b.out.effect_gone);
  assert_int_equal(b.out.error.class, AF_CLASS_AUTH);
  assert_contains(b.out.error.hint, "kms:CreateGrant");
  json_decref(data);
  end(&b);
}

TEST(copy_image_carries_a_token_that_depends_on_copy_step_and_generation_alone) {
  struct bench b;
  char first[65];
  begin(&b, "copy-image", "");
  asks(&b, &af_ec2_copy_image);
  AF_COPY(first, af_str(af_json_str(b.ask.input, "ClientToken")));
  assert_in_range(strlen(first), 20, 64);
  b.ctx.now_ms += 5000;
  b.steps[2].attempts++;
  asks(&b, &af_ec2_copy_image);
  assert_string_equal(af_json_str(b.ask.input, "ClientToken"), first);
  b.steps[2].generation++;
  asks(&b, &af_ec2_copy_image);
  assert_string_not_equal(af_json_str(b.ask.input, "ClientToken"), first);
  end(&b);
}

/* AWS may show the snapshot's error later than the image's. */
TEST(a_failed_image_is_given_up_only_after_its_snapshots_had_time_to_say_why) {
  struct bench b;
  begin(&b, "copy-image", "");
  b.steps[2].resource = TEXT("ami-0new0000000000000");
  b.steps[2].state = AF_STEP_PENDING;
  matures(&b, "{\"ImageId\": \"ami-0new0000000000000\", \"State\": \"failed\", \"StateReason\": {\"Message\": \"internal error\"}}");
  json_t *data = b.out.data;
  b.out.data = NULL;
  b.ctx.data = data;
  asks(&b, &af_ec2_describe_snapshots);
  answers(&b, &af_ec2_describe_snapshots, "{\"Snapshots\": [{\"SnapshotId\": \"snap-1\", \"State\": \"pending\"}]}");
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  assert_null(b.out.data);
  assert_true(b.out.delay_ms > 0);
  b.ctx.now_ms += b.ctx.window_ms;
  b.ctx.asked_ms += b.ctx.window_ms;
  answers(&b, &af_ec2_describe_snapshots, "{\"Snapshots\": []}");
  assert_contains(af_json_str(b.out.data, "why"), "internal error");
  json_decref(data);
  end(&b);
}

TEST(copy_image_never_says_encrypted_false) {
  struct bench b;
  begin(&b, "copy-image", "");
  b.decision.encrypt = false;
  asks(&b, &af_ec2_copy_image);
  assert_null(json_object_get(b.ask.input, "Encrypted"));
  assert_null(json_object_get(b.ask.input, "KmsKeyId"));
  end(&b);
}

/* What the step wrote down is what it reads next. */
static void goes_on(struct bench *b, json_t **data) {
  json_decref(*data);
  b->ctx.data = *data = b->out.data;
  b->out.data = NULL;
}

TEST(undoing_an_image_copy_reads_what_it_holds_deregisters_it_and_then_deletes_its_snapshots_until_none_shows) {
  struct bench b;
  json_t *data = NULL;
  begin(&b, "copy-image", "");
  b.steps[2].resource = TEXT("ami-0new0000000000000");
  b.steps[2].face = AF_FACE_UNDO;
  asks(&b, &af_ec2_describe_images);
  answers(&b, &af_ec2_describe_images,
          "{\"Images\": [{\"BlockDeviceMappings\": [{\"Ebs\": {\"SnapshotId\": \"snap-0held00000000000\"}}, {\"Ebs\": {}}, {\"VirtualName\": \"x\"}]}]}");
  goes_on(&b, &data);
  asks(&b, &af_ec2_deregister_image);
  answers(&b, &af_ec2_deregister_image, "{}");
  goes_on(&b, &data);
  asks(&b, &af_ec2_delete_snapshot);
  assert_json(b.ask.input, "{\"SnapshotId\": \"snap-0held00000000000\"}");
  answers(&b, &af_ec2_delete_snapshot, "{}");
  goes_on(&b, &data);
  asks(&b, &af_ec2_describe_snapshots);
  answers(&b, &af_ec2_describe_snapshots, "{\"Snapshots\": [{\"SnapshotId\": \"snap-0held00000000000\"}, {\"SnapshotId\": \"snap-0left00000000000\"}]}");
  goes_on(&b, &data);
  asks(&b, &af_ec2_delete_snapshot);
  assert_json(b.ask.input, "{\"SnapshotId\": \"snap-0left00000000000\"}");
  answers(&b, &af_ec2_delete_snapshot, "{}");
  goes_on(&b, &data);
  b.ctx.asked_ms += b.ctx.window_ms;
  asks(&b, &af_ec2_describe_snapshots);
  answers(&b, &af_ec2_describe_snapshots, "{\"Snapshots\": [{\"SnapshotId\": \"snap-0left00000000000\"}]}"); /* AWS still shows it */
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  json_decref(data);
  end(&b);
}

TEST(undoing_an_image_that_aws_does_not_show_goes_by_the_tags_of_its_snapshots) {
  struct bench b;
  json_t *data = NULL;
  begin(&b, "copy-image", "");
  b.steps[2].resource = TEXT("ami-0new0000000000000");
  b.steps[2].face = AF_FACE_UNDO;
  asks(&b, &af_ec2_describe_images);
  answers_error(&b, &af_ec2_describe_images, AF_CLASS_NOT_YET_VISIBLE, "InvalidAMIID.NotFound");
  goes_on(&b, &data);
  asks(&b, &af_ec2_deregister_image);
  answers(&b, &af_ec2_deregister_image, "{}");
  goes_on(&b, &data);
  asks(&b, &af_ec2_describe_snapshots);
  json_decref(data);
  end(&b);
}

TEST(a_permission_that_is_there_already_is_not_ours) {
  struct bench b;
  begin(&b, "share-snapshot", "snap-0cccccccccccccccc");
  asks(&b, &af_ec2_describe_snapshot_attribute);
  assert_int_equal(b.ask.side, AF_SOURCE);
  answers(&b, &af_ec2_describe_snapshot_attribute, "{\"CreateVolumePermissions\": [{\"UserId\": \"333333333333\"}, {\"UserId\": \"222222222222\"}]}");
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  assert_true(b.out.was_there);
  end(&b);
}

TEST(a_permission_that_is_missing_is_added_and_later_removed) {
  struct bench b;
  begin(&b, "share-snapshot", "snap-0cccccccccccccccc");
  answers(&b, &af_ec2_describe_snapshot_attribute, "{\"CreateVolumePermissions\": [{\"UserId\": \"333333333333\"}]}");
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  b.ctx.data = b.out.data;
  asks(&b, &af_ec2_modify_snapshot_attribute);
  assert_json(json_object_get(b.ask.input, "CreateVolumePermission"), "{\"Add\": [{\"UserId\": \"222222222222\"}]}");
  b.steps[2].face = AF_FACE_UNDO;
  asks(&b, &af_ec2_modify_snapshot_attribute);
  assert_json(json_object_get(b.ask.input, "CreateVolumePermission"), "{\"Remove\": [{\"UserId\": \"222222222222\"}]}");
  end(&b);
}

TEST(a_grant_is_named_after_its_copy_and_delegates_the_whole_set) {
  struct bench b;
  begin(&b, "grant-key", SOURCE_KEY);
  asks(&b, &af_kms_create_grant);
  assert_json(b.ask.input, "{\"KeyId\": \"" SOURCE_KEY "\", \"GranteePrincipal\": \"arn:aws:iam::222222222222:root\","
                           " \"RetiringPrincipal\": \"arn:aws:iam::111111111111:root\", \"Name\": \"amiferry-cp-1-2-0\","
                           " \"Operations\": [\"Decrypt\", \"DescribeKey\", \"CreateGrant\", \"GenerateDataKey\", \"GenerateDataKeyWithoutPlaintext\","
                           " \"ReEncryptFrom\", \"ReEncryptTo\"]}");
  end(&b);
}

TEST(a_grant_is_pending_until_the_target_can_use_the_key) {
  struct bench b;
  begin(&b, "grant-key", SOURCE_KEY);
  answers(&b, &af_kms_create_grant, "{\"GrantId\": \"abc123\"}");
  assert_int_equal(b.out.kind, AF_OUT_PENDING);
  b.steps[2].state = AF_STEP_PENDING;
  asks(&b, &af_kms_generate_data_key_without_plaintext);
  assert_int_equal(b.ask.side, AF_TARGET);
  assert_string_equal(b.ask.region, "us-east-1");
  answers_error(&b, b.ask.op, AF_CLASS_AUTH, "AccessDeniedException");
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  answers_error(&b, b.ask.op, AF_CLASS_NONE, "DryRunOperationException");
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  end(&b);
}

TEST(a_grant_that_is_not_found_counts_as_retired_only_when_it_stays_so) {
  struct bench b;
  begin(&b, "grant-key", SOURCE_KEY);
  b.exposure.detail = TEXT("abc123");
  b.steps[2].face = AF_FACE_UNDO;
  asks(&b, &af_kms_retire_grant);
  assert_json(b.ask.input, "{\"KeyId\": \"" SOURCE_KEY "\", \"GrantId\": \"abc123\"}");
  answers_error(&b, &af_kms_retire_grant, AF_CLASS_REFUSED, "NotFoundException");
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  assert_true(b.out.unseen);
  b.ctx.gone_ms = b.ctx.asked_ms;
  b.ctx.asked_ms = b.ctx.now_ms += 5 * b.ctx.window_ms;
  answers_error(&b, &af_kms_retire_grant, AF_CLASS_REFUSED, "NotFoundException");
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  end(&b);
}

#define SID "amiferry22222222222237317af7cd2ab265"
#define OURS(sid, account, keys)                                                                                                         \
  "{\"Sid\":\"" sid "\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::" account ":root\"},"                          \
  "\"Action\":[\"s3:GetBucketAcl\",\"s3:GetObject\",\"s3:ListBucket\"],"                                                               \
  "\"Resource\":[\"arn:aws:s3:::golden-amis\",\"arn:aws:s3:::golden-amis/" keys "*\"]}"
#define OWN OURS(SID, "222222222222", "web/image.")
#define THEIRS "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:Put*\",\"Resource\":\"arn:aws:s3:::golden-amis/*\"}"
#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Id\":\"of-before\",\"Statement\":[" statements "]}"
#define BUNDLE "golden-amis/web/image."

static void sees(struct bench *b, const char *policy) {
  json_t *output = json_pack("{s:s}", "Policy", policy);
  char *text = json_dumps(output, 0);
  asks(b, &af_s3_get_bucket_policy);
  answers(b, &af_s3_get_bucket_policy, text);
  free(text);
  json_decref(output);
}

static void writes(struct bench *b, const char *policy) {
  assert_int_equal(b->out.kind, AF_OUT_AGAIN);
  asks(b, &af_s3_put_bucket_policy);
  assert_string_equal(af_json_str(b->ask.input, "Policy"), policy);
  b->steps[2].attempts++;
}

TEST(a_bundle_is_opened_by_a_statement_beside_what_is_there_and_closed_by_taking_that_one_out) {
  struct bench b;
  begin(&b, "share-bundle", BUNDLE);
  asks(&b, &af_s3_get_bucket_policy);
  assert_int_equal(b.ask.side, AF_SOURCE);
  assert_string_equal(b.ask.region, "us-east-1");
  assert_json(b.ask.input, "{\"Bucket\": \"golden-amis\", \"ExpectedBucketOwner\": \"111111111111\"}");
  sees(&b, POLICY(THEIRS));
  writes(&b, POLICY(THEIRS "," OWN));
  answers(&b, &af_s3_put_bucket_policy, "{}");
  assert_int_equal(b.out.kind, AF_OUT_PENDING);
  assert_string_equal(b.out.resource, SID);
  b.steps[2].state = AF_STEP_PENDING;
  sees(&b, POLICY(THEIRS "," OWN));
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  assert_false(b.out.was_there);
  b.steps[2].face = AF_FACE_UNDO;
  b.steps[2].state = AF_STEP_IDLE;
  sees(&b, POLICY(OWN "," THEIRS));
  writes(&b, POLICY(THEIRS));
  answers(&b, &af_s3_put_bucket_policy, "{}");
  assert_int_equal(b.out.kind, AF_OUT_PENDING);
  end(&b);
}

TEST(a_policy_that_is_only_ours_comes_with_the_first_statement_and_goes_with_the_last) {
  struct bench b;
  begin(&b, "share-bundle", BUNDLE);
  asks(&b, &af_s3_get_bucket_policy);
  answers_error(&b, &af_s3_get_bucket_policy, AF_CLASS_REFUSED, "NoSuchBucketPolicy");
  writes(&b, "{\"Version\":\"2012-10-17\",\"Statement\":[" OWN "]}");
  answers(&b, &af_s3_put_bucket_policy, "{}");
  b.steps[2].face = AF_FACE_UNDO;
  sees(&b, POLICY(OWN));
  asks(&b, &af_s3_delete_bucket_policy);
  assert_json(b.ask.input, "{\"Bucket\": \"golden-amis\", \"ExpectedBucketOwner\": \"111111111111\"}");
  answers(&b, &af_s3_delete_bucket_policy, "{}");
  b.steps[2].state = AF_STEP_PENDING;
  asks(&b, &af_s3_get_bucket_policy);
  answers_error(&b, &af_s3_get_bucket_policy, AF_CLASS_REFUSED, "NoSuchBucketPolicy");
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  end(&b);
}

TEST(a_bundle_that_is_open_already_is_not_ours_unless_we_are_opening_it) {
  static const char open[] = POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"222222222222\"},\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::golden-amis*\"}");
  struct bench b;
  begin(&b, "share-bundle", BUNDLE);
  sees(&b, open);
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  assert_true(b.out.was_there);
  end(&b);
  begin(&b, "share-bundle", BUNDLE);
  b.exposure.state = AF_EXPOSURE_OPENING;
  sees(&b, open);
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  assert_false(b.out.was_there);
  end(&b);
}

/* What was read is older than what we did ourselves: to one statement, which it lacks, and to another, which it has still. */
TEST(what_a_read_may_not_show_yet_is_put_right_by_what_we_know) {
  struct af_exposure_row beside[] = {
      {.region = TEXT("us-east-1"), .resource = TEXT("golden-amis/web/image."), .grantee = TEXT("333333333333"), .state = AF_EXPOSURE_OPEN, .borrowed = true},
      {.region = TEXT("us-east-1"), .resource = TEXT("golden-amis/web/image."), .grantee = TEXT("444444444444"), .state = AF_EXPOSURE_CLOSED},
      {.region = TEXT("us-east-1"), .resource = TEXT("golden-amis/web/image."), .grantee = TEXT("555555555555"), .state = AF_EXPOSURE_CLOSING, .borrowed = true},
      {.region = TEXT("us-east-1"), .resource = TEXT("golden-amis/web/image."), .grantee = TEXT("666666666666"), .state = AF_EXPOSURE_OPENING, .borrowed = true},
  };
  struct bench b;
  begin(&b, "share-bundle", BUNDLE);
  sees(&b, POLICY(OURS("amiferry44444444444437317af7cd2ab265", "444444444444", "web/image.") "," THEIRS ","
                  OURS("amiferry55555555555537317af7cd2ab265", "555555555555", "web/image.")));
  b.ctx.beside = beside;
  b.ctx.n_beside = COUNT(beside);
  writes(&b, POLICY(THEIRS "," OURS("amiferry33333333333337317af7cd2ab265", "333333333333", "web/image.") "," OWN));
  end(&b);
}

TEST(a_policy_that_was_read_too_long_ago_is_read_again_before_it_is_written) {
  struct bench b;
  begin(&b, "share-bundle", BUNDLE);
  sees(&b, POLICY(THEIRS));
  asks(&b, &af_s3_put_bucket_policy);
  b.ctx.now_ms += 10000;
  asks(&b, &af_s3_get_bucket_policy);
  end(&b);
}

TEST(a_lost_write_is_not_sent_again_before_a_read_would_show_it) {
  for (int face = AF_FACE_DO; face <= AF_FACE_UNDO; face++) {
    const char *done = face == AF_FACE_DO ? POLICY(OWN "," THEIRS) : POLICY(THEIRS), *not_done = face == AF_FACE_DO ? POLICY(THEIRS) : POLICY(OWN "," THEIRS);
    for (int happened = 0; happened < 2; happened++) {
      struct bench b;
      begin(&b, "share-bundle", BUNDLE);
      b.exposure.state = face == AF_FACE_DO ? AF_EXPOSURE_OPENING : AF_EXPOSURE_CLOSING;
      b.steps[2].face = (enum af_step_face)face;
      b.steps[2].state = AF_STEP_AMBIGUOUS;
      b.steps[2].attempts = 1;
      b.steps[2].intent_ms = b.ctx.asked_ms;
      sees(&b, happened ? done : not_done);
      assert_int_equal(b.out.kind, AF_OUT_AGAIN);
      asks(&b, &af_s3_get_bucket_policy);
      b.ctx.asked_ms = b.ctx.now_ms = b.ctx.asked_ms + b.ctx.window_ms;
      sees(&b, happened ? done : not_done);
      assert_int_equal(b.out.kind, happened ? AF_OUT_DONE : AF_OUT_AGAIN);
      b.steps[2].state = AF_STEP_IDLE;
      if (!happened) asks(&b, &af_s3_put_bucket_policy);
      end(&b);
    }
  }
}

TEST(a_statement_that_is_gone_already_needs_no_write_once_a_read_would_show_it) {
  struct bench b;
  begin(&b, "share-bundle", BUNDLE);
  b.exposure.state = AF_EXPOSURE_OPEN;
  b.steps[2].face = AF_FACE_UNDO;
  b.steps[2].started_ms = b.ctx.asked_ms;
  sees(&b, POLICY(THEIRS));
  assert_int_equal(b.out.kind, AF_OUT_AGAIN);
  b.ctx.asked_ms += b.ctx.window_ms;
  sees(&b, POLICY(THEIRS));
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  assert_contains(b.out.note, "somebody else");
  end(&b);
}

TEST(a_bucket_that_lies_elsewhere_is_found_and_spoken_to_there) {
  static const struct {
    const char *constraint, *region;
  } rows[] = {{"{}", "us-east-1"}, {"{\"LocationConstraint\": \"EU\"}", "eu-west-1"}, {"{\"LocationConstraint\": \"ap-south-1\"}", "ap-south-1"}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct bench b;
    begin(&b, "share-bundle", BUNDLE);
    b.spec.source.region = TEXT("eu-central-1");
    asks(&b, &af_s3_get_bucket_policy);
    assert_string_equal(b.ask.region, "eu-central-1");
    answers_error(&b, &af_s3_get_bucket_policy, AF_CLASS_INVALID, "PermanentRedirect");
    json_t *first = b.out.data;
    b.ctx.data = first;
    b.out.data = NULL;
    asks(&b, &af_s3_get_bucket_location);
    assert_string_equal(b.ask.region, "us-east-1");
    answers(&b, &af_s3_get_bucket_location, rows[i].constraint);
    assert_int_equal(b.out.kind, AF_OUT_AGAIN);
    json_decref(first);
    b.ctx.data = b.out.data;
    asks(&b, &af_s3_get_bucket_policy);
    assert_string_equal(b.ask.region, rows[i].region);
    b.out.kind = AF_OUT_DEFAULT;
    answers_error(&b, &af_s3_get_bucket_policy, AF_CLASS_INVALID, "PermanentRedirect");
    assert_int_equal(b.out.kind, AF_OUT_DEFAULT); /* it is not asked in a circle */
    end(&b);
  }
}

TEST(a_bucket_that_is_gone_needs_no_closing) {
  struct bench b;
  begin(&b, "share-bundle", BUNDLE);
  b.exposure.state = AF_EXPOSURE_OPEN;
  b.steps[2].face = AF_FACE_UNDO;
  b.ctx.gone_ms = b.ctx.asked_ms - b.ctx.window_ms;
  asks(&b, &af_s3_get_bucket_policy);
  answers_error(&b, &af_s3_get_bucket_policy, AF_CLASS_REFUSED, "NoSuchBucket");
  assert_int_equal(b.out.kind, AF_OUT_DONE);
  end(&b);
}

/* The source itself as its copy, with nothing of its own: what is found is in the error. */
static void reads_all(struct bench *b, const char *permissions) {
  char image[2000];
  snprintf(image, sizeof(image), "{\"Images\": [%s]}", image_json);
  asks(b, &af_ec2_describe_images);
  answers(b, &af_ec2_describe_images, image);
  asks(b, &af_ec2_describe_snapshots);
  answers(b, &af_ec2_describe_snapshots, "{\"Snapshots\": []}");
  asks(b, &af_ec2_describe_image_attribute);
  assert_json(b->ask.input, "{\"ImageId\": \"ami-0new0000000000000\", \"Attribute\": \"uefiData\"}");
  answers(b, &af_ec2_describe_image_attribute, "{\"ImageId\": \"ami-0new0000000000000\"}");
  if (!permissions) return;
  asks(b, &af_ec2_describe_image_attribute);
  assert_json(b->ask.input, "{\"ImageId\": \"ami-0new0000000000000\", \"Attribute\": \"launchPermission\"}");
  answers(b, &af_ec2_describe_image_attribute, permissions);
}

TEST(verify_reads_who_may_launch_the_copy_where_the_manifest_names_somebody) {
  static const struct {
    const char *wanted, *there, *finding;
  } rows[] = {
      {"[]", NULL, NULL},
      {"[\"333333333333\"]", "{\"ImageId\": \"ami-0new0000000000000\"}", "launchPermission[333333333333] (Missing)"},
      {"[\"333333333333\"]", "{\"LaunchPermissions\": [{\"UserId\": \"333333333333\"}]}", NULL},
      {"[\"333333333333\"]", "{\"LaunchPermissions\": [{\"UserId\": \"333333333333\"}, {\"Group\": \"all\"}]}",
       "launchPermission[all] (Different)"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct bench b;
    begin(&b, "verify", "");
    b.spec.launch_permissions = json_pack("{s:o}", "accounts", json_loads(rows[i].wanted, 0, NULL));
    reads_all(&b, rows[i].there);
    assert_string_equal(b.out.error.code, "VerifyDifference");
    assert_contains(b.out.error.message, "ownerId (Different)");
    assert_contains(b.out.error.message, "uefiData (Missing)");
    if (rows[i].finding) assert_contains(b.out.error.message, rows[i].finding);
    else assert_null(strstr(b.out.error.message, "launchPermission"));
    json_decref(b.spec.launch_permissions);
    end(&b);
  }
}

TEST(a_copy_is_verified_before_it_is_protected) {
  struct bench b;
  begin(&b, "verify", "");
  b.decision.protection = AF_PROTECTION_WITH_COOLDOWN;
  reads_all(&b, NULL);
  assert_string_equal(b.out.error.code, "VerifyDifference");
  assert_null(strstr(b.out.error.message, "deregistrationProtection"));
  end(&b);
}

TEST(every_kind_in_the_table_of_the_machine_has_its_step) {
  for (size_t i = 0; af_step_traits_at(i); i++) {
    const struct af_step_kind *k = af_step_kind(af_step_traits_at(i)->name);
    assert_non_null(k);
    assert_non_null(k->ask);
    assert_non_null(k->answer);
    assert_int_equal(k->poll != AF_POLL_ASK, k->matured != NULL);
  }
}

/* Somewhere to launch, and something to finish. */
static void fill_for_any_kind(struct bench *b) {
  b->facts.launch = json_loads(
      "{\"Types\": [{\"InstanceType\": \"t4g.small\", \"CurrentGeneration\": true, \"ProcessorInfo\": {\"SupportedArchitectures\": [\"arm64\"]},"
      " \"SupportedVirtualizationTypes\": [\"hvm\"], \"SupportedRootDeviceTypes\": [\"ebs\"], \"SupportedBootModes\": [\"uefi\"],"
      " \"NitroTpmSupport\": \"supported\", \"NetworkInfo\": {\"EnaSupport\": \"required\"}, \"VCpuInfo\": {\"DefaultVCpus\": 2},"
      " \"MemoryInfo\": {\"SizeInMiB\": 2048}, \"SupportedUsageClasses\": [\"on-demand\"]}],"
      " \"Offerings\": [{\"InstanceType\": \"t4g.small\", \"Location\": \"us-east-1a\"}],"
      " \"Subnets\": [{\"SubnetId\": \"subnet-0000000a\", \"VpcId\": \"vpc-0000000a\", \"AvailabilityZone\": \"us-east-1a\", \"DefaultForAz\": true,"
      " \"State\": \"available\"}], \"Vpcs\": [{\"VpcId\": \"vpc-0000000a\", \"IsDefault\": true, \"State\": \"available\"}]}",
      0, NULL);
  assert_non_null(b->facts.launch);
  b->spec.launch_permissions = json_pack("{s:[s], s:[], s:[], s:b}", "accounts", "333333333333", "organizations", "organizational_units", "snapshots", 0);
  b->scratch = af_step_traits(b->steps[2].kind)->document ? json_pack("{s:{s:[]}}", "policy", "Statement") : json_incref(b->facts.image);
  b->decision.protection = AF_PROTECTION_ENABLED;
  if (strstr(b->steps[2].kind, "create-")) b->steps[1].kind = TEXT("launch-instance"); /* what they are made of */
}

/* The table's word on how a repeat is made harmless, held against the call that the step really sends first. */
TEST(what_is_not_safe_by_itself_is_probed) {
  for (size_t i = 0; af_step_traits_at(i); i++) {
    const struct af_step_traits *t = af_step_traits_at(i);
    struct bench b;
    begin(&b, t->name, "snap-0cccccccccccccccc");
    fill_for_any_kind(&b);
    b.ctx.data = json_pack("{s:I}", "looked", (json_int_t)b.ctx.now_ms);
    assert_int_equal(af_step_kind(t->name)->ask(&b.ctx, &b.ask, &b.out), 0);
    bool changes = b.ask.op && b.ask.op->mutates;
    assert_int_equal(changes, t->safety != AF_SAFE_BY_READ);
    if (changes) assert_int_equal(b.ask.op->repeatable, t->safety != AF_SAFE_BY_PROBE);
    json_decref((json_t *)(uintptr_t)b.ctx.data);
    json_decref(b.facts.launch);
    json_decref(b.spec.launch_permissions);
    end(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(register_image_sends_every_attribute_the_source_has_and_none_it_lacks),
      cmocka_unit_test(an_absent_boot_mode_stays_absent),
      cmocka_unit_test(a_lost_registration_is_looked_for_by_name_and_taken_over_when_it_is_ours),
      cmocka_unit_test(a_name_that_is_someone_elses_is_refused_only_after_tags_had_time_to_show),
      cmocka_unit_test(copy_snapshot_names_source_key_and_tags),
      cmocka_unit_test(a_lost_snapshot_copy_is_looked_for_by_its_tag_and_never_sent_blindly),
      cmocka_unit_test(a_snapshot_at_a_hundred_percent_is_awaited_until_it_is_completed),
      cmocka_unit_test(a_copy_that_died_of_a_late_grant_is_deleted_and_made_anew),
      cmocka_unit_test(after_many_tries_a_key_that_stays_shut_blocks_the_copy_and_says_what_to_allow),
      cmocka_unit_test(copy_image_carries_a_token_that_depends_on_copy_step_and_generation_alone),
      cmocka_unit_test(a_failed_image_is_given_up_only_after_its_snapshots_had_time_to_say_why),
      cmocka_unit_test(copy_image_never_says_encrypted_false),
      cmocka_unit_test(undoing_an_image_copy_reads_what_it_holds_deregisters_it_and_then_deletes_its_snapshots_until_none_shows),
      cmocka_unit_test(undoing_an_image_that_aws_does_not_show_goes_by_the_tags_of_its_snapshots),
      cmocka_unit_test(a_permission_that_is_there_already_is_not_ours),
      cmocka_unit_test(a_permission_that_is_missing_is_added_and_later_removed),
      cmocka_unit_test(a_grant_is_named_after_its_copy_and_delegates_the_whole_set),
      cmocka_unit_test(a_grant_is_pending_until_the_target_can_use_the_key),
      cmocka_unit_test(a_grant_that_is_not_found_counts_as_retired_only_when_it_stays_so),
      cmocka_unit_test(a_bundle_is_opened_by_a_statement_beside_what_is_there_and_closed_by_taking_that_one_out),
      cmocka_unit_test(a_policy_that_is_only_ours_comes_with_the_first_statement_and_goes_with_the_last),
      cmocka_unit_test(a_bundle_that_is_open_already_is_not_ours_unless_we_are_opening_it),
      cmocka_unit_test(what_a_read_may_not_show_yet_is_put_right_by_what_we_know),
      cmocka_unit_test(a_policy_that_was_read_too_long_ago_is_read_again_before_it_is_written),
      cmocka_unit_test(a_lost_write_is_not_sent_again_before_a_read_would_show_it),
      cmocka_unit_test(a_statement_that_is_gone_already_needs_no_write_once_a_read_would_show_it),
      cmocka_unit_test(a_bucket_that_lies_elsewhere_is_found_and_spoken_to_there),
      cmocka_unit_test(a_bucket_that_is_gone_needs_no_closing),
      cmocka_unit_test(verify_reads_who_may_launch_the_copy_where_the_manifest_names_somebody),
      cmocka_unit_test(a_copy_is_verified_before_it_is_protected),
      cmocka_unit_test(every_kind_in_the_table_of_the_machine_has_its_step),
      cmocka_unit_test(what_is_not_safe_by_itself_is_probed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
