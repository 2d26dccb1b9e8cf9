/* tools/amiferry/progress.h: the block as a function of copies and the terminal's size, and the lines about events. */
#include <locale.h>

#include "tests/unit/copy_fixture.h"
#include "tools/amiferry/progress.h"

static struct copy_fixture copies[300];
static struct af_scene scene;
static struct af_buf text;

static int set_up(void **state) {
  scene = (struct af_scene){.size = {80, 24}, .terminal = {.tty = true, .utf8 = true}, .now_ms = 1000000, .started_ms = 757000};
  af_buf_init(&text, 256 * 1024);
  return 0;
}

static int tear_down(void **state) {
  af_buf_done(&text);
  return 0;
}

/* Three that work, one that waits; and one of each that doesn't get a line. */
static void add_some(void) {
  copy_fixture_init(&copies[0], AF_COPY_WORKING, "copying snapshots", "web-2026-11");
  copies[0].view.percent = 47;
  copies[0].view.step = 3;
  copies[0].view.n_stage = 5;
  copies[0].step.started_ms = 1000000 - 243000;
  copy_fixture_init(&copies[1], AF_COPY_WORKING, "taking over the earlier copy", "数据库镜像-生产环境-二〇二六年十一月");
  copy_fixture_init(&copies[2], AF_COPY_INSPECTING, "inspecting", "a-name-that-is-as-long-as-names-may-be-a-name-that-is-as-long-as-names-may-be-a-name-that-is-as-"
                                                                  "long-as-names-may-be-or-so");
  copy_fixture_init(&copies[3], AF_COPY_WORKING, "copying snapshots", "");
  copies[3].view.waits = "as many copies as AWS allows are under way";
  copy_fixture_init(&copies[4], AF_COPY_DONE, "done", "");
  copy_fixture_init(&copies[5], AF_COPY_FAILED, "failed", "");
  copy_fixture_init(&copies[6], AF_COPY_BLOCKED, "blocked", "");
  copy_fixture_init(&copies[7], AF_COPY_WAITING, "waiting", "");
  for (int i = 0; i < 8; i++) af_scene_add(&scene, &copies[i].view);
}

static int lines_of(const char *s) {
  int n = 0;
  for (; *s; s++) n += *s == '\n';
  return n;
}

/* Draws, and checks what must hold of every drawing. */
static const char *draw(int columns, int rows) {
  char line[4096];
  scene.size = (struct af_scene_size){columns, rows};
  af_buf_reset(&text);
  int n = af_scene_draw(&scene, &text);
  assert_int_equal(af_buf_rc(&text), 0);
  assert_int_equal(n, lines_of(af_buf_cstr(&text)));
  assert_true(n >= 1 && n <= (rows > 1 ? rows : 1));
  for (const char *at = af_buf_cstr(&text), *end; (end = strchr(at, '\n')); at = end + 1) {
    af_str_copy(line, sizeof(line), af_str_n(at, (size_t)(end - at)));
    assert_true(af_str_utf8(af_str(line)));
    if (af_text_columns(line, scene.terminal.utf8) > columns) print_error("%d columns: %s\n", columns, line);
    assert_true(af_text_columns(line, scene.terminal.utf8) <= columns);
  }
  return af_buf_cstr(&text);
}

TEST(wide_characters_take_two_columns_and_combining_ones_none) {
  assert_int_equal(af_text_columns("abc", true), 3);
  assert_int_equal(af_text_columns("数据", true), 4);
  assert_int_equal(af_text_columns("e\xCC\x81", true), 1);
  assert_int_equal(af_text_columns("数", false), 1); /* one "?" */
  assert_int_equal(af_text_columns("a\xFF" "b", true), 3);
  assert_int_equal(af_text_columns("\xE6\x95", true), 1); /* cut short */
}

static const char *cut(const char *s, int columns, bool utf8) {
  af_buf_reset(&text);
  int taken = af_put_columns(&text, s, columns, utf8);
  assert_true(taken <= columns);
  assert_int_equal(taken, af_text_columns(af_buf_cstr(&text), utf8));
  return af_buf_cstr(&text);
}

TEST(text_is_cut_by_columns_at_a_characters_border) {
  assert_string_equal(cut("abcdef", 6, true), "abcdef");
  assert_string_equal(cut("abcdef", 4, true), "abc…");
  assert_string_equal(cut("数据库", 6, true), "数据库");
  assert_string_equal(cut("数据库", 5, true), "数据…");
  assert_string_equal(cut("数据库", 4, true), "数…"); /* three columns, as half a character can't be shown */
  assert_string_equal(cut("数据库", 1, true), "…");
  assert_string_equal(cut("abcdef", 4, false), "abc~");
  assert_string_equal(cut("abc", 0, true), "");
}

