// c-epoll: an event loop as a C programmer would write it, level-triggered and non-blocking.
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, SETTLE_MS = 300 };

static unsigned char epoll__buffer[1 << 16];

struct connection {
  int fd;
};

struct loop {
  const struct task* task;
  int epoll, listener, accepted, open;
  double resident_before;
};

static void
epoll__watch(int epoll, int fd, void* token) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = token};
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) task_die("epoll_ctl");
}

static int
epoll__wait(int epoll, struct epoll_event* events, int max) {
  int count = epoll_wait(epoll, events, max, -1);
  if (count < 0 && errno != EINTR) task_die("epoll_wait");
  return count < 0 ? 0 : count;
}

static int
epoll__new(void) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) task_die("epoll_create1");
  return epoll;
}

// The one socket of a conversation, waited for by epoll before each recv. -1: nothing there after all.
static ssize_t
epoll__receive(int epoll, int fd, struct address* from) {
  struct epoll_event event;
  epoll__wait(epoll, &event, 1);
  struct sockaddr* name = from ? (struct sockaddr*) &from->storage : NULL;
  if (from) from->length = sizeof from->storage;
  socklen_t* length = from ? &from->length : NULL;
  ssize_t n = recvfrom(fd, epoll__buffer, sizeof epoll__buffer, 0, name, length);
  if (n < 0 && errno != EAGAIN) task_die("recv");
  return n;
}

static void
epoll__send(int fd, size_t length) {
  if (send(fd, epoll__buffer, length, MSG_NOSIGNAL) != (ssize_t) length) task_die("send");
}

static void
epoll__echo(int fd, bool datagrams) {
  int epoll = epoll__new();
  struct address from;
  epoll__watch(epoll, fd, NULL);
  for (;;) {
    ssize_t n = epoll__receive(epoll, fd, datagrams ? &from : NULL);
    if (n == 0) return;
    if (n < 0) continue;
    if (!datagrams) {
      epoll__send(fd, (size_t) n);
      continue;
    }
    struct sockaddr* to = (struct sockaddr*) &from.storage;
    if (sendto(fd, epoll__buffer, (size_t) n, 0, to, from.length) < 0) task_die("sendto");
  }
}

static void
epoll__pingpong(const struct task* task, int fd) {
  int epoll = epoll__new();
  struct laps laps;
  epoll__watch(epoll, fd, NULL);
  laps_start(&laps, task);
  do {
    epoll__send(fd, task->size);
    for (size_t received = 0; received < task->size;) {
      ssize_t n = epoll__receive(epoll, fd, NULL);
      if (n == 0) task_die("the server hung up");
      if (n > 0) received += (size_t) n;
    }
  } while (laps_lap(&laps));
  if (task->type == SOCK_DGRAM) send(fd, epoll__buffer, 0, 0);
  laps_report(&laps);
}

static void
epoll__drain(const struct task* task, int fd) {
  int epoll = epoll__new();
  struct window window;
  window_open(&window, task);
  epoll__watch(epoll, fd, NULL);
  ssize_t n;
  while (!window.done && (n = epoll__receive(epoll, fd, NULL)) != 0) {
    if (n > 0) window_add(&window, (uint64_t) n);
  }
  window_report(&window, task);
}

static void
epoll__fill(const struct task* task, int fd) {
  int epoll = epoll__new();
  struct epoll_event event = {.events = EPOLLOUT};
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) task_die("epoll_ctl");
  int64_t end = clock_now() + task->warm_up + task->measure + SENDER_MARGIN;
  size_t offset = 0;
  while (clock_now() < end) {
    for (size_t bytes = 0; bytes < sizeof epoll__buffer; bytes += task->size) {
      ssize_t n = send(fd, epoll__buffer + offset, task->size - offset, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) return;
      if (n < 0) epoll__wait(epoll, &event, 1);
      else offset = (offset + (size_t) n) % task->size;
    }
  }
}

// Resident memory of this process in kB.
static double
epoll__resident(void) {
  FILE* file = fopen("/proc/self/status", "r");
  char line[128];
  double value = 0;
  while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %lf", &value);
  if (file) fclose(file);
  return value;
}

