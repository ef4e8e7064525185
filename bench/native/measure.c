// The two measures: the time of each round trip, and what arrived per second.
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { LAPS_MAX = 1 << 20 };

void
laps_start(struct laps* laps, const struct task* task) {
  laps->samples = malloc(LAPS_MAX * sizeof *laps->samples);
  if (laps->samples == NULL) task_die("malloc");
  for (size_t i = 0; i < LAPS_MAX; i++) laps->samples[i] = 0;
  laps->count = 0;
  laps->last = clock_now();
  laps->begin = laps->last + task->warm_up;
  laps->end = laps->begin + task->measure;
}

bool
laps_lap(struct laps* laps) {
  int64_t now = clock_now();
  if (laps->last >= laps->begin) laps->samples[laps->count++] = (double) (now - laps->last) / 1000;
  laps->last = now;
  return now < laps->end && laps->count < LAPS_MAX;
}

static int
laps__order(const void* a, const void* b) {
  double x = *(const double*) a, y = *(const double*) b;
  return (x > y) - (x < y);
}

void
laps_report(struct laps* laps) {
  size_t count = laps->count;
  if (count == 0) task_die("no round trip was measured");
  qsort(laps->samples, count, sizeof *laps->samples, laps__order);
  printf(
    "{\"p50_us\":%.3f,\"p99_us\":%.3f,\"count\":%zu}\n", laps->samples[count / 2],
    laps->samples[count * 99 / 100], count
  );
  free(laps->samples);
}

void
window_open(struct window* window, const struct task* task) {
  *window = (struct window) {.begin = task->warm_up, .end = task->warm_up + task->measure};
}

void
window_add(struct window* window, uint64_t amount) {
  window->total += amount;
  if (window->done) return;
  int64_t now = clock_now();
  if (window->total == amount) {
    window->begin += now;
    window->end += now;
  } else if (window->from == 0) {
    if (now >= window->begin) window->from = now;
  } else {
    window->counted += amount;
    window->until = now;
    window->done = now >= window->end;
  }
}

double
window_rate(const struct window* window) {
  if (!window->done) task_die("the sender stopped before the window closed");
  return (double) window->counted * 1e9 / (double) (window->until - window->from);
}

void
window_report(const struct window* window, const struct task* task) {
  double rate = window_rate(window);
  if (task->kind == BULK) printf("{\"gbit_s\":%.4f}\n", rate * 8 / 1e9);
  if (task->kind == SMALLWRITES) printf("{\"writes_per_s\":%.0f}\n", rate / (double) task->size);
  if (task->kind == DATAGRAMS) {
    printf("{\"kpps\":%.3f,\"received\":%llu}\n", rate / 1000, (unsigned long long) window->total);
  }
}
