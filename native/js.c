#include "js.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
js_abort(napi_status status, const char* file, int line) {
  fprintf(stderr, "socketry: Node-API call failed with status %d at %s:%d\n", (int) status, file, line);
  abort();
}

static bool
js__type_error(struct js_call* call, size_t index, const char* expected) {
  char message[96];
  snprintf(message, sizeof message, "argument %zu must be %s", index, expected);
  napi_throw_type_error(call->env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

bool
js_begin(napi_env env, napi_callback_info info, size_t required, struct js_call* call) {
  call->env = env;
  call->count = JS_ARGUMENTS_MAX;
  void* data = NULL;
  CHECK(napi_get_cb_info(env, info, &call->count, call->values, NULL, &data));
  call->environment = data;
  if (call->count >= required) return true;
  return js__type_error(call, call->count, "present");
}

// napi_get_value_int32 would make descriptor 0 of NaN, and 5 of 2^32 + 5.
bool
js_int32(struct js_call* call, size_t index, int32_t* value) {
  double number;
  if (napi_get_value_double(call->env, call->values[index], &number) != napi_ok) {
    return js__type_error(call, index, "an integer");
  }
  if (number >= INT32_MIN && number <= INT32_MAX) {
    *value = (int32_t) number;
    if (*value == number) return true;
  }
  char message[96];
  snprintf(message, sizeof message, "argument %zu must be an integer of 32 bits", index);
  napi_throw_range_error(call->env, "ERR_OUT_OF_RANGE", message);
  return false;
}

bool
js_int32_or(struct js_call* call, size_t index, int32_t fallback, int32_t* value) {
  *value = fallback;
  if (call->count <= index) return true;
  napi_valuetype type;
  CHECK(napi_typeof(call->env, call->values[index], &type));
  return type == napi_undefined || js_int32(call, index, value);
}

bool
js_size(struct js_call* call, size_t index, size_t* value) {
  double number;
  if (napi_get_value_double(call->env, call->values[index], &number) != napi_ok) {
    return js__type_error(call, index, "an integer");
  }
  if (number >= 0 && number <= 9007199254740991.0) {
    *value = (size_t) number;
    if ((double) *value == number) return true;
  }
  char message[96];
  snprintf(message, sizeof message, "argument %zu must be an integer from 0 to 2^53 - 1", index);
  napi_throw_range_error(call->env, "ERR_OUT_OF_RANGE", message);
  return false;
}

static bool
js__uint8_array(const struct js_call* call, size_t index, struct bytes* bytes) {
  napi_typedarray_type type;
  void* data = NULL;
  napi_status status =
    napi_get_typedarray_info(call->env, call->values[index], &type, &bytes->length, &data, NULL, NULL);
  bytes->data = data;
  return status == napi_ok && type == napi_uint8_array;
}

bool
js_bytes(struct js_call* call, size_t index, struct bytes* bytes) {
  return js__uint8_array(call, index, bytes) || js__type_error(call, index, "a Uint8Array");
}

bool
js_bytes_or_null(struct js_call* call, size_t index, struct bytes* bytes) {
  napi_valuetype type;
  CHECK(napi_typeof(call->env, call->values[index], &type));
  if (type == napi_object) return js_bytes(call, index, bytes);
  bytes->data = NULL;
  bytes->length = 0;
  return type == napi_null || type == napi_undefined || js__type_error(call, index, "a Uint8Array or null");
}

static bool
js__narrow(struct bytes* bytes, int32_t offset, int32_t length) {
  if (offset < 0 || length < 0 || (size_t) offset > bytes->length) return false;
  if ((size_t) length > bytes->length - (size_t) offset) return false;
  if (offset > 0) bytes->data += offset;
  bytes->length = (size_t) length;
  return true;
}

bool
js_range(struct js_call* call, size_t index, struct bytes* bytes) {
  int32_t offset = 0;
  int32_t length = 0;
  if (!js_bytes(call, index, bytes) || !js_int32(call, index + 1, &offset) || !js_int32(call, index + 2, &length)) {
    return false;
  }
  if (js__narrow(bytes, offset, length)) return true;
  napi_throw_range_error(call->env, "ERR_OUT_OF_RANGE", "offset and length must lie within the buffer");
  return false;
}

bool
js_range_of(const struct js_call* call, size_t index, int32_t offset, int32_t length, struct bytes* bytes) {
  return js__uint8_array(call, index, bytes) && js__narrow(bytes, offset, length);
}

bool
js_int32_array(struct js_call* call, size_t index, int32_t** data, size_t* count) {
  napi_typedarray_type type;
  void* pointer = NULL;
  napi_status status = napi_get_typedarray_info(call->env, call->values[index], &type, count, &pointer, NULL, NULL);
  if (status != napi_ok || type != napi_int32_array) return js__type_error(call, index, "an Int32Array");
  *data = pointer;
  return true;
}

bool
js_function(struct js_call* call, size_t index) {
  napi_valuetype type;
  CHECK(napi_typeof(call->env, call->values[index], &type));
  return type == napi_function || js__type_error(call, index, "a function");
}

static bool
js__construct(napi_env env, const char* name, napi_value argument, napi_value* object) {
  napi_value global, constructor;
  return napi_get_global(env, &global) == napi_ok &&
         napi_get_named_property(env, global, name, &constructor) == napi_ok &&
         napi_new_instance(env, constructor, 1, &argument, object) == napi_ok;
}

bool
js_shared_int32(napi_env env, size_t count, int32_t** data, napi_value* array) {
  napi_value size, buffer;
  napi_ref held;
  void* memory = NULL;
  napi_typedarray_type type;
  size_t length;
  if (napi_create_uint32(env, (uint32_t) (count * sizeof **data), &size) != napi_ok ||
      !js__construct(env, "SharedArrayBuffer", size, &buffer) || !js__construct(env, "Int32Array", buffer, array) ||
      napi_get_typedarray_info(env, *array, &type, &length, &memory, NULL, NULL) != napi_ok ||
      type != napi_int32_array || length != count || napi_create_reference(env, *array, 1, &held) != napi_ok) {
    return false;
  }
  *data = memory;
  return true;
}

bool
js_can_run(const struct js_call* call) {
  napi_value ignored;
  return napi_coerce_to_bool(call->env, call->values[0], &ignored) == napi_ok;
}

napi_value
js_number(struct js_call* call, ssize_t result) {
  napi_value number;
  CHECK(napi_create_int64(call->env, result, &number));
  return number;
}
