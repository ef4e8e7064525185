// A set of descriptor numbers: one bit each.
#ifndef SOCKETRY_NUMBERS_H
#define SOCKETRY_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// All zero is the empty set; `bits` is freed by its owner.
struct numbers {
  uint8_t* bits;
  size_t bytes;
  int32_t count;
};

bool
numbers_have(const struct numbers* numbers, int number);

// Makes room for a descriptor that is open, so that a wild number costs no memory. Returns 0 or -errno.
int
numbers_reserve(struct numbers* numbers, int fd);

// For a number that has room and is not in the set when `present`, or is in it otherwise.
void
numbers_set(struct numbers* numbers, int number, bool present);

// Closes every descriptor in the set.
void
numbers_close(const struct numbers* numbers);

#endif
