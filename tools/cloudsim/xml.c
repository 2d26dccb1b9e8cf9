/* XML replies: one line without white space (rules.md 8), every text escaped, what XML 1.0 cannot carry (control characters, bytes that
 * are no UTF-8) replaced by '?'. Writes only. */
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "tools/cloudsim/sim.h"

void cs_xml_open(struct af_buf *b, const char *name) {
  af_buf_putc(b, '<');
  af_buf_puts(b, name);
  af_buf_putc(b, '>');
}

void cs_xml_close(struct af_buf *b, const char *name) {
  af_buf_puts(b, "</");
  af_buf_puts(b, name);
  af_buf_putc(b, '>');
}

static void put_escaped(struct af_buf *b, char c) {
  switch (c) {
  case '&': af_buf_puts(b, "&amp;"); break;
  case '<': af_buf_puts(b, "&lt;"); break;
  case '>': af_buf_puts(b, "&gt;"); break;
  case '"': af_buf_puts(b, "&quot;"); break;
  case '\r': af_buf_puts(b, "&#xD;"); break;
  default:
    af_buf_putc(b, (unsigned char)c < 0x20 && c != '\n' && c != '\t' ? '?' : c);
  }
}

void cs_xml_text(struct af_buf *b, const char *name, const char *text) {
  if (!text)
    return;
  cs_xml_open(b, name);
  struct af_str rest = af_str(text);
  for (size_t n; rest.len > 0; rest = af_str_n(rest.ptr + n, rest.len - n)) {
    n = af_str_utf8_char(rest);
    if (n > 1)
      af_buf_add(b, rest.ptr, n);
    else
      put_escaped(b, n ? *rest.ptr : '?');
    n = n ? n : 1;
  }
  cs_xml_close(b, name);
}

void cs_xml_bool(struct af_buf *b, const char *name, bool value) {
  cs_xml_text(b, name, value ? "true" : "false");
}

void cs_xml_int(struct af_buf *b, const char *name, int64_t value) {
  char digits[24];
  snprintf(digits, sizeof digits, "%lld", (long long)value);
  cs_xml_text(b, name, digits);
}

void cs_xml_time(struct af_buf *b, const char *name, int64_t ms) {
  char text[AF_TIME_SIZE];
  af_time_iso(ms, text);
  cs_xml_text(b, name, text);
}

int cs_fail(struct cs_call *call, int status, const char *code, const char *format, ...) {
  struct cs_failure *f = &call->failure;
  if (f->status != 0)
    return -AF_EAWS;
  f->status = status;
  AF_COPY(f->code, af_str(code));
  va_list args;
  va_start(args, format);
  vsnprintf(f->message, sizeof f->message, format, args);
  va_end(args);
  /* What was cut to fit may end amid a character, which neither XML nor JSON can hold. */
  for (size_t n = strlen(f->message); n > 0 && !af_str_utf8(af_str_n(f->message, n)); n--)
    f->message[n - 1] = 0;
  return -AF_EAWS;
}

void cs_ec2_error(const struct cs_call *call, struct cs_reply *reply) {
  struct af_buf *b = &reply->body;
  reply->status = call->failure.status;
  cs_buf_reset(b);
  af_buf_puts(&reply->headers, "Content-Type: text/xml;charset=UTF-8\n");
  af_buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error>");
  cs_xml_text(b, "Code", call->failure.code);
  cs_xml_text(b, "Message", call->failure.message);
  af_buf_puts(b, "</Error></Errors>");
  cs_xml_text(b, "RequestID", call->request_id);
  cs_xml_close(b, "Response");
}
