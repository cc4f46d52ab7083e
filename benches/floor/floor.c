/* The floor: what a PHP method costs before it does anything worth calling it for. A class in C,
 * written as a C programmer would, whose methods do as little as ours could ever do. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "php.h"
#include <stddef.h>

typedef struct {
    double value;
    zend_object std;
} floor_object;

static zend_object_handlers handlers;

static inline floor_object *floor_of(zend_object *object)
{
    return (floor_object *) ((char *) object - offsetof(floor_object, std));
}

static zend_object *floor_create(zend_class_entry *class)
{
    floor_object *floor = zend_object_alloc(sizeof(floor_object), class);
    floor->value = 0;
    zend_object_std_init(&floor->std, class);
    object_properties_init(&floor->std, class);
    floor->std.handlers = &handlers;
    return &floor->std;
}

/* Does nothing at all. */
PHP_METHOD(Floor, nothing)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

/* Adds one to memory. */
PHP_METHOD(Floor, inc)
{
    ZEND_PARSE_PARAMETERS_NONE();
    floor_of(Z_OBJ_P(ZEND_THIS))->value += 1;
}

/* Adds a number to memory. */
PHP_METHOD(Floor, incBy)
{
    double by;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_DOUBLE(by)
    ZEND_PARSE_PARAMETERS_END();
    floor_of(Z_OBJ_P(ZEND_THIS))->value += by;
}

/* Walks an array of labels, and adds to memory: it looks nothing up. */
PHP_METHOD(Floor, incLabels)
{
    HashTable *labels;
    zval *label;
    double by = 0;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_ARRAY_HT(labels)
    ZEND_PARSE_PARAMETERS_END();
    ZEND_HASH_FOREACH_VAL(labels, label) {
        if (Z_TYPE_P(label) == IS_STRING) {
            by += 0.5;
        }
    } ZEND_HASH_FOREACH_END();
    floor_of(Z_OBJ_P(ZEND_THIS))->value += by;
}

/* Calls a function, and adds one to memory. */
PHP_METHOD(Floor, call)
{
    zend_fcall_info call;
    zend_fcall_info_cache cache;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_FUNC(call, cache)
    ZEND_PARSE_PARAMETERS_END();
    call.retval = return_value;
    zend_call_function(&call, &cache);
    floor_of(Z_OBJ_P(ZEND_THIS))->value += 1;
}

ZEND_BEGIN_ARG_INFO_EX(arginfo_none, 0, 0, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_INFO_EX(arginfo_by, 0, 0, 1)
    ZEND_ARG_TYPE_INFO(0, by, IS_DOUBLE, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_INFO_EX(arginfo_labels, 0, 0, 1)
    ZEND_ARG_TYPE_INFO(0, labels, IS_ARRAY, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_INFO_EX(arginfo_call, 0, 0, 1)
    ZEND_ARG_TYPE_INFO(0, fn, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

static const zend_function_entry methods[] = {
    PHP_ME(Floor, nothing, arginfo_none, ZEND_ACC_PUBLIC)
    PHP_ME(Floor, inc, arginfo_none, ZEND_ACC_PUBLIC)
    PHP_ME(Floor, incBy, arginfo_by, ZEND_ACC_PUBLIC)
    PHP_ME(Floor, incLabels, arginfo_labels, ZEND_ACC_PUBLIC)
    PHP_ME(Floor, call, arginfo_call, ZEND_ACC_PUBLIC)
    PHP_FE_END
};

PHP_MINIT_FUNCTION(floor)
{
    zend_class_entry class;
    INIT_CLASS_ENTRY(class, "Floor", methods);
    zend_register_internal_class(&class)->create_object = floor_create;
    handlers = std_object_handlers;
    handlers.offset = offsetof(floor_object, std);
    return SUCCESS;
}

zend_module_entry floor_module_entry = {
    STANDARD_MODULE_HEADER, "floor", NULL, PHP_MINIT(floor), NULL, NULL, NULL, NULL, "1", STANDARD_MODULE_PROPERTIES
};
ZEND_GET_MODULE(floor)
