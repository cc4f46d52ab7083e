/* What a request and the process tell of themselves, where PHP's headers have it in macros. `engine::request` is the only Rust module
 * that knows this file.
 */
#include "php.h"
#include "SAPI.h"
#include <syslog.h>
#include "zend_exceptions.h"
#include "zend_gc.h"

typedef struct {
	const char *sapi;
	const char *method; /* NULL outside of a web server */
	int response_code;
	int exit_status;
	bool is_web;
} promshm_request_t;

bool promshm_logs(void)
{
	return PG(log_errors);
}

/* Writes a line into PHP's log: not to a page, whatever display_errors says. */
void promshm_log(const char *line)
{
	php_log_err_with_severity(line, LOG_NOTICE);
}

void promshm_read_request(promshm_request_t *request)
{
	request->sapi = sapi_module.name;
	request->method = SG(request_info).request_method;
	request->response_code = SG(sapi_headers).http_response_code;
	request->exit_status = EG(exit_status);
	request->is_web = strcmp(sapi_module.name, "cli") && strcmp(sapi_module.name, "embed") && strcmp(sapi_module.name, "phpdbg");
}

typedef struct {
	double realpath_used, realpath_limit, gc_roots, gc_collected;
} promshm_runtime_t;

void promshm_read_runtime(promshm_runtime_t *runtime)
{
	zend_gc_status gc;
	zend_gc_get_status(&gc);
	/* The cache's own numbers are not exported, but a function tells them. */
	zval size;
	zend_function *found = zend_hash_str_find_ptr(CG(function_table), ZEND_STRL("realpath_cache_size"));
	ZVAL_UNDEF(&size);
	if (found && found->type == ZEND_INTERNAL_FUNCTION && !EG(exception)) {
		zend_call_known_function(found, NULL, NULL, &size, 0, NULL, NULL);
	}
	runtime->realpath_used = Z_TYPE(size) == IS_LONG ? (double) Z_LVAL(size) : 0;
	runtime->realpath_limit = (double) zend_ini_long((char *) ZEND_STRL("realpath_cache_size"), 0);
	runtime->gc_roots = gc.num_roots;
	runtime->gc_collected = gc.collected;
}

/* Calls an internal function that returns an array of numbers; false if there is none, or it returns something else. */
bool promshm_read_status(const char *function, bool pass_false, zval *result)
{
	zval argument;
	zend_function *found = zend_hash_str_find_ptr(CG(function_table), function, strlen(function));
	ZVAL_UNDEF(result);
	if (!found || found->type != ZEND_INTERNAL_FUNCTION || EG(exception)) {
		return false;
	}
	ZVAL_FALSE(&argument);
	zend_call_known_function(found, NULL, NULL, result, pass_false ? 1 : 0, &argument, NULL);
	if (EG(exception)) {
		zend_clear_exception();
	}
	if (Z_TYPE_P(result) == IS_ARRAY) {
		return true;
	}
	zval_ptr_dtor(result);
	return false;
}

/* The element under these keys; the second may be NULL. */
zval *promshm_element(zval *array, const char *key, const char *inner)
{
	zval *found = array && Z_TYPE_P(array) == IS_ARRAY ? zend_hash_str_find(Z_ARRVAL_P(array), key, strlen(key)) : NULL;
	return inner ? promshm_element(found, inner, NULL) : found;
}

void promshm_release(zval *value)
{
	zval_ptr_dtor(value);
}

/* Whether opcache.restrict_api lets the running script ask. */
bool promshm_may_ask_opcache(void)
{
	const char *folder = zend_ini_string(ZEND_STRL("opcache.restrict_api"), 0);
	const char *script = SG(request_info).path_translated;
	return !folder || !*folder || (script && !strncmp(script, folder, strlen(folder)));
}

typedef void (*thrown_t)(zend_object *);
static thrown_t former_hook;
static thrown_t tell;

static void on_throw(zend_object *exception)
{
	if (exception) {
		tell(exception);
	}
	if (former_hook) {
		former_hook(exception);
	}
}

/* At module startup: `hook` is told of each exception from now on. */
void promshm_watch_exceptions(thrown_t hook)
{
	tell = hook;
	former_hook = zend_throw_exception_hook;
	zend_throw_exception_hook = on_throw;
}

/* At module shutdown. */
void promshm_leave_exceptions(void)
{
	if (zend_throw_exception_hook == on_throw) {
		zend_throw_exception_hook = former_hook;
	}
}
