/* Objects with native state, made as a class in C makes them. `engine::object` is the only Rust module that knows this file. */
#include "php.h"

/* The engine has a shorter way for sizes that the compiler knows. These are sizes that it rounds up to anyway: of timers, and of
 * metrics.
 */
static inline void *allocate(size_t size)
{
	return size <= 128 ? emalloc(128) : size <= 160 ? emalloc(160) : emalloc(size);
}

/* A new object, `handlers->offset` bytes behind the start of its memory. What lies before it is for the caller to fill, before anything
 * else happens: it is not cleared, as zend_object_alloc() would. One that can never be in a cycle is none for the cycle
 * collector, which would note it at each call.
 */
zend_object *promshm_new_object(zend_class_entry *class, const zend_object_handlers *handlers, bool is_in_no_cycle)
{
	size_t size = handlers->offset + sizeof(zend_object) + zend_object_properties_size(class);
	zend_object *object = (zend_object *) ((char *) allocate(size) + handlers->offset);
	zend_object_std_init(object, class);
	if (class->default_properties_count) {
		object_properties_init(object, class);
	}
	object->handlers = handlers;
	if (is_in_no_cycle) {
		GC_ADD_FLAGS(object, GC_NOT_COLLECTABLE);
	}
	return object;
}
