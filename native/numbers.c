#include "numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
numbers_have(const struct numbers* numbers, int number) {
  size_t index = number < 0 ? SIZE_MAX : (size_t) number / CHAR_BIT;
  return index < numbers->bytes && (numbers->bits[index] & (1U << (number % CHAR_BIT))) != 0;
}

int
numbers_reserve(struct numbers* numbers, int fd) {
  if (fd < 0) return -EBADF;
  size_t index = (size_t) fd / CHAR_BIT;
  if (index < numbers->bytes) return 0;
  if (fcntl(fd, F_GETFD) < 0) return -errno;
  size_t bytes = index * 2 + 32;
  uint8_t* bits = realloc(numbers->bits, bytes);
  if (bits == NULL) return -ENOMEM;
  memset(bits + numbers->bytes, 0, bytes - numbers->bytes);
  numbers->bits = bits;
  numbers->bytes = bytes;
  return 0;
}

void
numbers_set(struct numbers* numbers, int number, bool present) {
  uint8_t bit = (uint8_t) (1U << (number % CHAR_BIT));
  uint8_t* byte = &numbers->bits[number / CHAR_BIT];
  *byte = present ? (uint8_t) (*byte | bit) : (uint8_t) (*byte & ~bit);
  numbers->count += present ? 1 : -1;
}

void
numbers_close(const struct numbers* numbers) {
  for (size_t fd = 0; fd < numbers->bytes * CHAR_BIT; fd++) {
    if (numbers_have(numbers, (int) fd)) close((int) fd);
  }
}
