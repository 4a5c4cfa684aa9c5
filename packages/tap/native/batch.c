#include "addon.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

// A frame's header and the ranges that follow it; src/tx.ts copies together what has more.
#define MAX_RANGES 15
// Different buffers which the ranges of one batch lie in.
#define MAX_BUFFERS 64
#define ALIGNMENT 8

static ssize_t read_retrying(int fd, uint8_t* data, size_t length) {
  ssize_t n;
  do n = read(fd, data, length);
  while (n < 0 && errno == EINTR);
  return n;
}

// read(fd, slab, descriptors, lead, room) -> frames read. Each is at an 8-byte boundary plus `lead`, and `room` bytes are free for it;
// descriptors receive (offset, length) pairs. Ends when nothing is left to read, or the descriptors or the slab are full.
napi_value fata_read(napi_env env, napi_callback_info info) {
  napi_value args[5];
  int64_t fd, lead, room;
  uint8_t* slab;
  int32_t* descriptors;
  size_t slab_length, words;
  if (!fata_args(env, info, 5, args) || !fata_int(env, args[0], &fd) || !fata_bytes(env, args[1], &slab, &slab_length) ||
      !fata_words(env, args[2], &descriptors, &words) || !fata_int(env, args[3], &lead) || !fata_int(env, args[4], &room))
    return NULL;
  size_t at = 0;
  size_t count = 0;
  while (count < words / 2 && at + (size_t)lead + (size_t)room <= slab_length) {
    at += (size_t)lead;
    ssize_t n = read_retrying((int)fd, slab + at, (size_t)room);
    if (n < 0) {
      // An error behind frames is found again by the next call.
      if (count == 0) return fata_number(env, -errno);
      break;
    }
    descriptors[2 * count] = (int32_t)at;
    descriptors[2 * count + 1] = (int32_t)n;
    count++;
    at = (at + (size_t)n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  }
  return fata_number(env, (int64_t)count);
}

struct buffer {
  uint8_t* data;
  size_t length;
};

static bool take_buffers(napi_env env, napi_value array, struct buffer* buffers, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    if (napi_get_element(env, array, i, &element) != napi_ok) return false;
    if (!fata_bytes(env, element, &buffers[i].data, &buffers[i].length)) return false;
  }
  return true;
}

static bool put_range(struct iovec* range, const struct buffer* buffer, int32_t offset, int32_t length) {
  if (offset < 0 || length < 0 || (size_t)offset + (size_t)length > buffer->length) return false;
  range->iov_base = buffer->data + offset;
  range->iov_len = (size_t)length;
  return true;
}

// Reads the frame that begins at commands[*at] into ranges and moves *at behind it. Its number of ranges, or 0 where it is invalid.
static int take_frame(const int32_t* commands, size_t words, size_t* at, const struct buffer* slab,
                      const struct buffer* buffers, int64_t buffer_count, struct iovec* ranges) {
  if (*at + 3 > words) return 0;
  const int32_t* frame = commands + *at;
  int32_t count = frame[2];
  if (count < 0 || count > MAX_RANGES || *at + 3 + 3 * (size_t)count > words) return 0;
  if (!put_range(&ranges[0], slab, frame[0], frame[1])) return 0;
  for (int32_t i = 1; i <= count; i++) {
    const int32_t* range = frame + 3 * i;
    if (range[0] < 0 || range[0] >= buffer_count) return 0;
    if (!put_range(&ranges[i], &buffers[range[0]], range[1], range[2])) return 0;
  }
  *at += 3 + 3 * (size_t)count;
  return count + 1;
}

// write(fd, slab, commands, start, frames, buffers, bufferCount) -> frames written. `commands` is, per frame: offset and length in the
// slab, number of ranges; then per range: index into `buffers`, offset, length. The frames begin at commands[start], start >= 1;
// commands[0] receives the errno that stopped the frame behind the last one written, or 0.
napi_value fata_write(napi_env env, napi_callback_info info) {
  napi_value args[7];
  int64_t fd, start, frames, buffer_count;
  struct buffer slab;
  struct buffer buffers[MAX_BUFFERS];
  int32_t* commands;
  size_t words;
  if (!fata_args(env, info, 7, args) || !fata_int(env, args[0], &fd) || !fata_bytes(env, args[1], &slab.data, &slab.length) ||
      !fata_words(env, args[2], &commands, &words) || !fata_int(env, args[3], &start) ||
      !fata_int(env, args[4], &frames) || !fata_int(env, args[6], &buffer_count))
    return NULL;
  if (start < 1 || (size_t)start > words || buffer_count < 0 || buffer_count > MAX_BUFFERS) {
    napi_throw_range_error(env, NULL, "start or bufferCount is out of range");
    return NULL;
  }
  if (!take_buffers(env, args[5], buffers, (uint32_t)buffer_count)) return NULL;

  commands[0] = 0;
  size_t at = (size_t)start;
  int64_t written = 0;
  for (; written < frames; written++) {
    struct iovec ranges[MAX_RANGES + 1];
    int count = take_frame(commands, words, &at, &slab, buffers, buffer_count, ranges);
    ssize_t n;
    if (count == 0) {
      commands[0] = EFAULT;
      break;
    }
    do n = count == 1 ? write((int)fd, ranges[0].iov_base, ranges[0].iov_len) : writev((int)fd, ranges, count);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
      commands[0] = errno;
      break;
    }
  }
  return fata_number(env, written);
}
