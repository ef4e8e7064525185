// The load of the relay cases: a sink that greets every connection with one byte and counts what comes by all of them,
// and a source that opens them all through the relay and writes by each as fast as that one takes.
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { FLOOD_EVENTS = 256, FLOOD_WEIGH_MS = 500 };

static unsigned char flood__buffer[1 << 16];

static int
flood__epoll(void) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) task_die("epoll_create1");
  return epoll;
}

static void
flood__watch(int epoll, int operation, int fd, uint32_t events) {
  struct epoll_event event = { .events = events, .data.fd = fd };
  if (epoll_ctl(epoll, operation, fd, &event) < 0) task_die("epoll_ctl");
}

static int
flood__wait(int epoll, struct epoll_event* events) {
  int count = epoll_wait(epoll, events, FLOOD_EVENTS, -1);
  if (count < 0 && errno != EINTR) task_die("epoll_wait");
  return count < 0 ? 0 : count;
}

static void
flood__unblock(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) task_die("fcntl");
}

static void
flood__welcome(const struct task* task, int epoll, int listener) {
  int fd = socket_accept(task, listener);
  flood__unblock(fd);
  if (send(fd, "!", 1, MSG_NOSIGNAL) != 1) task_die("greeting");
  flood__watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
}

static void
flood__sink(const struct task* task, int listener) {
  int epoll = flood__epoll();
  struct epoll_event events[FLOOD_EVENTS];
  struct window window;
  window_open(&window, task);
  flood__watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
  while (!window.done) {
    int count = flood__wait(epoll, events);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        flood__welcome(task, epoll, listener);
        continue;
      }
      ssize_t n = recv(fd, flood__buffer, sizeof flood__buffer, 0);
      if (n > 0) window_add(&window, (uint64_t) n);
      else if (n == 0 || errno != EAGAIN) close(fd);
    }
  }
  printf("{\"bytes\":%llu}\n", (unsigned long long) window.total);
  window_report(&window, task);
}

static int
flood__dial(const struct task* task, int epoll) {
  int fd = socket_new(task);
  flood__unblock(fd);
  int rc = connect(fd, (const struct sockaddr*) &task->address.storage, task->address.length);
  if (rc < 0 && errno != EINPROGRESS) task_die("connect");
  flood__watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
  return fd;
}

// Tells the runner, which weighs the relay meanwhile.
static void
flood__hold(int greeted) {
  printf("{\"held\":%d}\n", greeted);
  fflush(stdout);
  clock_sleep(FLOOD_WEIGH_MS * INT64_C(1000000));
}

// Opens `connections`, `in_flight` at a time, each done when the greeting came; then they are watched for nothing.
static void
flood__open(const struct task* task, int epoll, int* fds) {
  struct epoll_event events[FLOOD_EVENTS];
  int opened = 0, greeted = 0;
  while (greeted < task->connections) {
    int goal = greeted < task->baseline ? task->baseline : task->connections;
    while (opened < goal && opened - greeted < task->in_flight) {
      fds[opened++] = flood__dial(task, epoll);
    }
    int count = flood__wait(epoll, events);
    for (int i = 0; i < count; i++) {
      if (recv(events[i].data.fd, flood__buffer, 1, 0) != 1) task_die("the greeting did not come");
      flood__watch(epoll, EPOLL_CTL_MOD, events[i].data.fd, 0);
      greeted++;
    }
    if (task->baseline > 0 && greeted == task->baseline) flood__hold(greeted);
  }
}

// Goes on until the sink has hung up.
static void
flood__write(const struct task* task, int epoll, const int* fds) {
  struct epoll_event events[FLOOD_EVENTS];
  for (int i = 0; i < task->connections; i++) flood__watch(epoll, EPOLL_CTL_MOD, fds[i], EPOLLOUT);
  int64_t end = clock_now() + task->warm_up + task->measure + SENDER_MARGIN;
  while (clock_now() < end) {
    int count = flood__wait(epoll, events);
    for (int i = 0; i < count; i++) {
      ssize_t n = send(events[i].data.fd, flood__buffer, sizeof flood__buffer, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) return;
    }
  }
}

void
flood_run(const struct task* task) {
  if (task->role == SERVER) {
    flood__sink(task, socket_serve(task));
    return;
  }
  int epoll = flood__epoll();
  int* fds = calloc((size_t) task->connections, sizeof *fds);
  if (fds == NULL) task_die("calloc");
  flood__open(task, epoll, fds);
  if (task->baseline > 0) flood__hold(task->connections);
  else flood__write(task, epoll, fds);
  free(fds);
}
