// c-sendmmsg and c-gso: one-way datagrams as fast as the kernel takes and gives them in batches.
// The last datagram is one byte long, sent several times because it may be lost.
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  BATCH = 64,
  SEGMENTS_MAX = 64,    // UDP_MAX_SEGMENTS of the oldest kernels that have UDP_SEGMENT
  PAYLOAD_MAX = 65507,  // of one UDP datagram, segmented or not
  GRO_BYTES = 1 << 16,
  MARKERS = 5,
};

static const int64_t DATAGRAM_MARGIN = 100000000;

// A batch for sendmmsg or recvmmsg: one buffer, one address and one control area for each message.
struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_in names[BATCH];
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } controls[BATCH];
  unsigned char* bytes;
};

static struct batch*
datagrams__batch(size_t stride) {
  struct batch* batch = calloc(1, sizeof *batch);
  if (batch == NULL || (batch->bytes = calloc(BATCH, stride)) == NULL) task_die("calloc");
  for (size_t i = 0; i < BATCH; i++) {
    batch->parts[i] = (struct iovec) {batch->bytes + i * stride, stride};
    batch->messages[i].msg_hdr.msg_iov = &batch->parts[i];
    batch->messages[i].msg_hdr.msg_iovlen = 1;
  }
  return batch;
}

// The stride in which GRO glued datagrams together, or the whole length when it did not.
static size_t
datagrams__stride(struct mmsghdr* message) {
  struct cmsghdr* control = CMSG_FIRSTHDR(&message->msg_hdr);
  int stride = 0;
  if (control && control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
    memcpy(&stride, CMSG_DATA(control), sizeof stride);
  }
  return stride > 0 ? (size_t) stride : message->msg_len;
}

static void
datagrams__receive(const struct task* task, int fd) {
  size_t stride = task->offload ? GRO_BYTES : task->size;
  struct batch* batch = datagrams__batch(stride);
  struct timeval quiet = {.tv_sec = 2};
  struct window window;
  int on = 1;
  window_open(&window, task);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet) < 0) task_die("SO_RCVTIMEO");
  if (task->offload && setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) task_die("UDP_GRO");
  for (bool marked = false; !marked;) {
    for (size_t i = 0; i < BATCH && task->offload; i++) {
      batch->messages[i].msg_hdr.msg_control = &batch->controls[i];
      batch->messages[i].msg_hdr.msg_controllen = sizeof batch->controls[i];
    }
    int count = recvmmsg(fd, batch->messages, BATCH, MSG_WAITFORONE, NULL);
    if (count < 0) break;
    uint64_t datagrams = 0;
    for (int i = 0; i < count; i++) {
      size_t length = batch->messages[i].msg_len, step = datagrams__stride(&batch->messages[i]);
      if (length == 1 || length % step == 1) marked = true;
      else if (length % step != 0) task_die("a datagram was cut");
      if (length > 1) datagrams += length / step;
    }
    if (datagrams > 0) window_add(&window, datagrams);
  }
  window_report(&window, task);
}

// 1,000 peers are 1,000 loopback addresses, all of them answered by the server's one wildcard socket.
static void
datagrams__aim(const struct task* task, struct batch* batch, int* peer) {
  const struct sockaddr_in* first = (const struct sockaddr_in*) &task->address.storage;
  for (size_t i = 0; i < BATCH; i++) {
    batch->names[i] = *first;
    batch->names[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t) *peer);
    batch->messages[i].msg_hdr.msg_name = &batch->names[i];
    batch->messages[i].msg_hdr.msg_namelen = sizeof batch->names[i];
    *peer = (*peer + 1) % task->peers;
  }
}

static uint64_t
datagrams__send_batches(const struct task* task, int fd, int64_t end) {
  struct batch* batch = datagrams__batch(task->size);
  uint64_t sent = 0;
  int peer = 0;
  while (clock_now() < end) {
    if (task->peers > 1) datagrams__aim(task, batch, &peer);
    int count = sendmmsg(fd, batch->messages, BATCH, 0);
    if (count < 0 && errno != ENOBUFS && errno != ECONNREFUSED) task_die("sendmmsg");
    if (count > 0) sent += (uint64_t) count;
  }
  return sent;
}

static uint64_t
datagrams__send_segments(const struct task* task, int fd, int64_t end) {
  size_t segments = PAYLOAD_MAX / task->size < SEGMENTS_MAX ? PAYLOAD_MAX / task->size : SEGMENTS_MAX;
  unsigned char* bytes = calloc(segments, task->size);
  int size = (int) task->size;
  uint64_t sent = 0;
  if (bytes == NULL) task_die("calloc");
  if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size) < 0) task_die("UDP_SEGMENT");
  while (clock_now() < end) {
    if (send(fd, bytes, segments * task->size, 0) >= 0) sent += segments;
    else if (errno != ENOBUFS && errno != ECONNREFUSED) task_die("send");
  }
  return sent;
}

static void
datagrams__send(const struct task* task) {
  int fd = task->peers > 1 ? socket_new(task) : socket_dial(task);
  int64_t end = clock_now() + task->warm_up + task->measure + DATAGRAM_MARGIN;
  uint64_t sent = task->offload ? datagrams__send_segments(task, fd, end)
                                : datagrams__send_batches(task, fd, end);
  struct sockaddr_in to = *(const struct sockaddr_in*) &task->address.storage;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < MARKERS; i++) {
    clock_sleep(5000000);
    if (task->peers > 1) sendto(fd, "!", 1, 0, (struct sockaddr*) &to, sizeof to);
    else send(fd, "!", 1, 0);
  }
  printf("{\"sent\":%llu}\n", (unsigned long long) sent);
}

void
datagrams_run(const struct task* task) {
  if (task->role == SERVER) datagrams__receive(task, socket_serve(task));
  else datagrams__send(task);
}