TEST(what_would_move_the_cursor_is_shown_as_a_question_mark) {
  assert_string_equal(cut("a\033[31mb\nc\x7F", 40, true), "a?[31mb?c?");
  assert_string_equal(cut("a\xC2\x9B" "b", 40, true), "a?b"); /* C1 */
  assert_string_equal(cut("naïve", 40, false), "na?ve");
}

TEST(no_line_is_wider_than_the_terminal_at_any_width) {
  add_some();
  for (int columns = 1; columns <= 250; columns++) draw(columns, 24);
}

TEST(no_block_is_higher_than_the_terminal_at_any_height) {
  add_some();
  for (int rows = 1; rows <= 60; rows++) draw(80, rows);
}

TEST(at_20_columns_there_is_the_image_and_how_far_it_is) {
  add_some();
  const char *block = draw(20, 24);
  assert_contains(block, "…3456789abcdef0  47%\n"); /* ami-0 begins them all */
  assert_contains(block, "1 failed");
}

TEST(at_40_columns_there_is_where_it_goes_and_what_is_done_too) {
  add_some();
  const char *block = draw(40, 24);
  assert_contains(block, "…6789abcdef0 → eu-west-1 copying s…  47%\n");
  assert_contains(block, "…6789abcdef0 → eu-west-1 inspecting\n");
}

/* One image on its way to two Regions, the second of which waits. */
TEST(at_every_usual_width_each_row_says_where_its_copy_goes) {
  static const char *const regions[] = {"eu-west-1", "ap-southeast-2"};
  static const int widths[] = {39, 40, 59, 60, 79, 80, 199, 200};
  for (int i = 0; i < 2; i++) {
    copy_fixture_init(&copies[i], AF_COPY_WORKING, "taking over the earlier copy", "golden-windows-2026.11");
    AF_COPY(copies[i].text[4], af_str(regions[i]));
    copies[i].view.percent = 100;
    copies[i].view.waits = i ? "as many copies as AWS allows are under way" : "";
    af_scene_add(&scene, &copies[i].view);
  }
  for (size_t i = 0; i < COUNT(widths); i++) {
    const char *first = draw(widths[i], 24), *second = strchr(first, '\n') + 1;
    const char *one = strstr(first, "89abcdef0"), *to_one = strstr(first, "→ eu-west-1 "), *two = strstr(second, "89abcdef0"),
               *to_two = strstr(second, "→ ap-southeast-2 ");
    assert_true(one && to_one && one < to_one && to_one < second);
    assert_true(two && to_two && two < to_two);
  }
}

TEST(what_a_copy_is_at_gives_way_before_where_it_goes) {
  add_some();
  assert_contains(draw(30, 24), "…56789abcdef0 → eu-west-1  47%\n");
  assert_contains(draw(28, 24), "…789abcdef0 → eu-west-1  47%\n");
}

TEST(at_80_columns_there_is_why_it_waits) {
  add_some();
  const char *block = draw(80, 24);
  assert_contains(block, "ami-0123456789abcdef0  → eu-west-1  copying snapshots      47%\n");
  assert_contains(block, "ami-0123456789abcdef0  → eu-west-1  copying snapshots           waits: as many …\n");
  assert_contains(block, "1 failed  1 blocked  1 done  3 working  2 waiting  4m03s\n");
}

TEST(with_room_enough_there_is_all) {
  static const char *const parts[] = {"us-east-1", "→ eu-west-1", "222222222222", "web-2026-11", "copying snapshots",
                                      "3/5", "█████████░░░░", " 47%",
                                      "30.0 GiB", "4m03s", "数据库镜像", "waits: as many copies as AWS allows are under way"};
  add_some();
  const char *block = draw(300, 24);
  for (size_t i = 0; i < COUNT(parts); i++) assert_contains(block, parts[i]);
  draw(200, 24);
}

TEST(without_utf8_the_block_is_ascii) {
  scene.terminal.utf8 = false;
  add_some();
  for (const char *c = draw(200, 24); *c; c++) assert_true((unsigned char)*c < 0x80);
  assert_contains(af_buf_cstr(&text), "-> eu-west-1");
  assert_contains(af_buf_cstr(&text), "#########---");
}

TEST(colours_take_no_columns) {
  add_some();
  char plain[8192];
  AF_COPY(plain, af_str(draw(80, 24)));
  scene.terminal.colour = true;
  scene.size = (struct af_scene_size){80, 24};
  af_buf_reset(&text);
  af_scene_draw(&scene, &text);
  char stripped[8192];
  size_t n = 0;
  for (const char *c = af_buf_cstr(&text); *c; c++) {
    if (*c == '\033') c = strchr(c, 'm');
    else stripped[n++] = *c;
  }
  stripped[n] = 0;
  assert_contains(af_buf_cstr(&text), "\033[31m1 failed\033[0m");
  assert_string_equal(stripped, plain);
}

