/* What differs between PHP versions: syntax trees, flags of functions, declared properties.
 *
 * A listed function is rewritten while it is compiled:
 *
 *     function f(...) { body }
 *     function f(...) { \enter('f'); try { body } finally { \leave(); } }
 *
 * The literal, not a number, says which function it is: opcache shares compiled code between processes. `engine::functions`
 * is the only Rust module that knows this file.
 */
#include "php.h"
#include "zend_ast.h"
#include "zend_attributes.h"
#include "zend_compile.h"
#include "zend_exceptions.h"
#include "zend_strtod.h"
#include "zend_system_id.h"

/* Names with a space: no script can write them as a call. */
#define ENTER "promshm enter"
#define LEAVE "promshm leave"
/* How the table of functions has them: get_defined_functions() leaves out what begins with a NUL, and tools that write a
 * call of each function meet no name that is none.
 */
#define HIDDEN(name) "\0" name
#define OBSERVE "promshm\\observe"

/* Attributes of one declaration that are looked at. */
#define MOST_ATTRIBUTES 16

typedef void (*handler_t)(zend_execute_data *, zval *);

/* The declaration of a function or method, as the syntax tree has it. */
typedef struct {
	zend_string *class_name; /* NULL for a function */
	zend_string *name;
	zend_string *class_attributes[MOST_ATTRIBUTES];
	size_t class_attribute_count;
	zend_string *attributes[MOST_ATTRIBUTES];
	size_t attribute_count;
	zend_string *options; /* the arguments of #[Promshm\Observe], as text; or NULL */
	bool is_generator;
} declaration_t;

/* Returns a new string that names the function in the compiled code, or NULL if it is not listed. */
typedef zend_string *(*select_t)(const declaration_t *);

/* Whether the class's name is enough for methods of it to be listed. */
typedef bool (*lists_class_t)(const declaration_t *);

static zend_ast_process_t former_process;
static select_t select_function;
static lists_class_t lists_class;
static bool select_by_attributes;

/* Where a name stands: its namespace, and the statements that may import names. */
typedef struct {
	zend_string *namespace;
	zend_ast_list *statements;
	uint32_t first;
} scope_t;

/* ---- names ---- */

static zend_string *join(zend_string *namespace, zend_string *name)
{
	if (!namespace) {
		return zend_string_copy(name);
	}
	return zend_string_concat3(ZSTR_VAL(namespace), ZSTR_LEN(namespace), "\\", 1, ZSTR_VAL(name), ZSTR_LEN(name));
}

/* Length of the first part of a name. */
static size_t first_part(const zend_string *name)
{
	const char *end = memchr(ZSTR_VAL(name), '\\', ZSTR_LEN(name));
	return end ? (size_t) (end - ZSTR_VAL(name)) : ZSTR_LEN(name);
}

static bool is_alias(zend_ast *element, zend_string *name, size_t part)
{
	zend_string *old = zend_ast_get_str(element->child[0]);
	const char *alias = ZSTR_VAL(old);
	size_t length = ZSTR_LEN(old);
	if (element->child[1]) {
		alias = ZSTR_VAL(zend_ast_get_str(element->child[1]));
		length = ZSTR_LEN(zend_ast_get_str(element->child[1]));
	} else {
		const char *last = zend_memrchr(alias, '\\', length);
		if (last) {
			length -= last + 1 - alias;
			alias = last + 1;
		}
	}
	return length == part && !strncasecmp(alias, ZSTR_VAL(name), part);
}

/* The name that a list of imports gives to `name`, or NULL. */
static zend_string *imported_from(zend_ast *uses, zend_string *prefix, zend_string *name, size_t part)
{
	zend_ast_list *list = zend_ast_get_list(uses);
	for (uint32_t i = 0; i < list->children; i++) {
		zend_ast *element = list->child[i];
		uint32_t kind = uses->attr ? uses->attr : element->attr;
		if ((kind == 0 || kind == ZEND_SYMBOL_CLASS) && is_alias(element, name, part)) {
			zend_string *full = join(prefix, zend_ast_get_str(element->child[0]));
			zend_string *whole = zend_string_concat2(ZSTR_VAL(full), ZSTR_LEN(full), ZSTR_VAL(name) + part, ZSTR_LEN(name) - part);
			zend_string_release(full);
			return whole;
		}
	}
	return NULL;
}

