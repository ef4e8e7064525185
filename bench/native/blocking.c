// c-blocking: one thread, one blocking call after the other; with `spin`, the same without ever sleeping.
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned char blocking__buffer[1 << 16];

// recv that sleeps in the kernel, or asks again and again.
static ssize_t
blocking__receive(const struct task* task, int fd, struct address* from) {
  int flags = task->spin ? MSG_DONTWAIT : 0;
  for (;;) {
    ssize_t n;
    if (from == NULL) {
      n = recv(fd, blocking__buffer, sizeof blocking__buffer, flags);
    } else {
      from->length = sizeof from->storage;
      struct sockaddr* name = (struct sockaddr*) &from->storage;
      n = recvfrom(fd, blocking__buffer, sizeof blocking__buffer, flags, name, &from->length);
    }
    if (n >= 0) return n;
    if (errno != EAGAIN && errno != EINTR) task_die("recv");
  }
}

static bool
blocking__send(int fd, size_t length) {
  for (size_t sent = 0; sent < length;) {
    ssize_t n = send(fd, blocking__buffer + sent, length - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    sent += (size_t) n;
  }
  return true;
}

static void
blocking__echo(const struct task* task, int fd) {
  ssize_t n;
  while ((n = blocking__receive(task, fd, NULL)) > 0) blocking__send(fd, (size_t) n);
}

// An empty datagram ends the conversation.
static void
blocking__echo_datagrams(const struct task* task, int fd) {
  struct address from;
  ssize_t n;
  while ((n = blocking__receive(task, fd, &from)) > 0) {
    struct sockaddr* to = (struct sockaddr*) &from.storage;
    if (sendto(fd, blocking__buffer, (size_t) n, 0, to, from.length) < 0) task_die("sendto");
  }
}

static void
blocking__pingpong(const struct task* task, int fd) {
  struct laps laps;
  laps_start(&laps, task);
  do {
    if (!blocking__send(fd, task->size)) task_die("send");
    for (size_t received = 0; received < task->size;) {
      ssize_t n = blocking__receive(task, fd, NULL);
      if (n == 0) task_die("the server hung up");
      received += (size_t) n;
    }
  } while (laps_lap(&laps));
  if (task->type == SOCK_DGRAM) send(fd, blocking__buffer, 0, 0);
  laps_report(&laps);
}

static void
blocking__drain(const struct task* task, int fd) {
  struct window window;
  window_open(&window, task);
  ssize_t n;
  while (!window.done && (n = blocking__receive(task, fd, NULL)) > 0) {
    window_add(&window, (uint64_t) n);
  }
  window_report(&window, task);
}

// The clock is read once in 64 KiB, so that small writes do not measure the clock.
static void
blocking__fill(const struct task* task, int fd) {
  int64_t end = clock_now() + task->warm_up + task->measure + SENDER_MARGIN;
  while (clock_now() < end) {
    for (size_t bytes = 0; bytes < sizeof blocking__buffer; bytes += task->size) {
      if (!blocking__send(fd, task->size)) return;
    }
  }
}

// The C library's own buffered writes.
static void
blocking__print(const struct task* task, int fd) {
  int64_t end = clock_now() + task->warm_up + task->measure + SENDER_MARGIN;
  FILE* file = fdopen(fd, "w");
  if (file == NULL || setvbuf(file, NULL, _IOFBF, sizeof blocking__buffer) != 0) task_die("fdopen");
  signal(SIGPIPE, SIG_IGN);
  while (clock_now() < end) {
    for (size_t bytes = 0; bytes < sizeof blocking__buffer; bytes += task->size) {
      if (fwrite(blocking__buffer, task->size, 1, file) != 1) return;
    }
  }
}

static void
blocking__greet(const struct task* task, int listener) {
  int* held = malloc((size_t) task->connections * sizeof *held);
  if (held == NULL) task_die("malloc");
  for (int i = 0; i < task->connections; i++) {
    held[i] = socket_accept(task, listener);
    send(held[i], "!", 1, MSG_NOSIGNAL);
  }
  blocking__receive(task, held[task->connections - 1], NULL);
  free(held);
}

static void
blocking__serve(const struct task* task) {
  int fd = socket_serve(task);
  if (task->type == SOCK_DGRAM) {
    blocking__echo_datagrams(task, fd);
  } else if (task->kind == ACCEPT) {
    blocking__greet(task, fd);
  } else if (task->kind == PINGPONG) {
    blocking__echo(task, socket_accept(task, fd));
  } else {
    blocking__drain(task, socket_accept(task, fd));
  }
}

void
blocking_run(const struct task* task) {
  if (task->role == SERVER) {
    blocking__serve(task);
  } else if (task->kind == PINGPONG) {
    blocking__pingpong(task, socket_dial(task));
  } else if (task->stdio) {
    blocking__print(task, socket_dial(task));
  } else {
    blocking__fill(task, socket_dial(task));
  }
}
