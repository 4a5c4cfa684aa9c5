#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

// A descriptor watched by the event loop. It lives until both the loop and JavaScript have let go of it.
struct watch {
  uv_poll_t poll;
  uv_fs_t request;
  napi_env env;
  int fd;
  int holders;
  bool closed;
  bool torn_down;
  napi_ref callback;
  napi_ref done;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
};

static void release(struct watch* w) {
  if (--w->holders == 0) free(w);
}

static void call(struct watch* w, napi_ref function_ref, size_t argc, const napi_value* argv) {
  napi_value function, receiver, result;
  if (napi_get_reference_value(w->env, function_ref, &function) != napi_ok || function == NULL) return;
  if (napi_get_global(w->env, &receiver) != napi_ok) return;
  if (napi_make_callback(w->env, w->context, receiver, function, argc, argv, &result) != napi_pending_exception) return;
  napi_value exception;
  if (napi_get_and_clear_last_exception(w->env, &exception) == napi_ok) napi_fatal_exception(w->env, exception);
}

static void on_poll(uv_poll_t* poll, int status, int events) {
  struct watch* w = poll->data;
  napi_handle_scope scope;
  if (napi_open_handle_scope(w->env, &scope) != napi_ok) return;
  napi_value argument = fata_number(w->env, status < 0 ? status : events);
  if (argument != NULL) call(w, w->callback, 1, &argument);
  napi_close_handle_scope(w->env, scope);
}

static void forget_javascript(struct watch* w) {
  napi_delete_reference(w->env, w->callback);
  if (w->done != NULL) napi_delete_reference(w->env, w->done);
  napi_async_destroy(w->env, w->context);
}

static void on_finalize(napi_env env, void* data, void* hint) {
  (void)env;
  (void)hint;
  release(data);
}

static void on_fd_closed(uv_fs_t* request) {
  struct watch* w = request->data;
  uv_fs_req_cleanup(request);
  napi_handle_scope scope;
  if (!w->torn_down && napi_open_handle_scope(w->env, &scope) == napi_ok) {
    call(w, w->done, 0, NULL);
    forget_javascript(w);
    napi_close_handle_scope(w->env, scope);
  }
  napi_remove_async_cleanup_hook(w->cleanup);
  release(w);
}

static void on_poll_closed(uv_handle_t* handle) {
  struct watch* w = handle->data;
  w->request.data = w;
  // Closing the last descriptor of an interface waits for the kernel to take it down, so another thread does it.
  if (uv_fs_close(handle->loop, &w->request, w->fd, on_fd_closed) < 0)
    napi_fatal_error("fata_tap", NAPI_AUTO_LENGTH, "cannot close a descriptor", NAPI_AUTO_LENGTH);
}

static void start_closing(struct watch* w) {
  w->closed = true;
  uv_poll_stop(&w->poll);
  uv_close((uv_handle_t*)&w->poll, on_poll_closed);
}

// The thread ends: no JavaScript may run any more.
static void on_cleanup(napi_async_cleanup_hook_handle hook, void* data) {
  (void)hook;
  struct watch* w = data;
  w->torn_down = true;
  forget_javascript(w);
  if (!w->closed) start_closing(w);
}

// watch(fd, callback(events)) -> handle. Watches for nothing yet and does not keep the loop alive.
napi_value fata_watch(napi_env env, napi_callback_info info) {
  napi_value args[2], name, handle;
  int64_t fd;
  uv_loop_t* loop;
  if (!fata_args(env, info, 2, args) || !fata_int(env, args[0], &fd)) return NULL;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return NULL;
  struct watch* w = calloc(1, sizeof *w);
  if (w == NULL) return fata_number(env, -ENOMEM);
  w->env = env;
  w->fd = (int)fd;
  int error = uv_poll_init(loop, &w->poll, w->fd);
  if (error < 0) {
    free(w);
    return fata_number(env, error);
  }
  w->poll.data = w;
  w->holders = 2;
  uv_unref((uv_handle_t*)&w->poll);
  if (napi_create_string_utf8(env, "fata_tap", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &w->context) != napi_ok ||
      napi_create_reference(env, args[1], 1, &w->callback) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_cleanup, w, &w->cleanup) != napi_ok ||
      napi_create_external(env, w, on_finalize, NULL, &handle) != napi_ok)
    napi_fatal_error("fata_tap", NAPI_AUTO_LENGTH, "out of memory", NAPI_AUTO_LENGTH);
  return handle;
}

static struct watch* take(napi_env env, napi_value handle) {
  struct watch* w;
  if (napi_get_value_external(env, handle, (void**)&w) == napi_ok) return w;
  napi_throw_type_error(env, NULL, "a watch is needed");
  return NULL;
}

// watchEvents(handle, events): 1 readable, 2 writable, 0 nothing.
napi_value fata_watch_events(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int64_t events;
  struct watch* w;
  if (!fata_args(env, info, 2, args) || (w = take(env, args[0])) == NULL || !fata_int(env, args[1], &events)) return NULL;
  if (w->closed) return fata_number(env, -EBADF);
  return fata_number(env, events == 0 ? uv_poll_stop(&w->poll) : uv_poll_start(&w->poll, (int)events, on_poll));
}

// watchRef(handle, keepsLoopAlive)
napi_value fata_watch_ref(napi_env env, napi_callback_info info) {
  napi_value args[2];
  bool wanted;
  struct watch* w;
  if (!fata_args(env, info, 2, args) || (w = take(env, args[0])) == NULL) return NULL;
  if (napi_get_value_bool(env, args[1], &wanted) != napi_ok || w->closed) return NULL;
  if (wanted) uv_ref((uv_handle_t*)&w->poll);
  else uv_unref((uv_handle_t*)&w->poll);
  return NULL;
}

// watchClose(handle, done): stops watching, closes the descriptor and calls `done`. Once.
napi_value fata_watch_close(napi_env env, napi_callback_info info) {
  napi_value args[2];
  struct watch* w;
  if (!fata_args(env, info, 2, args) || (w = take(env, args[0])) == NULL) return NULL;
  if (w->closed) return NULL;
  if (napi_create_reference(env, args[1], 1, &w->done) == napi_ok) start_closing(w);
  return NULL;
}