static zend_string *imported(const scope_t *scope, zend_string *name)
{
	size_t part = first_part(name);
	for (uint32_t i = scope->first; scope->statements && i < scope->statements->children; i++) {
		zend_ast *statement = scope->statements->child[i];
		zend_string *found = NULL;
		if (!statement) {
			continue;
		}
		if (statement->kind == ZEND_AST_NAMESPACE && i > scope->first) {
			break;
		} else if (statement->kind == ZEND_AST_USE) {
			found = imported_from(statement, NULL, name, part);
		} else if (statement->kind == ZEND_AST_GROUP_USE) {
			found = imported_from(statement->child[1], zend_ast_get_str(statement->child[0]), name, part);
		}
		if (found) {
			return found;
		}
	}
	return NULL;
}

/* The full name of a class, as the compiler will resolve it. */
static zend_string *resolved(const scope_t *scope, zend_ast *ast)
{
	zend_string *name = zend_ast_get_str(ast);
	if (ast->attr == ZEND_NAME_FQ) {
		return ZSTR_VAL(name)[0] == '\\' ? zend_string_init(ZSTR_VAL(name) + 1, ZSTR_LEN(name) - 1, 0) : zend_string_copy(name);
	}
	zend_string *found = ast->attr == ZEND_NAME_RELATIVE ? NULL : imported(scope, name);
	return found ? found : join(scope->namespace, name);
}

/* ---- attributes ---- */

/* Appends to a text that is NULL while it is empty. Not by PHP's smart_str: its inline functions call one that came with a later
 * release of the same PHP, so what is compiled with those headers would not load in earlier ones.
 */
static void append(zend_string **text, const char *bytes, size_t length)
{
	zend_string *former = *text;
	*text = former ? zend_string_concat2(ZSTR_VAL(former), ZSTR_LEN(former), bytes, length) : zend_string_init(bytes, length, 0);
	if (former) {
		zend_string_release(former);
	}
}

static void append_and_release(zend_string **text, zend_string *more)
{
	append(text, ZSTR_VAL(more), ZSTR_LEN(more));
	zend_string_release(more);
}

static void append_literal(zend_string **text, zend_ast *value)
{
	zval *literal = value && value->kind == ZEND_AST_ZVAL ? zend_ast_get_zval(value) : NULL;
	if (literal && Z_TYPE_P(literal) == IS_STRING) {
		append(text, Z_STRVAL_P(literal), Z_STRLEN_P(literal));
	} else if (literal && Z_TYPE_P(literal) == IS_LONG) {
		append_and_release(text, zend_long_to_str(Z_LVAL_P(literal)));
	} else if (literal && Z_TYPE_P(literal) == IS_DOUBLE) {
		char digits[64];
		zend_gcvt(Z_DVAL_P(literal), 17, '.', 'E', digits);
		append(text, digits, strlen(digits));
	} else {
		append(text, ZEND_STRL("?")); /* no literal: the entry is refused where it is read */
	}
}

static void append_list(zend_string **text, zend_ast *value, bool keyed)
{
	if (!value || value->kind != ZEND_AST_ARRAY) {
		append(text, ZEND_STRL("?"));
		return;
	}
	zend_ast_list *list = zend_ast_get_list(value);
	for (uint32_t i = 0; i < list->children; i++) {
		zend_ast *element = list->child[i];
		if (i) {
			append(text, ZEND_STRL(","));
		}
		if (keyed && element && element->kind == ZEND_AST_ARRAY_ELEM && element->child[1]) {
			append_literal(text, element->child[1]);
			append(text, ZEND_STRL("="));
		}
		append_literal(text, element && element->kind == ZEND_AST_ARRAY_ELEM ? element->child[0] : NULL);
	}
}

static bool is_empty_array(zend_ast *value)
{
	return value->kind == ZEND_AST_ARRAY && zend_ast_get_list(value)->children == 0;
}

/* The argument of an attribute by name, or by position; NULL if it is not given. */
static zend_ast *argument(zend_ast *arguments, const char *name, uint32_t position)
{
	zend_ast_list *list = arguments ? zend_ast_get_list(arguments) : NULL;
	for (uint32_t i = 0; list && i < list->children; i++) {
		zend_ast *found = list->child[i];
		if (found->kind == ZEND_AST_NAMED_ARG) {
			if (zend_string_equals_cstr(zend_ast_get_str(found->child[0]), name, strlen(name))) {
				return found->child[1];
			}
		} else if (i == position) {
			return found;
		}
	}
	return NULL;
}

