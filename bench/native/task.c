// The command line: ENGINE server|client CASE ADDRESS PARAMS, the same for every subject.
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>

void
task_die(const char* what) {
  perror(what);
  exit(1);
}

int64_t
clock_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

void
clock_sleep(int64_t nanoseconds) {
  struct timespec left = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  nanosleep(&left, NULL);
}

// The number behind "name": in flat JSON; PARAMS holds nothing else.
static long
task__number(const char* params, const char* name, long fallback) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char* found = strstr(params, key);
  return found ? strtol(found + strlen(key), NULL, 10) : fallback;
}

static enum kind
task__kind(const char* name) {
  static const char* const kinds[] = {"pingpong", "bulk", "smallwrites", "accept", "idle", "datagrams"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strncmp(name, kinds[i], strlen(kinds[i])) == 0) return (enum kind) i;
  }
  fprintf(stderr, "unknown case %s\n", name);
  exit(2);
}

// scheme://127.0.0.1:port
static void
task__inet(struct task* task, const char* text, int type) {
  struct sockaddr_in* in = (struct sockaddr_in*) &task->address.storage;
  char host[INET_ADDRSTRLEN];
  int port;
  if (sscanf(text, "%15[0-9.]:%d", host, &port) != 2) task_die("bad address");
  in->sin_family = AF_INET;
  in->sin_port = htons((uint16_t) port);
  if (inet_pton(AF_INET, host, &in->sin_addr) != 1) task_die("inet_pton");
  task->address.length = sizeof *in;
  task->domain = AF_INET;
  task->type = type;
}

static void
task__unix(struct task* task, const char* path, int type) {
  struct sockaddr_un* un = (struct sockaddr_un*) &task->address.storage;
  if (strlen(path) >= sizeof un->sun_path) task_die("path too long");
  un->sun_family = AF_UNIX;
  memcpy(un->sun_path, path, strlen(path) + 1);
  task->address.length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
  task->domain = AF_UNIX;
  task->type = type;
}

static void
task__address(struct task* task, const char* text) {
  if (strncmp(text, "tcp://", 6) == 0) {
    task__inet(task, text + 6, SOCK_STREAM);
  } else if (strncmp(text, "udp://", 6) == 0) {
    task__inet(task, text + 6, SOCK_DGRAM);
  } else if (strncmp(text, "unix-dgram:", 11) == 0) {
    task__unix(task, text + 11, SOCK_DGRAM);
  } else if (strncmp(text, "unix-seqpacket:", 15) == 0) {
    task__unix(task, text + 15, SOCK_SEQPACKET);
  } else {
    task__unix(task, text + strlen("unix:"), SOCK_STREAM);
  }
}

struct task
task_parse(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: subject blocking|epoll|sendmmsg|gso|flood server|client CASE ADDRESS PARAMS\n");
    exit(2);
  }
  const char* params = argv[5];
  struct task task = {
    .role = strcmp(argv[2], "server") == 0 ? SERVER : CLIENT,
    .kind = task__kind(argv[3]),
    .size = (size_t) task__number(params, "size", 64),
    .warm_up = task__number(params, "warmUpMs", 100) * 1000000,
    .measure = task__number(params, "measureMs", 500) * 1000000,
    .connections = (int) task__number(params, "connections", 1000),
    .in_flight = (int) task__number(params, "inFlight", 64),
    .baseline = (int) task__number(params, "baseline", 0),
    .peers = (int) task__number(params, "peers", 1),
    .receive_buffer = (int) task__number(params, "receiveBuffer", 0),
    .spin = task__number(params, "spin", 0) != 0,
    .stdio = task__number(params, "stdio", 0) != 0,
    .offload = strcmp(argv[1], "gso") == 0,
  };
  task__address(&task, argv[4]);
  return task;
}

// Thousands of connections are held at once; the soft limit is often 1,024.
static void
task__raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) task_die("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) task_die("setrlimit");
}

int
main(int argc, char** argv) {
  task__raise_descriptor_limit();
  struct task task = task_parse(argc, argv);
  if (strcmp(argv[1], "blocking") == 0) {
    blocking_run(&task);
  } else if (strcmp(argv[1], "epoll") == 0) {
    epoll_run(&task);
  } else if (strcmp(argv[1], "flood") == 0) {
    flood_run(&task);
  } else {
    datagrams_run(&task);
  }
  return 0;
}