/* Whether these stand in the block in this order. */
static bool in_order(const char *block, const char *const *parts, size_t n) {
  for (size_t i = 0; i < n && block; i++) block = strstr(block, parts[i]);
  return block;
}

TEST(rows_keep_the_order_of_the_manifest_whichever_of_them_waits) {
  static const char *const images[] = {"ami-busy0", "ami-busy1", "ami-busy2", "ami-busy3"};
  for (int waits = 0; waits < 16; waits++) {
    scene.n_active = scene.n_busy = scene.n_waiting = 0;
    for (int i = 0; i < 4; i++) {
      copy_fixture_init(&copies[i], AF_COPY_WORKING, "copying snapshots", "");
      AF_COPY(copies[i].text[2], af_str(images[i]));
      if (waits & 1 << i) copies[i].view.waits = "pacing calls below AWS's limit";
      af_scene_add(&scene, &copies[i].view);
    }
    assert_true(in_order(draw(80, 24), images, COUNT(images)));
  }
}

TEST(where_there_is_no_room_for_all_what_moves_is_kept_in_its_order) {
  static const char *const kept[] = {"ami-copy0", "ami-copy2", "ami-copy4", "and 3 more"};
  for (int i = 0; i < 6; i++) {
    copy_fixture_init(&copies[i], AF_COPY_WORKING, "copying snapshots", "");
    snprintf(copies[i].text[2], sizeof(copies[i].text[2]), "ami-copy%d", i);
    if (i == 0 || i == 1 || i == 3 || i == 5) copies[i].view.waits = "pacing calls below AWS's limit";
    af_scene_add(&scene, &copies[i].view);
  }
  const char *block = draw(80, 5);
  assert_int_equal(lines_of(block), 5);
  assert_true(in_order(block, kept, COUNT(kept)));
}

TEST(what_moves_comes_before_what_waits_and_the_rest_is_counted) {
  for (int i = 0; i < 200; i++) {
    copy_fixture_init(&copies[i], AF_COPY_WORKING, "copying snapshots", "");
    if (i < 195) copies[i].view.waits = "as many copies as AWS allows are under way";
    else snprintf(copies[i].text[2], sizeof(copies[i].text[2]), "ami-busy%d", i);
    af_scene_add(&scene, &copies[i].view);
  }
  const char *block = draw(80, 10);
  assert_int_equal(lines_of(block), 10);
  for (int i = 195; i < 200; i++) assert_contains(block, copies[i].spec.image);
  assert_contains(block, "and 192 more\n");
  assert_contains(block, "5 working  195 waiting");
}

TEST(a_terminal_of_one_row_has_the_line_that_sums_up) {
  add_some();
  const char *block = draw(80, 1);
  assert_int_equal(lines_of(block), 1);
  assert_contains(block, "3 working");
}

TEST(on_the_narrowest_terminal_something_is_left) {
  add_some();
  for (int columns = 9; columns < 20; columns++)
    for (const char *at = draw(columns, 24); *at; at = strchr(at, '\n') + 1) assert_true(*at != '\n');
  assert_contains(draw(4, 24), " 47%\n");
  assert_contains(draw(2, 24), " …\n");
}

TEST(a_terminal_without_end_shows_as_many_as_a_block_holds) {
  for (int i = 0; i < 300; i++) {
    copy_fixture_init(&copies[i], AF_COPY_WORKING, "copying snapshots", "");
    if (i % 2) copies[i].view.waits = "pacing";
    af_scene_add(&scene, &copies[i].view);
  }
  assert_int_equal(lines_of(draw(80, 1000)), AF_SCENE_ROWS + 1);
  assert_contains(af_buf_cstr(&text), "and 251 more\n");
}

TEST(a_note_stands_on_the_last_line) {
  scene.note = "stopping at a safe point";
  assert_contains(draw(80, 24), "stopping at a safe point");
}

static const char *line_of(const struct copy_fixture *f, bool step, const struct af_event_row *ev) {
  af_buf_reset(&text);
  return af_event_line(&text, &f->view, step ? &f->step : NULL, ev) ? af_buf_cstr(&text) : "";
}

TEST(an_events_line_says_when_which_copy_and_what) {
  struct copy_fixture f;
  copy_fixture_init(&f, AF_COPY_WORKING, "copying snapshots", "");
  f.step.state = AF_STEP_PENDING;
  struct af_event_row ev = {.kind = "outcome", .message = "snap-new", .at_ms = 1795415340123};
  assert_string_equal(line_of(&f, true, &ev), "2026-11-23T06:29:00Z cp-0123456789ab ami-0123456789abcdef0 -> 222222222222 eu-west-1: "
                                              "copying snapshots snap-0123456789abcdef0: under way: snap-new");
}