/* `#[Observe('jobs', ['queue' => 'arg1'], [1, 2])]` as `{queue=arg1} as jobs buckets(1,2)`. */
static zend_string *options_of(zend_ast *arguments)
{
	zend_string *text = NULL;
	zend_ast *name = argument(arguments, "name", 0);
	zend_ast *labels = argument(arguments, "labels", 1);
	zend_ast *buckets = argument(arguments, "buckets", 2);
	if (labels && !is_empty_array(labels)) {
		append(&text, ZEND_STRL("{"));
		append_list(&text, labels, true);
		append(&text, ZEND_STRL("}"));
	}
	if (name) {
		append(&text, ZEND_STRL(" as "));
		append_literal(&text, name);
	}
	if (buckets && !is_empty_array(buckets)) {
		append(&text, ZEND_STRL(" buckets("));
		append_list(&text, buckets, false);
		append(&text, ZEND_STRL(")"));
	}
	return text;
}

static size_t attributes_of(const scope_t *scope, zend_ast *ast, zend_string **names, zend_string **options)
{
	size_t count = 0;
	zend_ast_list *groups = ast && select_by_attributes ? zend_ast_get_list(ast) : NULL;
	for (uint32_t g = 0; groups && g < groups->children; g++) {
		zend_ast_list *group = zend_ast_get_list(groups->child[g]);
		for (uint32_t i = 0; i < group->children && count < MOST_ATTRIBUTES; i++) {
			zend_ast *attribute = group->child[i];
			names[count] = resolved(scope, attribute->child[0]);
			if (options && !*options && zend_string_equals_literal_ci(names[count], OBSERVE)) {
				*options = options_of(attribute->child[1]);
			}
			count++;
		}
	}
	return count;
}

static void release_names(zend_string **names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		zend_string_release(names[i]);
	}
}

/* ---- rewriting ---- */

static zend_ast *call(const char *name, size_t length, zend_ast *arguments, uint32_t line)
{
	zval function;
	ZVAL_STR(&function, zend_string_init_interned(name, length, 0));
	zend_ast *callee = zend_ast_create_zval_ex(&function, ZEND_NAME_FQ);
	zend_ast *made = zend_ast_create(ZEND_AST_CALL, callee, arguments);
	Z_LINENO(((zend_ast_zval *) callee)->val) = line;
	made->lineno = arguments->lineno = line;
	return made;
}

static uint32_t first_line(zend_ast_decl *function)
{
	zend_ast *body = function->child[2];
	if (zend_ast_is_list(body)) {
		zend_ast_list *list = zend_ast_get_list(body);
		return list->children && list->child[0] ? zend_ast_get_lineno(list->child[0]) : function->end_lineno;
	}
	return function->end_lineno;
}

static void rewrite(zend_ast_decl *function, zend_string *literal)
{
	zval text;
	uint32_t line = first_line(function);
	ZVAL_STR(&text, zend_new_interned_string(literal));
	zend_ast *argument = zend_ast_create_zval(&text);
	Z_LINENO(((zend_ast_zval *) argument)->val) = line; /* else it has the file's last one, which coverage tools would see */
	zend_ast *arguments = zend_ast_create_list(1, ZEND_AST_ARG_LIST, argument);
	zend_ast *leave = call(ZEND_STRL(HIDDEN(LEAVE)), zend_ast_create_list(0, ZEND_AST_ARG_LIST), function->end_lineno);
	zend_ast *finally = zend_ast_create_list(1, ZEND_AST_STMT_LIST, leave);
	zend_ast *catches = zend_ast_create_list(0, ZEND_AST_CATCH_LIST);
	zend_ast *attempt = zend_ast_create(ZEND_AST_TRY, function->child[2], catches, finally);
	zend_ast *body = zend_ast_create_list(2, ZEND_AST_STMT_LIST, call(ZEND_STRL(HIDDEN(ENTER)), arguments, line), attempt);
	finally->lineno = function->end_lineno;
	catches->lineno = attempt->lineno = body->lineno = line;
	function->child[2] = body;
}

