/* Times that an earlier life of the program wrote down. The clock may have been set since, forward or back, so that nobody can say how long ago
 * that was: what was written last counts as written just now, and what was written before it as that much earlier. So what AWS needs time to
 * show has had it in this life, whatever the clock says of the time between. */
#include "engine/internal.h"

int af_past_read(struct af_engine *e, struct af_error *err) {
  int64_t last = 0;
  int rc = e->config.store ? af_store_last_written(e->config.store, &last, err) : 0;
  if (!rc) e->written_ms = last ? last : e->begun_ms;
  return rc;
}

int64_t af_past_since(const struct af_engine *e, int64_t ms) {
  int64_t last = e->written_ms < e->begun_ms ? e->written_ms : e->begun_ms;
  return ms < e->begun_ms ? ms - e->begun_ms + last : ms;
}

/* 0 is no time. A clock that was ahead left times that lie ahead still; any other left times before this life's first. */
int64_t af_past_when(const struct af_engine *e, int64_t written_ms) {
  int64_t now = af_now_ms(e->config.clock);
  bool was_ahead = e->written_ms > e->begun_ms, earlier = was_ahead ? written_ms > now : written_ms < e->begun_ms;
  int64_t at = earlier ? written_ms - e->written_ms + e->begun_ms : written_ms;
  return !written_ms ? 0 : at > now ? e->begun_ms : at;
}
