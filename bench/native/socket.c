// Sockets with the settings every subject is asked to use: TCP_NODELAY on, kernel-default stream buffers.
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void
socket__no_delay(const struct task* task, int fd) {
  int on = 1;
  if (task->domain != AF_INET || task->type != SOCK_STREAM) return;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) task_die("TCP_NODELAY");
}

int
socket_new(const struct task* task) {
  int fd = socket(task->domain, task->type, 0);
  if (fd < 0) task_die("socket");
  socket__no_delay(task, fd);
  return fd;
}

// One line that tells the runner where the server listens.
static void
socket__announce(int fd) {
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  int type;
  socklen_t size = sizeof type;
  if (getsockname(fd, (struct sockaddr*) &name, &length) < 0) task_die("getsockname");
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) task_die("SO_TYPE");
  if (name.ss_family == AF_INET) {
    struct sockaddr_in* in = (struct sockaddr_in*) &name;
    char host[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
    const char* scheme = type == SOCK_STREAM ? "tcp" : "udp";
    printf("{\"ready\":\"%s://%s:%d\"}\n", scheme, host, ntohs(in->sin_port));
  } else {
    struct sockaddr_un* un = (struct sockaddr_un*) &name;
    const char* suffix = type == SOCK_STREAM ? "" : type == SOCK_DGRAM ? "-dgram" : "-seqpacket";
    printf("{\"ready\":\"unix%s:%s\"}\n", suffix, un->sun_path);
  }
  fflush(stdout);
}

static void
socket__receive_buffer(const struct task* task, int fd) {
  if (task->receive_buffer == 0) return;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &task->receive_buffer, sizeof(int)) < 0) {
    task_die("SO_RCVBUF");
  }
}

int
socket_serve(const struct task* task) {
  int fd = socket_new(task);
  socket__receive_buffer(task, fd);
  if (bind(fd, (const struct sockaddr*) &task->address.storage, task->address.length) < 0) {
    task_die("bind");
  }
  if (task->type != SOCK_DGRAM && listen(fd, 4096) < 0) task_die("listen");
  socket__announce(fd);
  return fd;
}

// A Unix datagram socket must have a name of its own to be answered.
static void
socket__bind_beside(const struct task* task, int fd) {
  struct sockaddr_un un = *(const struct sockaddr_un*) &task->address.storage;
  size_t length = strlen(un.sun_path);
  if (length + 8 > sizeof un.sun_path) task_die("path too long");
  memcpy(un.sun_path + length, ".client", 8);
  if (bind(fd, (struct sockaddr*) &un, sizeof un) < 0) task_die("bind");
}

int
socket_dial(const struct task* task) {
  int fd = socket_new(task);
  if (task->domain == AF_UNIX && task->type == SOCK_DGRAM) socket__bind_beside(task, fd);
  if (connect(fd, (const struct sockaddr*) &task->address.storage, task->address.length) < 0) {
    task_die("connect");
  }
  return fd;
}

int
socket_accept(const struct task* task, int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) task_die("accept");
  socket__no_delay(task, fd);
  return fd;
}