static void
epoll__accepted(struct loop* loop) {
  const struct task* task = loop->task;
  struct connection* connection = calloc(1, sizeof *connection);
  if (connection == NULL) task_die("calloc");
  connection->fd = socket_accept(task, loop->listener);
  epoll__watch(loop->epoll, connection->fd, connection);
  send(connection->fd, "!", 1, MSG_NOSIGNAL);
  loop->accepted++;
  loop->open++;
  if (task->kind != IDLE) return;
  if (loop->accepted == task->baseline) loop->resident_before = epoll__resident();
  if (loop->accepted < task->connections) return;
  double grown = epoll__resident() - loop->resident_before;
  printf("{\"rss_kb_per_conn\":%.4f}\n", grown / (task->connections - task->baseline));
  exit(0);
}

// Greets every connection with one byte and holds it until the peer hangs up.
static void
epoll__greet(const struct task* task, int listener) {
  struct loop loop = {.task = task, .epoll = epoll__new(), .listener = listener};
  struct epoll_event events[EVENTS_MAX];
  epoll__watch(loop.epoll, listener, NULL);
  while (loop.accepted < task->connections || loop.open > 0) {
    int count = epoll__wait(loop.epoll, events, EVENTS_MAX);
    for (int i = 0; i < count; i++) {
      struct connection* connection = events[i].data.ptr;
      if (connection == NULL) {
        epoll__accepted(&loop);
      } else if (recv(connection->fd, epoll__buffer, sizeof epoll__buffer, 0) == 0) {
        close(connection->fd);
        free(connection);
        loop.open--;
      }
    }
  }
}

static void
epoll__connect(const struct task* task, int epoll, struct connection* connection) {
  connection->fd = socket_new(task);
  fcntl(connection->fd, F_SETFL, fcntl(connection->fd, F_GETFL) | O_NONBLOCK);
  const struct sockaddr* name = (const struct sockaddr*) &task->address.storage;
  int rc = connect(connection->fd, name, task->address.length);
  if (rc < 0 && errno != EINPROGRESS) task_die("connect");
  epoll__watch(epoll, connection->fd, connection);
}

// Opens `connections`, `in_flight` at a time, each done when the greeting came; all stay open.
static void
epoll__load(const struct task* task) {
  int epoll = epoll__new(), opened = 0, greeted = 0;
  struct epoll_event events[EVENTS_MAX];
  struct connection* connections = calloc((size_t) task->connections, sizeof *connections);
  if (connections == NULL) task_die("calloc");
  int64_t start = clock_now();
  while (greeted < task->connections) {
    int goal = greeted < task->baseline ? task->baseline : task->connections;
    while (opened < goal && opened - greeted < task->in_flight) {
      epoll__connect(task, epoll, &connections[opened++]);
    }
    int count = epoll__wait(epoll, events, EVENTS_MAX);
    for (int i = 0; i < count; i++) {
      struct connection* connection = events[i].data.ptr;
      if (recv(connection->fd, epoll__buffer, 1, 0) != 1) task_die("the greeting did not come");
      greeted++;
    }
    if (task->baseline > 0 && greeted == task->baseline) clock_sleep(SETTLE_MS * 1000000);
  }
  double seconds = (double) (clock_now() - start) / 1e9;
  if (task->kind == IDLE) {
    while (recv(connections[0].fd, epoll__buffer, 1, 0) < 0 && errno == EAGAIN) {
      epoll__wait(epoll, events, EVENTS_MAX);
    }
  } else {
    printf("{\"conn_per_s\":%.1f}\n", task->connections / seconds);
  }
  free(connections);
}

void
epoll_run(const struct task* task) {
  bool greeting = task->kind == ACCEPT || task->kind == IDLE;
  if (task->role == CLIENT && greeting) {
    epoll__load(task);
  } else if (task->role == CLIENT) {
    int fd = socket_dial(task);
    if (task->kind == PINGPONG) epoll__pingpong(task, fd);
    else epoll__fill(task, fd);
  } else {
    int fd = socket_serve(task);
    if (greeting) epoll__greet(task, fd);
    else if (task->type == SOCK_DGRAM) epoll__echo(fd, true);
    else if (task->kind == PINGPONG) epoll__echo(socket_accept(task, fd), false);
    else epoll__drain(task, socket_accept(task, fd));
  }
}
