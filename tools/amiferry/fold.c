/* Text as a terminal takes it: a line that is too long for it goes on below, at a space, and where its words began: under the text beside a
 * label ("    why       shared by ..."), or else a little further in. What has no space, as an ARN, is left to the terminal. Pure. */
#include "tools/amiferry/output.h"
#include "tools/amiferry/progress.h"

enum { LABEL = 10, FURTHER = 4 }; /* columns that a label takes; by how much other lines are set in */

/* Colours take no columns. */
static size_t escape(const char *s) {
  return *s == '\033' ? strcspn(s, "m") + 1 : 0;
}

static const char *skip_escapes(const char *s) {
  while (escape(s)) s += escape(s);
  return s;
}

static int columns_of(const char *s, size_t n, bool utf8) {
  char plain[512];
  size_t at = 0;
  for (size_t i = 0; i < n && at + 1 < sizeof(plain);) {
    size_t skip = escape(s + i);
    if (skip) i += skip;
    else plain[at++] = s[i++];
  }
  plain[at] = '\0';
  return af_text_columns(plain, utf8);
}

/* Where the lines that follow begin. */
static int hang(const char *line) {
  int indent = (int)strspn(line, " "), label = 0, gap = 0;
  const char *s = skip_escapes(line + indent);
  while (*s >= 'a' && *s <= 'z') s++, label++;
  s = skip_escapes(s);
  while (*s == ' ') s++, gap++;
  return label && gap && label + gap == LABEL ? indent + LABEL : indent + FURTHER;
}

static void put_line(struct af_buf *out, const char *line, size_t n, int columns, bool utf8) {
  int at = 0, indent = hang(line);
  bool begun = false; /* something but spaces stands in this line */
  for (size_t i = 0; i < n;) {
    size_t spaces = strspn(line + i, " "), word = strcspn(line + i + spaces, " \n");
    int width = columns_of(line + i + spaces, word, utf8);
    if (begun && word && at + (int)spaces + width > columns && at > indent) {
      af_buf_printf(out, "\n%*s", indent, "");
      at = indent;
    } else {
      af_buf_add(out, line + i, spaces);
      at += (int)spaces;
    }
    af_buf_add(out, line + i + spaces, word);
    at += width;
    begun = begun || word;
    i += spaces + word;
  }
}

void af_put_folded(struct af_buf *out, const char *text, int columns, bool utf8) {
  while (*text) {
    size_t n = strcspn(text, "\n");
    put_line(out, text, n, columns, utf8);
    text += n;
    if (!*text) return;
    af_buf_putc(out, '\n');
    text++;
  }
}
