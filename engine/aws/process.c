/* credential_process: posix_spawn, a pipe that is never waited on, a deadline. */
#include "engine/aws/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/aws/credentials.h"

struct af_process {
  pid_t pid; /* 0: reaped */
  int fd;    /* -1: closed */
  int status;
  int64_t deadline_mono_ms;
  struct af_buf out;
  char name[128];
};

static int failed(struct af_error *err, const char *name, const char *what) {
  return af_error_set(err, -AF_EIO, AF_CLASS_AUTH, "ProcessFailed", "credential_process %s: %s", name, what);
}

/* The child gets default signals, an empty mask and only the three standard descriptors that are meant for it. */
static int spawn(pid_t *ret_pid, char **words, int out_fd) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int rc = posix_spawn_file_actions_init(&files);
  if (rc)
    return rc;
  rc = posix_spawnattr_init(&attributes);
  if (!rc) {
    rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (!rc)
      rc = posix_spawn_file_actions_adddup2(&files, out_fd, 1);
    if (!rc)
      rc = posix_spawnattr_setsigmask(&attributes, &none);
    if (!rc)
      rc = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!rc)
      rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!rc)
      rc = posix_spawnp(ret_pid, words[0], &files, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&files);
  return rc;
}

/* Our end doesn't wait; the child's end is an ordinary one. Neither is 0, 1 or 2, or adddup2() would leave it close-on-exec. */
static int open_pipe(int fds[2]) {
  if (pipe2(fds, O_CLOEXEC) < 0)
    return -1;
  int high = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
  close(fds[1]);
  fds[1] = high;
  if (high < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
    close(fds[0]);
    if (high >= 0)
      close(high);
    return -1;
  }
  return 0;
}

static int start(struct af_process *p, char **words, struct af_error *err) {
  int fds[2];
  AF_COPY(p->name, af_str(words[0]));
  if (open_pipe(fds) < 0)
    return failed(err, p->name, strerror(errno));
  int rc = spawn(&p->pid, words, fds[1]);
  close(fds[1]);
  p->fd = fds[0];
  if (rc) {
    p->pid = 0;
    return failed(err, p->name, strerror(rc));
  }
  return 0;
}

int af_process_start(struct af_process **ret, struct af_str command, int64_t now_mono_ms, struct af_error *err) {
  char **words = NULL;
  int rc = af_split_command(command, &words, err);
  if (rc < 0)
    return rc;
  struct af_process *p = calloc(1, sizeof *p);
  if (!p) {
    free(words);
    return af_error_nomem(err);
  }
  p->fd = -1;
  p->deadline_mono_ms = now_mono_ms + AF_PROCESS_TIMEOUT_MS;
  af_buf_init_secret(&p->out, AF_CREDENTIALS_REPLY_MAX);
  rc = start(p, words, err);
  free(words);
  if (rc < 0) {
    af_process_free(p);
    return rc;
  }
  *ret = p;
  return 0;
}

static void drain(struct af_process *p) {
  char part[4096];
  while (p->fd >= 0) {
    ssize_t n = read(p->fd, part, sizeof part);
    if (n > 0) {
      af_buf_add(&p->out, part, (size_t)n);
      explicit_bzero(part, (size_t)n);
      if (af_buf_rc(&p->out) < 0)
        return;
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {
      return;
    } else {
      close(p->fd);
      p->fd = -1;
    }
  }
}

static void reap(struct af_process *p, int options) {
  if (p->pid == 0)
    return;
  pid_t pid;
  do
    pid = waitpid(p->pid, &p->status, options);
  while (pid < 0 && errno == EINTR);
  if (pid < 0)
    p->status = -1; /* somebody else has reaped it: its end is unknown, so it didn't end well */
  if (pid != 0)
    p->pid = 0;
}

int af_process_step(struct af_process *p, int64_t now_mono_ms, bool *ret_done, const struct af_buf **ret_output, struct af_error *err) {
  char what[64];
  reap(p, WNOHANG); /* before reading: what a child that has ended wrote is all in the pipe */
  drain(p);
  if (af_buf_rc(&p->out) < 0)
    return failed(err, p->name, "it printed too much");
  *ret_done = p->pid == 0;
  if (p->pid > 0 && now_mono_ms >= p->deadline_mono_ms)
    return failed(err, p->name, "it didn't end within a minute");
  if (p->pid > 0)
    return 0;
  *ret_output = &p->out;
  if (WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0)
    return 0;
  if (WIFEXITED(p->status))
    snprintf(what, sizeof what, "it ended with status %d", WEXITSTATUS(p->status));
  else
    snprintf(what, sizeof what, "it was ended by signal %d", WIFSIGNALED(p->status) ? WTERMSIG(p->status) : 0);
  return failed(err, p->name, what);
}

void af_process_free(struct af_process *p) {
  if (!p)
    return;
  if (p->pid > 0) {
    kill(p->pid, SIGKILL);
    reap(p, 0);
  }
  if (p->fd >= 0)
    close(p->fd);
  af_buf_done(&p->out);
  free(p);
}
