#include "addon.h"

#include <errno.h>

bool fata_args(napi_env env, napi_callback_info info, size_t count, napi_value* args) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, args, NULL, NULL) != napi_ok) return false;
  if (given >= count) return true;
  napi_throw_type_error(env, NULL, "too few arguments");
  return false;
}

bool fata_int(napi_env env, napi_value value, int64_t* out) {
  if (napi_get_value_int64(env, value, out) == napi_ok) return true;
  napi_throw_type_error(env, NULL, "a number is needed");
  return false;
}

static bool typed_array(napi_env env, napi_value value, napi_typedarray_type wanted, void** data, size_t* length) {
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == wanted) return true;
  napi_throw_type_error(env, NULL, wanted == napi_uint8_array ? "a Uint8Array is needed" : "an Int32Array is needed");
  return false;
}

bool fata_bytes(napi_env env, napi_value value, uint8_t** data, size_t* length) {
  return typed_array(env, value, napi_uint8_array, (void**)data, length);
}

bool fata_words(napi_env env, napi_value value, int32_t** data, size_t* length) {
  return typed_array(env, value, napi_int32_array, (void**)data, length);
}

napi_value fata_number(napi_env env, int64_t value) {
  napi_value result;
  return napi_create_int64(env, value, &result) == napi_ok ? result : NULL;
}

napi_value fata_result(napi_env env, int64_t value) {
  return fata_number(env, value < 0 ? -errno : value);
}

NAPI_MODULE_INIT() {
  static const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"open", fata_open},
      {"close", fata_close},
      {"ioctl", fata_ioctl},
      {"netlink", fata_netlink},
      {"setns", fata_setns},
      {"read", fata_read},
      {"write", fata_write},
      {"watch", fata_watch},
      {"watchEvents", fata_watch_events},
      {"watchRef", fata_watch_ref},
      {"watchClose", fata_watch_close},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok)
      return NULL;
  }
  return fata_define_requests(env, exports) ? exports : NULL;
}
