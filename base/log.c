/* Logging: a record is put together in memory, redacted and written at once, so that lines of two processes don't mix.
 * Logging never fails: where memory is out, the record is lost and a short line says so. */
#include "base/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/error.h"

enum { MESSAGE_SIZE = 8192, RECORD_MAX = 256 * 1024 };

static const char *const level_names[] = {
    [AF_LOG_ERROR] = "error", [AF_LOG_WARN] = "warn", [AF_LOG_INFO] = "info", [AF_LOG_DEBUG] = "debug"};

int af_log_level_parse(const char *name, enum af_log_level *ret) {
  for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
    if (af_streq(name, level_names[i])) {
      *ret = (enum af_log_level)i;
      return 0;
    }
  return -AF_EINVAL;
}

/* The bytes of the character at s, 0 where it is none. */
static size_t character(struct af_str s) {
  for (size_t n = 1; n <= 4 && n <= s.len; n++)
    if (af_str_utf8(af_str_n(s.ptr, n)))
      return n;
  return 0;
}

/* Appends text such that it stays on its line: control characters and what is not UTF-8 are escaped. */
static void add_line_text(struct af_buf *out, struct af_str text, bool quoted) {
  for (size_t i = 0; i < text.len;) {
    size_t n = character(af_str_n(text.ptr + i, text.len - i));
    unsigned char c = (unsigned char)text.ptr[i];
    if (c == '\n' || c == '\t' || c == '\r')
      af_buf_printf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else if (n == 0 || c < 0x20 || c == 0x7F)
      af_buf_printf(out, "\\x%02x", c);
    else if (quoted && (c == '"' || c == '\\'))
      af_buf_printf(out, "\\%c", c);
    else
      af_buf_add(out, text.ptr + i, n);
    i += n ? n : 1;
  }
}

static bool needs_quotes(struct af_str value) {
  for (size_t i = 0; i < value.len; i++)
    if ((unsigned char)value.ptr[i] <= ' ' || strchr("\"=\\", value.ptr[i]))
      return true;
  return value.len == 0;
}

/* A field's value, redacted. Its name may be what marks it as a secret, so both go through the redactor together. */
static struct af_str redact_field(struct af_buf *b, const struct af_log_field *f) {
  struct af_buf plain;
  af_buf_init_secret(&plain, RECORD_MAX);
  af_buf_printf(&plain, "%s=", f->name);
  size_t name = plain.len;
  af_buf_puts(&plain, f->value);
  af_buf_reset(b);
  af_redact(b, af_buf_view(&plain));
  if (af_buf_rc(&plain) < 0)
    af_buf_reset(b);
  af_buf_done(&plain);
  return name && b->len >= name ? af_str_n(b->ptr + name, b->len - name) : af_str("...");
}

static void put_text(struct af_buf *line, const char *time, const char *level, struct af_str message,
                     const struct af_log_field *fields) {
  struct af_buf b;
  af_buf_init_secret(&b, RECORD_MAX);
  af_buf_printf(line, "%s %s ", time, level);
  add_line_text(line, message, false);
  for (const struct af_log_field *f = fields; f && f->name; f++) {
    if (!f->value)
      continue;
    struct af_str value = redact_field(&b, f);
    const char *quote = needs_quotes(value) ? "\"" : "";
    af_buf_printf(line, " %s=%s", f->name, quote);
    add_line_text(line, value, *quote);
    af_buf_puts(line, quote);
  }
  af_buf_putc(line, '\n');
  af_buf_done(&b);
}

/* json_stringn() wants UTF-8: other bytes are shown as \xNN. */
static json_t *json_text(struct af_str text) {
  if (af_str_utf8(text))
    return json_stringn(text.len ? text.ptr : "", text.len);
  struct af_buf b;
  af_buf_init(&b, RECORD_MAX);
  add_line_text(&b, text, false);
  json_t *value = json_stringn(af_buf_cstr(&b), b.len);
  af_buf_done(&b);
  return value;
}

static int append(const char *text, size_t len, void *line) {
  af_buf_add(line, text, len);
  return 0;
}

static void put_json(struct af_buf *line, const char *time, const char *level, struct af_str message,
                     const struct af_log_field *fields) {
  struct af_buf b;
  af_buf_init_secret(&b, RECORD_MAX);
  json_t *record = json_object();
  int rc = json_object_set_new(record, "time", json_string(time));
  rc |= json_object_set_new(record, "level", json_string(level));
  rc |= json_object_set_new(record, "message", json_text(message));
  for (const struct af_log_field *f = fields; f && f->name; f++)
    if (f->value)
      rc |= json_object_set_new(record, f->name, json_text(redact_field(&b, f)));
  if (rc == 0)
    rc = json_dump_callback(record, append, line, JSON_COMPACT);
  if (rc != 0)
    line->rc = -AF_ENOMEM;
  af_buf_putc(line, '\n');
  json_decref(record);
  af_buf_done(&b);
}

static void write_record(const struct af_log *log, enum af_log_level level, struct af_str message,
                         const struct af_log_field *fields) {
  char time[AF_TIME_SIZE];
  af_time_iso_s(af_now_ms(log->clock), time);
  struct af_buf redacted, line;
  af_buf_init(&redacted, RECORD_MAX);
  af_buf_init(&line, RECORD_MAX);
  af_redact(&redacted, message);
  if (af_buf_rc(&redacted) < 0)
    line.rc = af_buf_rc(&redacted);
  else
    (log->format == AF_LOG_JSON ? put_json : put_text)(&line, time, level_names[level], af_buf_view(&redacted), fields);
  if (af_buf_rc(&line) == 0)
    fwrite(line.ptr, 1, line.len, log->out);
  else
    fputs(log->format == AF_LOG_JSON ? "{\"level\":\"error\",\"message\":\"a log record was lost\"}\n" : "error a log record was lost\n",
          log->out);
  fflush(log->out);
  af_buf_done(&redacted);
  af_buf_done(&line);
}

void af_log_write(const struct af_log *log, enum af_log_level level, const struct af_log_field *fields, const char *format, ...) {
  if (!log || !log->out || level > log->level)
    return;
  char message[MESSAGE_SIZE]; /* what is longer is cut */
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  write_record(log, level, af_str(message), fields);
}
