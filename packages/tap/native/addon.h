// The native side of @fata/tap: system calls that Node does not offer. It decides nothing; src/native.ts says what each function does.
// No mutable static data: the addon may be loaded into any number of threads.

#ifndef FATA_TAP_ADDON_H
#define FATA_TAP_ADDON_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Each reads its arguments or returns false with a JavaScript exception pending.
bool fata_args(napi_env env, napi_callback_info info, size_t count, napi_value* args);
bool fata_int(napi_env env, napi_value value, int64_t* out);
bool fata_bytes(napi_env env, napi_value value, uint8_t** data, size_t* length);
bool fata_words(napi_env env, napi_value value, int32_t** data, size_t* length);

napi_value fata_number(napi_env env, int64_t value);

// What the operating system answered: `value`, or -errno where it is negative.
napi_value fata_result(napi_env env, int64_t value);

napi_value fata_open(napi_env env, napi_callback_info info);
napi_value fata_close(napi_env env, napi_callback_info info);
napi_value fata_ioctl(napi_env env, napi_callback_info info);
napi_value fata_netlink(napi_env env, napi_callback_info info);
napi_value fata_setns(napi_env env, napi_callback_info info);
napi_value fata_read(napi_env env, napi_callback_info info);
napi_value fata_write(napi_env env, napi_callback_info info);
napi_value fata_watch(napi_env env, napi_callback_info info);
napi_value fata_watch_events(napi_env env, napi_callback_info info);
napi_value fata_watch_ref(napi_env env, napi_callback_info info);
napi_value fata_watch_close(napi_env env, napi_callback_info info);

bool fata_define_requests(napi_env env, napi_value exports);

#endif
