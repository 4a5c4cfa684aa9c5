#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// open(path, writable) -> fd. Non-blocking, closed on exec.
napi_value fata_open(napi_env env, napi_callback_info info) {
  napi_value args[2];
  char path[PATH_MAX];
  size_t length;
  bool writable;
  if (!fata_args(env, info, 2, args)) return NULL;
  if (napi_get_value_string_utf8(env, args[0], path, sizeof path, &length) != napi_ok ||
      napi_get_value_bool(env, args[1], &writable) != napi_ok) {
    napi_throw_type_error(env, NULL, "a path and a boolean are needed");
    return NULL;
  }
  return fata_result(env, open(path, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC));
}

napi_value fata_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int64_t fd;
  if (!fata_args(env, info, 1, args) || !fata_int(env, args[0], &fd)) return NULL;
  return fata_result(env, close((int)fd));
}

// ioctl(fd, request, argument): the argument is a Uint8Array, passed by address, or a number, passed by value.
napi_value fata_ioctl(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int64_t fd, request, number;
  napi_valuetype type;
  if (!fata_args(env, info, 3, args) || !fata_int(env, args[0], &fd) || !fata_int(env, args[1], &request)) return NULL;
  if (napi_typeof(env, args[2], &type) != napi_ok) return NULL;
  if (type == napi_number) {
    if (!fata_int(env, args[2], &number)) return NULL;
    return fata_result(env, ioctl((int)fd, (unsigned long)request, number));
  }
  uint8_t* data;
  size_t length;
  if (!fata_bytes(env, args[2], &data, &length)) return NULL;
  return fata_result(env, ioctl((int)fd, (unsigned long)request, data));
}

// netlink(groups) -> fd of a NETLINK_ROUTE socket. Non-blocking: rtnetlink answers a request inside the write.
napi_value fata_netlink(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int64_t groups;
  if (!fata_args(env, info, 1, args) || !fata_int(env, args[0], &groups)) return NULL;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return fata_result(env, fd);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = (uint32_t)groups};
  if (bind(fd, (struct sockaddr*)&address, sizeof address) < 0) {
    int error = errno;
    close(fd);
    errno = error;
    fd = -1;
  }
  return fata_result(env, fd);
}

// setns(fd): moves the calling thread, and no other, into a network namespace.
napi_value fata_setns(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int64_t fd;
  if (!fata_args(env, info, 1, args) || !fata_int(env, args[0], &fd)) return NULL;
  return fata_result(env, setns((int)fd, CLONE_NEWNET));
}

// The numbers of ioctl requests differ between architectures.
bool fata_define_requests(napi_env env, napi_value exports) {
  static const struct {
    const char* name;
    unsigned long number;
  } requests[] = {
      {"TUNSETIFF", TUNSETIFF},
      {"TUNGETIFF", TUNGETIFF},
      {"TUNGETFEATURES", TUNGETFEATURES},
      {"TUNSETVNETHDRSZ", TUNSETVNETHDRSZ},
      {"TUNSETOFFLOAD", TUNSETOFFLOAD},
      {"TUNSETSNDBUF", TUNSETSNDBUF},
  };
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return false;
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    napi_value number = fata_number(env, (int64_t)requests[i].number);
    if (number == NULL || napi_set_named_property(env, object, requests[i].name, number) != napi_ok) return false;
  }
  return napi_set_named_property(env, exports, "requests", object) == napi_ok;
}
