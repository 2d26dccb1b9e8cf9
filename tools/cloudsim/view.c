/* The audit for people. Speaks HTTP/1.0 to the loopback address and to nothing else. */
#include "tools/cloudsim/view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/cloudsim/sim.h"

enum { ANSWER_MAX = 64 << 20, CHUNK = 16384, LINES_MAX = 20 };

/* ---- fetching ---- */

static int trouble(struct af_error *err, const char *url, const char *why) {
  return af_error_set(err, -AF_EIO, AF_CLASS_INVALID, "CannotAsk", "%s: %s", url, why);
}

static int dial(const char *url, int *ret, struct af_error *err) {
  static const char prefix[] = "http://127.0.0.1:";
  uint64_t port;
  struct af_str text = af_str_trim(af_str(url));
  if (!af_str_starts(text, prefix) || af_str_to_u64(af_str_n(text.ptr + strlen(prefix), text.len - strlen(prefix)), &port) < 0 ||
      port > 65535)
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadUrl", "%s: is no URL that cloudsim prints: http://127.0.0.1:PORT",
                        url);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
    int reason = errno;
    if (fd >= 0)
      close(fd);
    return trouble(err, url, strerrordesc_np(reason));
  }
  *ret = fd;
  return 0;
}

static int receive(int fd, struct af_buf *answer) {
  char chunk[CHUNK];
  for (;;) {
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n < 0 ? -AF_EIO : af_buf_rc(answer);
    af_buf_add(answer, chunk, (size_t)n);
  }
}

int cs_view_fetch(const char *url, json_t **ret, struct af_error *err) {
  static const char request[] = "GET /_cloudsim/audit HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
  int fd = -1;
  int rc = dial(url, &fd, err);
  if (rc < 0)
    return rc;
  struct af_buf answer;
  af_buf_init(&answer, ANSWER_MAX);
  bool sent = send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request);
  rc = sent ? receive(fd, &answer) : -AF_EIO;
  close(fd);
  const char *body = rc == 0 ? strstr(af_buf_cstr(&answer), "\r\n\r\n") : NULL;
  json_t *audit = body ? json_loads(body + 4, 0, NULL) : NULL;
  cs_buf_done(&answer);
  if (!audit)
    return trouble(err, url, "did not answer with an audit");
  *ret = audit;
  return 0;
}

/* ---- printing ---- */

static const char *text(const json_t *o, const char *member) {
  const char *s = json_string_value(json_object_get(o, member));
  return s ? s : "";
}

static void print_calls(FILE *out, const json_t *calls) {
  const char *name, *outcome;
  json_t *outcomes, *count;
  json_int_t all = 0, good = 0;
  json_object_foreach ((json_t *)(uintptr_t)calls, name, outcomes)
    json_object_foreach (outcomes, outcome, count) {
      all += json_integer_value(count);
      good += strcmp(outcome, "ok") == 0 ? json_integer_value(count) : 0;
    }
  fprintf(out, "%-22s %lld, %lld of them done\n", "calls", (long long)all, (long long)good);
  json_object_foreach ((json_t *)(uintptr_t)calls, name, outcomes) {
    fprintf(out, "  %-20s", name);
    const char *before = " ";
    json_object_foreach (outcomes, outcome, count) {
      fprintf(out, "%s%lld %s", before, (long long)json_integer_value(count), outcome);
      before = ", ";
    }
    fputc('\n', out);
  }
}

static long long number(const json_t *o, const char *member) {
  return (long long)json_integer_value(json_object_get(o, member));
}

static void print_peaks(FILE *out, const json_t *list) {
  const char *name = "copies";
  size_t i;
  json_t *u;
  json_array_foreach (list, i, u) {
    if (number(u, "snapshot_copies_started") + number(u, "image_copies_started") == 0)
      continue;
    fprintf(out, "%-22s %s %s: %lld snapshots, at most %lld at once; %lld images, at most %lld at once\n", name, text(u, "account"),
            text(u, "region"), number(u, "snapshot_copies_started"), number(u, "snapshot_copies_peak"), number(u, "image_copies_started"),
            number(u, "image_copies_peak"));
    name = "";
  }
}

static void print_images(FILE *out, const json_t *images) {
  size_t i;
  json_t *image;
  fprintf(out, "%-22s %zu\n", "images made", json_array_size(images));
  json_array_foreach (images, i, image)
    if (i < LINES_MAX)
      fprintf(out, "  %-22s %s %s %-10s %s\n", text(image, "id"), text(image, "account"), text(image, "region"),
              text(image, "state"), text(image, "name"));
  if (json_array_size(images) > LINES_MAX)
    fprintf(out, "  and %zu more\n", json_array_size(images) - LINES_MAX);
}

/* What must be empty when a client has done its work well. */
static const struct {
  const char *member, *name;
} clean[] = {
    {"shares_open", "shares left open"},         {"grants_open", "grants left open"},
    {"shares_lost", "shares taken away"},        {"grants_lost", "grants taken away"},
    {"lost_resources", "resources destroyed"},   {"duplicates", "made twice"},
    {"orphaned_snapshots", "snapshots of none"}, {"instances_open", "instances left"},
    {"volumes_left", "volumes left"},            {"security_groups_left", "security groups left"},
    {"hazards", "hazards"},
};

static void print_item(FILE *out, const json_t *item) {
  const char *key;
  json_t *value;
  if (json_is_string(item)) {
    fprintf(out, "  %s\n", json_string_value(item));
    return;
  }
  fputs(" ", out);
  json_object_foreach ((json_t *)(uintptr_t)item, key, value)
    if (json_is_string(value) && json_string_value(value)[0])
      fprintf(out, " %s %s", key, json_string_value(value));
  fputc('\n', out);
}

bool cs_view_print(FILE *out, const json_t *audit) {
  bool all_clean = true;
  size_t k;
  json_t *item;
  print_calls(out, json_object_get(audit, "calls"));
  print_peaks(out, json_object_get(audit, "concurrency"));
  print_images(out, json_object_get(audit, "images"));
  fprintf(out, "%-22s %zu\n", "snapshots made", json_array_size(json_object_get(audit, "snapshots")));
  fprintf(out, "%-22s %zu\n", "replies never seen", json_array_size(json_object_get(audit, "ambiguous_effects")));
  for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++) {
    const json_t *list = json_object_get(audit, clean[i].member);
    all_clean = all_clean && json_array_size(list) == 0;
    if (json_array_size(list) == 0)
      fprintf(out, "%-22s none\n", clean[i].name);
    else
      fprintf(out, "%-22s %zu\n", clean[i].name, json_array_size(list));
    json_array_foreach (list, k, item)
      if (k < LINES_MAX)
        print_item(out, item);
  }
  return all_clean;
}
