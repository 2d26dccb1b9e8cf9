/* Calls that somebody waits for, side by side and outside of the loop's turns: pages are put together, what passes is asked again. For plan,
 * verify and sweep, whose calls change nothing, or are harmless to repeat. */
#ifndef AF_ENGINE_SURVEY_H
#define AF_ENGINE_SURVEY_H

#include "engine/internal.h"

struct af_survey { /* one walk of reads; zeroed but for the first part */
  void *reads; /* borrowed: what ask and answer are given */
  int (*ask)(void *reads, struct af_ask *ret);                                           /* op stays NULL at the end */
  int (*answer)(void *reads, const struct af_answer *a, struct af_error *err);           /* 0, or why it is refused */
  struct af_session *source, *target;
  int64_t due_ms;        /* when to ask, and to ask again; 0: at once */
  struct af_error error; /* why it can't be read; class NONE and no message where it can */

  struct af_ask asked; /* the call in flight; op NULL: none */
  json_t *pages;       /* what earlier pages of the answer brought */
  int repeats;
  int64_t since_ms; /* when it was answered last, or first to be asked: patience counts from there */
  bool over;
};
/* Until all are over. What one of them can't read is its own error; returns what stops them all. */
int af_survey_run(struct af_engine *e, struct af_survey *list, size_t n, struct af_error *err);
bool af_survey_failed(const struct af_survey *s);
void af_survey_done(struct af_survey *s);

#endif