TEST(only_what_was_undone_is_told_as_taken_back) {
  struct copy_fixture f;
  struct af_event_row ev = {.kind = "outcome", .message = "snap-new"};
  copy_fixture_init(&f, AF_COPY_UNDOING, "undoing", "");
  f.step.face = AF_FACE_UNDO;
  f.step.state = AF_STEP_DONE;
  assert_string_equal(line_of(&f, true, &ev), ""); /* it never happened, or left nothing */
  f.step.attempts = 1;
  assert_contains(line_of(&f, true, &ev), "copying snapshots snap-0123456789abcdef0: taken back: snap-new");
}

TEST(what_is_not_worth_a_line_gets_none) {
  static const char *const kinds[] = {"intent", "planned", "progress", "repeat", "undo"};
  struct copy_fixture f;
  copy_fixture_init(&f, AF_COPY_WORKING, "copying snapshots", "");
  for (size_t i = 0; i < COUNT(kinds); i++) assert_string_equal(line_of(&f, true, &(struct af_event_row){.kind = kinds[i]}), "");
  assert_string_equal(line_of(&f, false, &(struct af_event_row){.kind = "facts"}), "");
}

TEST(the_line_about_an_end_says_why) {
  struct copy_fixture f;
  char error[] = "{\"class\": \"refused\", \"code\": \"X\", \"message\": \"no such thing\"}", image[] = "ami-0fedcba9876543210";
  copy_fixture_init(&f, AF_COPY_FAILED, "failed", "");
  f.row.error = error;
  assert_contains(line_of(&f, false, &(struct af_event_row){.kind = "state", .message = "failed; everything is undone"}),
                  ": failed; everything is undone: no such thing");
  assert_contains(line_of(&f, false, &(struct af_event_row){.kind = "state", .message = "no such thing"}), "eu-west-1: failed: no such thing");
  f.row.state = AF_COPY_DONE;
  f.row.image_id = image;
  assert_contains(line_of(&f, false, &(struct af_event_row){.kind = "state", .message = "done"}), "eu-west-1: done: ami-0fedcba9876543210");
}

TEST(what_comes_from_aws_moves_no_cursor) {
  struct copy_fixture f;
  copy_fixture_init(&f, AF_COPY_WORKING, "copying snapshots", "");
  assert_contains(line_of(&f, true, &(struct af_event_row){.kind = "refused", .message = "a\033[2Jb"}), "refused: a?[2Jb");
}

#define DRAWN(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
  if (!setlocale(LC_CTYPE, "C.UTF-8")) print_error("there is no locale C.UTF-8\n");
  const struct CMUnitTest tests[] = {
      DRAWN(wide_characters_take_two_columns_and_combining_ones_none),
      DRAWN(text_is_cut_by_columns_at_a_characters_border),
      DRAWN(what_would_move_the_cursor_is_shown_as_a_question_mark),
      DRAWN(no_line_is_wider_than_the_terminal_at_any_width),
      DRAWN(no_block_is_higher_than_the_terminal_at_any_height),
      DRAWN(at_20_columns_there_is_the_image_and_how_far_it_is),
      DRAWN(at_40_columns_there_is_where_it_goes_and_what_is_done_too),
      DRAWN(at_every_usual_width_each_row_says_where_its_copy_goes),
      DRAWN(what_a_copy_is_at_gives_way_before_where_it_goes),
      DRAWN(at_80_columns_there_is_why_it_waits),
      DRAWN(with_room_enough_there_is_all),
      DRAWN(without_utf8_the_block_is_ascii),
      DRAWN(colours_take_no_columns),
      DRAWN(rows_keep_the_order_of_the_manifest_whichever_of_them_waits),
      DRAWN(where_there_is_no_room_for_all_what_moves_is_kept_in_its_order),
      DRAWN(what_moves_comes_before_what_waits_and_the_rest_is_counted),
      DRAWN(a_terminal_of_one_row_has_the_line_that_sums_up),
      DRAWN(on_the_narrowest_terminal_something_is_left),
      DRAWN(a_terminal_without_end_shows_as_many_as_a_block_holds),
      DRAWN(a_note_stands_on_the_last_line),
      DRAWN(an_events_line_says_when_which_copy_and_what),
      DRAWN(only_what_was_undone_is_told_as_taken_back),
      DRAWN(what_is_not_worth_a_line_gets_none),
      DRAWN(the_line_about_an_end_says_why),
      DRAWN(what_comes_from_aws_moves_no_cursor),
  };
  return cmocka_run_group_tests_name("tools/amiferry/progress", tests, NULL, NULL);
}
