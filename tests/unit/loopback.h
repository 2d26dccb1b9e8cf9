/* A small HTTP server on 127.0.0.1 for tests of transports: a thread a connection, behaviour by path, and a record of what it saw.
 * /ok replies; /drop reads the request and closes; /half, /cut-chunk end in the middle of a body; /slow waits; /big is larger than a
 * reply may be; /early closes after the headers; /redirect sends elsewhere; anything else is 404. */
#ifndef AF_TESTS_UNIT_LOOPBACK_H
#define AF_TESTS_UNIT_LOOPBACK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK_CONNECTIONS 128

struct loopback {
  int fd, port;
  pthread_t acceptor;
  pthread_t threads[LOOPBACK_CONNECTIONS];
  int peers[LOOPBACK_CONNECTIONS];
  size_t n_connections; /* all that were ever made */
  atomic_int requests;
  atomic_bool stop;
  pthread_mutex_t lock;
  char last[16384];  /* head of the last request */
  char paths[8192];  /* "METHOD /path;" for each request */
  char big[1 << 20]; /* what /big repeats */
};

struct loopback_peer {
  struct loopback *server;
  int fd;
};

static inline bool loopback_write(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    bytes += n;
    len -= (size_t)n;
  }
  return true;
}

static inline bool loopback_puts(int fd, const char *text) {
  return loopback_write(fd, text, strlen(text));
}

/* Whether the connection goes on. */
static inline bool loopback_answer(struct loopback *s, int fd, const char *path) {
  if (strcmp(path, "/ok") == 0)
    return loopback_puts(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=UTF-8\r\nx-amzn-RequestId: req-1\r\n"
                             "DATE: Mon, 23 Nov 2026 06:29:00 GMT\r\nX-Amz-Retry-After: 250\r\nContent-Length: 5\r\n\r\nhello");
  if (strcmp(path, "/s3") == 0)
    return loopback_puts(fd, "HTTP/1.1 301 Moved Permanently\r\nx-amz-request-id: S3REQ\r\nx-amz-id-2: other\r\nX-AMZ-Bucket-Region: eu-west-1\r\n"
                             "Content-Length: 0\r\n\r\n");
  if (strcmp(path, "/empty") == 0)
    return loopback_puts(fd, "HTTP/1.1 204 No Content\r\n\r\n");
  if (strcmp(path, "/fault") == 0)
    return loopback_puts(fd, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy");
  if (strcmp(path, "/redirect") == 0)
    return loopback_puts(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
  if (strcmp(path, "/half") == 0)
    loopback_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  else if (strcmp(path, "/cut-chunk") == 0)
    loopback_puts(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  else if (strcmp(path, "/slow") == 0)
    for (int i = 0; i < 200 && !atomic_load(&s->stop); i++)
      poll(NULL, 0, 10);
  else if (strcmp(path, "/big") == 0) {
    loopback_puts(fd, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 65 && loopback_write(fd, s->big, sizeof s->big); i++)
      ;
  } else if (strcmp(path, "/drop") != 0 && strcmp(path, "/early") != 0)
    return loopback_puts(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  return false;
}

/* Reads until the head is whole; its length, or 0 where the peer has gone. */
static inline size_t loopback_head(int fd, char *head, size_t size, size_t *ret_total) {
  size_t n = 0;
  for (;;) {
    char *end = memmem(head, n, "\r\n\r\n", 4);
    if (end) {
      *ret_total = n;
      return (size_t)(end - head) + 4;
    }
    ssize_t got = n < size ? recv(fd, head + n, size - n, 0) : 0;
    if (got <= 0)
      return 0;
    n += (size_t)got;
    if (head[0] == 0x16) /* a TLS handshake, which this server doesn't know */
      return 0;
  }
}

static inline bool loopback_serve(struct loopback *s, int fd) {
  char head[16384], method[16] = "", path[256] = "", part[65536];
  size_t total = 0, n = loopback_head(fd, head, sizeof head - 1, &total);
  if (n == 0)
    return false;
  head[n - 1] = 0;
  char *space = strchr(head, ' '), *space2 = space ? strchr(space + 1, ' ') : NULL;
  if (!space2)
    return false;
  snprintf(method, sizeof method, "%.*s", (int)(space - head), head);
  snprintf(path, sizeof path, "%.*s", (int)(space2 - space - 1), space + 1);
  pthread_mutex_lock(&s->lock);
  size_t used = strlen(s->paths);
  snprintf(s->paths + used, sizeof s->paths - used, "%s %s;", method, path);
  snprintf(s->last, sizeof s->last, "%s", head);
  pthread_mutex_unlock(&s->lock);
  atomic_fetch_add(&s->requests, 1);
  const char *length = strcasestr(head, "\r\ncontent-length:");
  long left = length ? strtol(length + 17, NULL, 10) - (long)(total - n) : 0;
  while (left > 0 && strcmp(path, "/early") != 0) {
    ssize_t got = recv(fd, part, sizeof part, 0);
    if (got <= 0)
      return false;
    left -= (long)got;
  }
  return loopback_answer(s, fd, path);
}

static inline void *loopback_connection(void *arg) {
  struct loopback_peer *p = arg;
  while (loopback_serve(p->server, p->fd))
    ;
  shutdown(p->fd, SHUT_RDWR); /* closed by loopback_stop(): the number must not be used again before */
  free(p);
  return NULL;
}

static inline void *loopback_accept(void *arg) {
  struct loopback *s = arg;
  for (;;) {
    int fd = accept(s->fd, NULL, NULL);
    if (fd < 0 || s->n_connections == LOOPBACK_CONNECTIONS)
      return NULL;
    struct loopback_peer *p = malloc(sizeof *p);
    if (!p)
      abort();
    *p = (struct loopback_peer){s, fd};
    pthread_mutex_lock(&s->lock);
    s->peers[s->n_connections] = fd;
    if (pthread_create(&s->threads[s->n_connections++], NULL, loopback_connection, p))
      abort();
    pthread_mutex_unlock(&s->lock);
  }
}

static inline struct loopback *loopback_start(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  struct loopback *s = calloc(1, sizeof *s);
  if (!s)
    abort();
  s->fd = socket(AF_INET, SOCK_STREAM, 0);
  pthread_mutex_init(&s->lock, NULL);
  if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, len) < 0 || listen(s->fd, 64) < 0 || getsockname(s->fd, (struct sockaddr *)&a, &len) < 0)
    abort();
  s->port = ntohs(a.sin_port);
  if (pthread_create(&s->acceptor, NULL, loopback_accept, s))
    abort();
  return s;
}

static inline size_t loopback_connections(struct loopback *s) {
  pthread_mutex_lock(&s->lock);
  size_t n = s->n_connections;
  pthread_mutex_unlock(&s->lock);
  return n;
}

static inline void loopback_stop(struct loopback *s) {
  atomic_store(&s->stop, true);
  shutdown(s->fd, SHUT_RDWR);
  pthread_join(s->acceptor, NULL);
  close(s->fd);
  for (size_t i = 0; i < s->n_connections; i++) {
    shutdown(s->peers[i], SHUT_RDWR);
    pthread_join(s->threads[i], NULL);
    close(s->peers[i]);
  }
  free(s);
}

#endif