static void look_at(zend_ast_decl *function, declaration_t *declaration, const scope_t *scope)
{
	if (!function->child[2]) {
		return; /* abstract */
	}
	declaration->options = NULL;
	declaration->is_generator = (function->flags & ZEND_ACC_GENERATOR) != 0;
	declaration->attribute_count = attributes_of(scope, function->child[4], declaration->attributes, &declaration->options);
	zend_string *literal = select_function(declaration);
	if (literal) {
		rewrite(function, literal);
	}
	release_names(declaration->attributes, declaration->attribute_count);
	if (declaration->options) {
		zend_string_release(declaration->options);
	}
}

static void look_at_function(zend_ast_decl *function, const scope_t *scope)
{
	declaration_t declaration = {0};
	declaration.name = join(scope->namespace, function->name);
	look_at(function, &declaration, scope);
	zend_string_release(declaration.name);
}

static void look_at_class(zend_ast_decl *class, const scope_t *scope)
{
	declaration_t declaration = {0};
	if (!class->name || !class->child[2]) {
		return;
	}
	declaration.class_name = join(scope->namespace, class->name);
	declaration.class_attribute_count = attributes_of(scope, class->child[3], declaration.class_attributes, NULL);
	/* Of most classes no method is listed: then the methods' own attributes are all that is looked at. */
	bool may_be_any = declaration.class_attribute_count || lists_class(&declaration);
	zend_ast_list *members = zend_ast_get_list(class->child[2]);
	for (uint32_t i = 0; (may_be_any || select_by_attributes) && i < members->children; i++) {
		if (members->child[i] && members->child[i]->kind == ZEND_AST_METHOD) {
			zend_ast_decl *method = (zend_ast_decl *) members->child[i];
			if (!may_be_any && !method->child[4]) {
				continue;
			}
			declaration.name = method->name;
			look_at(method, &declaration, scope);
		}
	}
	release_names(declaration.class_attributes, declaration.class_attribute_count);
	zend_string_release(declaration.class_name);
}

static void walk(zend_ast *ast, const scope_t *scope);

static void walk_list(zend_ast *ast, const scope_t *outer)
{
	zend_ast_list *list = zend_ast_get_list(ast);
	scope_t scope = *outer;
	if (!scope.statements) {
		scope.statements = list;
	}
	for (uint32_t i = 0; i < list->children; i++) {
		zend_ast *statement = list->child[i];
		if (!statement || statement->kind != ZEND_AST_NAMESPACE) {
			walk(statement, &scope);
			continue;
		}
		zend_string *name = statement->child[0] ? zend_ast_get_str(statement->child[0]) : NULL;
		if (statement->child[1]) {
			scope_t inner = { name, NULL, 0 };
			walk(statement->child[1], &inner);
		} else {
			scope.namespace = name;
			scope.first = i;
		}
	}
}

static void walk(zend_ast *ast, const scope_t *scope)
{
	switch (ast ? ast->kind : ZEND_AST_ZVAL) {
		case ZEND_AST_STMT_LIST:
		case ZEND_AST_IF:
			walk_list(ast, scope);
			break;
		case ZEND_AST_IF_ELEM:
			walk(ast->child[1], scope);
			break;
		case ZEND_AST_FUNC_DECL:
			look_at_function((zend_ast_decl *) ast, scope);
			break;
		case ZEND_AST_CLASS:
			look_at_class((zend_ast_decl *) ast, scope);
			break;
	}
}

static void process(zend_ast *ast)
{
	scope_t scope = {0};
	walk(ast, &scope);
	if (former_process) {
		former_process(ast);
	}
}

/* ---- what Rust calls ---- */

/* Scripts may call both with anything, and neither throws. */
ZEND_BEGIN_ARG_INFO_EX(any_arguments, 0, 0, 0)
	ZEND_ARG_VARIADIC_INFO(0, arguments)
ZEND_END_ARG_INFO()

static zend_function_entry functions[] = {
	{ .fname = ENTER, .arg_info = any_arguments, .num_args = 1 },
	{ .fname = LEAVE, .arg_info = any_arguments, .num_args = 1 },
	{0},
};

static void hide(const char *name, const char *hidden, size_t length)
{
	zval *found = zend_hash_str_find(CG(function_table), name, strlen(name));
	if (found) {
		zend_hash_set_bucket_key(CG(function_table), (Bucket *) found, zend_string_init_interned(hidden, length, true));
	}
}

