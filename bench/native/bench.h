// What the C subjects share: one task from the command line, sockets, a clock and two measures.
#ifndef SOCKETRY_BENCH_H
#define SOCKETRY_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum role { SERVER, CLIENT };
enum kind { PINGPONG, BULK, SMALLWRITES, ACCEPT, IDLE, DATAGRAMS };

struct address {
  struct sockaddr_storage storage;
  socklen_t length;
};

// One role in one case. Times are in nanoseconds, sizes in bytes.
struct task {
  enum role role;
  enum kind kind;
  int domain, type;
  struct address address;
  size_t size;
  int64_t warm_up, measure;
  int connections, in_flight, baseline, peers, receive_buffer;
  bool spin, stdio, offload;
};

struct task
task_parse(int argc, char** argv);

// Ends the process with a message: a benchmark that goes on after an error measures something else.
_Noreturn void
task_die(const char* what);

int64_t
clock_now(void);

void
clock_sleep(int64_t nanoseconds);

// Sockets of a task: bound and announced, connected, accepted.
int
socket_serve(const struct task* task);

int
socket_dial(const struct task* task);

int
socket_accept(const struct task* task, int listener);

int
socket_new(const struct task* task);

// Round trips: one clock reading each; the end of one is the start of the next.
struct laps {
  double* samples;
  size_t count;
  int64_t last, begin, end;
};

void
laps_start(struct laps* laps, const struct task* task);

// Ends a round trip; false when the time is up.
bool
laps_lap(struct laps* laps);

void
laps_report(struct laps* laps);

// A stream sender goes on until the receiver has hung up; this is the longest it tries, in nanoseconds.
#define SENDER_MARGIN INT64_C(2000000000)

// What arrived within a window that opens `warm_up` after the first arrival.
struct window {
  int64_t begin, end, from, until;
  uint64_t counted, total;
  bool done;
};

void
window_open(struct window* window, const struct task* task);

void
window_add(struct window* window, uint64_t amount);

// Amount per second inside the window.
double
window_rate(const struct window* window);

void
window_report(const struct window* window, const struct task* task);

// The engines.
void
blocking_run(const struct task* task);

void
epoll_run(const struct task* task);

void
datagrams_run(const struct task* task);

void
flood_run(const struct task* task);

#endif