/* At module startup: functions that `select` lists are rewritten from now on. */
bool promshm_observe_compiler(select_t select, lists_class_t by_class, bool by_attributes, handler_t enter, handler_t leave)
{
	functions[0].handler = enter;
	functions[1].handler = leave;
	if (zend_register_functions(NULL, functions, NULL, MODULE_PERSISTENT) != SUCCESS) {
		return false;
	}
	hide(ENTER, ZEND_STRL(HIDDEN(ENTER)));
	hide(LEAVE, ZEND_STRL(HIDDEN(LEAVE)));
	select_function = select;
	lists_class = by_class;
	select_by_attributes = by_attributes;
	former_process = zend_ast_process;
	zend_ast_process = process;
	return true;
}

/* At module shutdown, before the library is unloaded. The engine frees the two functions with its table: each thread has a table
 * of its own, of the same functions, so whoever took them out of one would free what the others have.
 */
void promshm_leave_compiler(void)
{
	if (select_function && zend_ast_process == process) {
		zend_ast_process = former_process;
	}
	select_function = NULL;
}

/* At module startup: code that was compiled with another list is not used, from whatever cache it comes. */
void promshm_mark_compiled_code(const char *list, size_t length)
{
	zend_add_system_entropy("promshm", "observe", list, length);
}

/* From now on all calls of the function go through its handler. */
void promshm_call_by_handler(zend_internal_function *function)
{
	function->fn_flags &= ~ZEND_ACC_COMPILE_TIME_EVAL;
#if PHP_VERSION_ID >= 80400
	function->frameless_function_infos = NULL;
#endif
}

/* Whether this is no error: `exit`, or the end of a fiber that nobody resumes. */
bool promshm_is_unwinding(const zend_object *exception)
{
	return zend_is_unwind_exit(exception) || zend_is_graceful_exit(exception);
}

/* The exception that the outermost `finally` of a rewritten function holds back, or NULL. */
zend_object *promshm_held_exception(const zend_execute_data *frame)
{
	const zend_op_array *code = &frame->func->op_array;
	if (!code->last_try_catch) {
		return NULL;
	}
	const zend_op *end = &code->opcodes[code->try_catch_array[0].finally_end];
	return end->opcode == ZEND_FAST_RET ? Z_OBJ_P(ZEND_CALL_VAR(frame, end->op1.var)) : NULL;
}

/* Argument `n` of a running function, counted from 0; NULL if it has none. */
zval *promshm_argument(zend_execute_data *frame, uint32_t n)
{
	const zend_function *function = frame->func;
	uint32_t given = ZEND_CALL_NUM_ARGS(frame);
	if (!ZEND_USER_CODE(function->type)) {
		return n < given ? ZEND_CALL_VAR_NUM(frame, n) : NULL;
	}
	const zend_op_array *code = &function->op_array;
	if (n < code->num_args) {
		return ZEND_CALL_VAR_NUM(frame, n);
	}
	return n < given ? ZEND_CALL_VAR_NUM(frame, code->last_var + code->T + (n - code->num_args)) : NULL;
}

/* The value of a declared property, without any code of scripts; NULL if there is none. */
zval *promshm_declared_property(zend_object *object, zend_string *name)
{
	for (zend_class_entry *class = object->ce; class; class = class->parent) {
		zend_property_info *info = zend_hash_find_ptr(&class->properties_info, name);
		if (info) {
			bool has_slot = !(info->flags & ZEND_ACC_STATIC);
#if PHP_VERSION_ID >= 80400
			has_slot = has_slot && info->offset != ZEND_VIRTUAL_PROPERTY_OFFSET;
#endif
			return has_slot ? OBJ_PROP(object, info->offset) : NULL;
		}
	}
	return NULL;
}

/* Takes the arguments of `new Promshm\Observe()`, or throws; nothing is done with them. */
void promshm_check_observe_arguments(zend_execute_data *execute_data)
{
	zend_string *name = NULL;
	zval *labels = NULL, *buckets = NULL;
	zend_parse_parameters(ZEND_NUM_ARGS(), "|S!aa", &name, &labels, &buckets);
}

/* Makes a class usable as an attribute of functions and methods. */
void promshm_make_attribute(zend_class_entry *class)
{
	zend_internal_attribute_register(class, ZEND_ATTRIBUTE_TARGET_FUNCTION | ZEND_ATTRIBUTE_TARGET_METHOD);
}
