//! Access to zvals and to the engine: strings, arrays, enums, warnings, hooks.
#![allow(unsafe_code)]

pub(crate) use crate::engine::{
    bailout::{attempt, guarded, resume_bailout},
    parameters::{First, Found, More, Parse, parse},
};

use crate::engine::{
    exceptions::{Thrown, has_exception},
    globals::interpreter_local,
};
use ext_php_rs::{
    ffi,
    types::{ZendHashTable, ZendStr, Zval},
    zend::ClassEntry,
};
use std::{
    ffi::{c_char, c_int},
    hint::assert_unchecked,
    mem::offset_of,
    ptr::{from_mut, from_ref},
    slice,
};

/// Type bytes of a zval (`Zend/zend_types.h`).
pub(crate) const IS_UNDEF: u8 = 0;
pub(crate) const IS_NULL: u8 = 1;
pub(crate) const IS_FALSE: u8 = 2;
pub(crate) const IS_TRUE: u8 = 3;
pub(crate) const IS_LONG: u8 = 4;
pub(crate) const IS_DOUBLE: u8 = 5;
pub(crate) const IS_STRING: u8 = 6;
pub(crate) const IS_ARRAY: u8 = 7;
pub(crate) const IS_OBJECT: u8 = 8;
pub(crate) const IS_REFERENCE: u8 = 10;

unsafe extern "C" {
    fn zend_string_hash_func(string: *mut ffi::zend_string) -> u64;
    fn zend_hash_func(bytes: *const c_char, length: usize) -> u64;
    fn zval_try_get_string_func(op: *mut Zval) -> *mut ffi::zend_string;
    fn zend_get_constant_str(name: *const c_char, length: usize) -> *mut Zval;
    fn zend_observer_error_register(hook: ErrorHook);
    static zend_error_cb: Option<ErrorHook>;
    fn _zend_observer_error_notify(
        kind: c_int,
        file: *mut ffi::zend_string,
        line: u32,
        message: *mut ffi::zend_string,
    );
    fn zend_get_executed_filename_ex() -> *mut ffi::zend_string;
    fn zend_get_executed_lineno() -> u32;
    fn zend_objects_not_comparable(one: *mut Zval, other: *mut Zval) -> c_int;
    fn zend_std_get_gc(
        object: *mut ffi::zend_object,
        table: *mut *mut Zval,
        count: *mut c_int,
    ) -> *mut ZendHashTable;
    fn zend_objects_store_mark_destructed(objects: *mut ffi::zend_objects_store);
    fn zend_get_gc_buffer_create() -> *mut ffi::zend_get_gc_buffer;
    fn zend_get_gc_buffer_grow(buffer: *mut ffi::zend_get_gc_buffer);
    fn display_ini_entries(module: *mut ffi::zend_module_entry);
    fn zend_unregister_ini_entries(module_number: c_int);
}

/// A hook for errors: kind, file, line, message.
pub(crate) type ErrorHook = unsafe extern "C" fn(c_int, *mut ffi::zend_string, u32, *mut ffi::zend_string);

/// The values of a list without gaps, which the engine stores contiguously.
#[inline(always)]
pub(crate) fn list_values(table: &ZendHashTable) -> Option<&[Zval]> {
    // SAFETY: the flag says that the union holds packed values; as many as are used are initialised,
    // and none is a gap if all of them are elements.
    unsafe {
        let is_list = table.u.v.flags & PACKED != 0 && table.nNumUsed == table.nNumOfElements;
        is_list.then(|| slice::from_raw_parts(table.__bindgen_anon_1.arPacked, table.nNumUsed as usize))
    }
}

/// As [`list_values`], of an argument of any type.
#[inline(always)]
pub(crate) fn list_of(value: &Zval) -> Option<&[Zval]> {
    list_values(table_of(value)?)
}

/// The array in a zval; `None` for other types.
#[inline(always)]
pub(crate) fn table_of(value: &Zval) -> Option<&ZendHashTable> {
    if type_of(value) != IS_ARRAY {
        return None;
    }
    // SAFETY: the type says that the pointer is an array's, which lives as long as the zval. It is said that there is one,
    // for the compiler would look.
    unsafe {
        assert_unchecked(!value.value.arr.is_null());
        Some(&*value.value.arr)
    }
}

/// The elements of an array that is not a list, if it has no gaps.
#[inline(always)]
pub(crate) fn buckets_of(table: &ZendHashTable) -> Option<&[ffi::Bucket]> {
    // SAFETY: the flag says that the union holds buckets; as many as are used are initialised, and none is a gap if
    // all of them are elements.
    unsafe {
        let has_keys = table.u.v.flags & PACKED == 0 && table.nNumUsed == table.nNumOfElements;
        has_keys.then(|| slice::from_raw_parts(table.__bindgen_anon_1.arData, table.nNumUsed as usize))
    }
}

/// The bytes of an element's key; `None` if that is a number.
#[inline(always)]
pub(crate) fn key_of(bucket: &ffi::Bucket) -> Option<&[u8]> {
    // SAFETY: a key is null, for a number, or a string that lives as long as the array.
    unsafe { bucket.key.as_ref().map(|key| string_bytes(key)) }
}

/// Whether all values of an array are strings or integers: nobody can change them as long as the array is retained,
/// and releasing it runs no script.
pub(crate) fn is_plain(table: &ZendHashTable) -> bool {
    let is_plain = |value: &Zval| matches!(type_of(value), IS_STRING | IS_LONG);
    match (list_values(table), buckets_of(table)) {
        (Some(values), _) => values.iter().all(is_plain),
        (_, Some(buckets)) => buckets.iter().all(|bucket| is_plain(&bucket.val)),
        _ => false,
    }
}

/// The names and values of an array that is keyed by strings; an error for each element that is not.
pub(crate) fn named_values(table: &ZendHashTable) -> impl Iterator<Item = Result<(&[u8], &Zval), Unnamed>> {
    // SAFETY: this union always holds the flags.
    let is_list = unsafe { table.u.v.flags & PACKED != 0 };
    let used = if is_list { 0 } else { table.nNumUsed as usize };
    // SAFETY: the flag says which of the union holds; as many elements as are used are initialised.
    let buckets = unsafe { slice::from_raw_parts(table.__bindgen_anon_1.arData, used) };
    let elements = buckets.iter().filter(|bucket| type_of(&bucket.val) != IS_UNDEF);
    let named = elements.map(|bucket| {
        // SAFETY: a key is null, for a number, or a string that lives as long as the array.
        let name = unsafe { bucket.key.as_ref().map(|key| string_bytes(key)) };
        name.map(|name| (name, &bucket.val)).ok_or(Unnamed)
    });
    let first = is_list && !is_empty(table);
    first.then_some(Err(Unnamed)).into_iter().chain(named)
}

/// An element that is keyed by a number.
#[derive(Debug)]
pub(crate) struct Unnamed;

/// Whether an array has no elements.
#[inline(always)]
pub(crate) fn is_empty(table: &ZendHashTable) -> bool {
    table.nNumOfElements == 0
}

/// Whether the array has other holders than the running call, as a literal has.
#[inline(always)]
pub(crate) fn is_shared(table: &ZendHashTable) -> bool {
    table.gc.refcount > 1 // of an immutable one, too, which counts none
}

unsafe fn is_interned(string: *mut ffi::zend_string) -> bool {
    // SAFETY: the caller has a valid string; this union always holds the type word.
    unsafe { (*string).gc.u.type_info & INTERNED != 0 }
}

/// `IS_STR_INTERNED`.
const INTERNED: u32 = 1 << 6;

/// The string in a zval, which is valid as long as the zval; `None` for other types.
#[inline(always)]
pub(super) fn string_of(value: &Zval) -> Option<*mut ffi::zend_string> {
    // SAFETY: the type says that the pointer is a string's.
    if type_of(value) == IS_STRING { Some(unsafe { value.value.str_ }) } else { None }
}

/// Whether the string that a list holds may come again in a later call: it is a literal, others hold it, or the list
/// lives on.
pub(super) fn comes_again(value: &Zval, list_lives_on: bool) -> bool {
    // SAFETY: the type was checked.
    string_of(value)
        .is_some_and(|string| unsafe { list_lives_on || is_interned(string) || (*string).gc.refcount > 1 })
}

/// Takes a counted reference to a string; an interned one counts none.
pub(super) unsafe fn retain(string: *mut ffi::zend_string) {
    // SAFETY: the caller has a valid string; the interpreter has one thread.
    unsafe {
        if !is_interned(string) {
            (*string).gc.refcount += 1;
        }
    }
}

/// The address of an array; `None` for other types.
#[inline(always)]
pub(crate) fn array_address(value: &Zval) -> Option<usize> {
    // SAFETY: the type says whether there is a pointer; it is only looked at as a number.
    let address = unsafe { value.value.lval as usize };
    (type_of(value) == IS_ARRAY).then_some(address)
}

/// `HASH_FLAG_PACKED`.
const PACKED: u8 = 1 << 2;

/// The hash of a string, which the engine computes once for each string; `None` for other types.
#[inline(always)]
pub(crate) fn string_hash(value: &Zval) -> Option<u64> {
    if type_of(value) != IS_STRING {
        return None;
    }
    // SAFETY: the type says that the pointer is a string's.
    unsafe {
        let string = value.value.str_;
        Some(if (*string).h != 0 { (*string).h } else { zend_string_hash_func(string) })
    }
}

/// The bytes of a string and its hash, if the engine knows that already.
#[inline(always)]
pub(crate) fn hashed_bytes_of(value: &Zval) -> Option<(&[u8], u64)> {
    if type_of(value) != IS_STRING {
        return None;
    }
    // SAFETY: the type says that the pointer is a string's, which lives as long as the zval.
    unsafe {
        let (string, hash) = (value.value.str_, (*value.value.str_).h);
        if hash == 0 { None } else { Some((string_bytes(string), hash)) }
    }
}

/// The engine's hash of bytes.
pub(crate) fn hash_of_bytes(bytes: &[u8]) -> u64 {
    // SAFETY: pointer and length are one slice's.
    unsafe { zend_hash_func(bytes.as_ptr().cast(), bytes.len()) }
}

/// A zval's type byte.
#[inline(always)]
pub(crate) fn type_of(value: &Zval) -> u8 {
    // SAFETY: every zval has a type.
    unsafe { value.u1.v.type_ }
}

/// The zval behind a reference.
#[inline(always)]
pub(crate) fn dereferenced(value: &Zval) -> &Zval {
    if type_of(value) == IS_REFERENCE { value.dereference() } else { value }
}

/// The number in a zval whose type was checked to be `IS_LONG`.
#[inline(always)]
pub(crate) fn long_of(value: &Zval) -> i64 {
    debug_assert_eq!(type_of(value), IS_LONG);
    // SAFETY: plain data, any bits are a number; the caller has checked the type.
    unsafe { value.value.lval }
}

/// The number in a zval whose type was checked to be `IS_DOUBLE`.
#[inline(always)]
pub(crate) fn double_of(value: &Zval) -> f64 {
    debug_assert_eq!(type_of(value), IS_DOUBLE);
    // SAFETY: plain data, any bits are a number; the caller has checked the type.
    unsafe { value.value.dval }
}

/// The number in a zval; `None` if it is neither an integer nor a float.
#[inline(always)]
pub(crate) fn number_of(value: &Zval) -> Option<f64> {
    match type_of(value) {
        IS_LONG => Some(long_of(value) as f64),
        IS_DOUBLE => Some(double_of(value)),
        _ => None,
    }
}

/// The name of an enum's case; `None` if its class is disabled. [`EnumClass::keep_size_of_cases`] handles the other
/// effects of that.
pub(crate) fn case_name(value: &Zval) -> Option<&str> {
    let object = value.object()?;
    // SAFETY: an object has a class. The cases of an enum have their name as first property, and no class of an
    // enum makes objects by a function of its own, unless the engine has put one there that refuses.
    unsafe {
        let is_disabled = (*object.ce).__bindgen_anon_2.create_object.is_some();
        let name = if is_disabled { None } else { object.properties_table.first() };
        name.and_then(bytes_of).and_then(|name| std::str::from_utf8(name).ok())
    }
}

/// What stands for an enum's case where a plain value is needed: its backing value, or its name where it has none.
/// `None` if the value is no case of an enum, or of one whose class is disabled.
pub(crate) fn case_value(value: &Zval) -> Option<&Zval> {
    let object = value.object()?;
    // SAFETY: an object has a class. A case of an enum has its name as first property, and with a backing type its
    // value as second one; a disabled class makes objects without them.
    unsafe {
        let class = &*object.ce;
        let is_enum = class.ce_flags & ffi::ZEND_ACC_ENUM != 0;
        if !is_enum || class.__bindgen_anon_2.create_object.is_some() {
            return None;
        }
        let is_backed = class.enum_backing_type != u32::from(IS_UNDEF);
        Some(dereferenced(&*object.properties_table.as_ptr().add(usize::from(is_backed))))
    }
}

/// What a value is, for the error that refuses it: `an array`, `an object of class App\Job`.
pub(crate) fn described(value: &Zval) -> String {
    let value = dereferenced(value);
    match (type_of(value), value.object()) {
        (IS_ARRAY, _) => "an array".into(),
        (_, Some(object)) => {
            let name = object.get_class_name().unwrap_or_default();
            format!("an object of class {}", name.split('\0').next().unwrap_or_default())
        }
        _ => "a resource".into(),
    }
}

/// The class of an enum of this extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EnumClass {
    class: *mut ClassEntry,
    /// How many properties its cases have.
    properties: i32,
}

impl EnumClass {
    /// For the class that was just registered: the engine keeps it as long as the module.
    pub(crate) fn of(class: &mut ClassEntry) -> Self {
        Self { properties: class.default_properties_count, class: from_mut(class) }
    }

    pub(crate) fn as_ptr(self) -> *mut ClassEntry {
        self.class
    }

    /// Whether the value is one of its cases.
    pub(crate) fn has_case(self, value: &Zval) -> bool {
        value.object().is_some_and(|object| std::ptr::eq(object.ce, self.class))
    }

    /// Disabling an enum resets its class's number of properties, but the engine still writes those of the cases,
    /// out of bounds. So the number is restored.
    pub(crate) fn keep_size_of_cases(self) {
        // SAFETY: an internal class lives as long as the module.
        unsafe {
            if (*self.class).default_properties_count != self.properties {
                (*self.class).default_properties_count = self.properties;
            }
        }
    }
}

/// The bytes of a string, which need not be UTF-8.
pub(crate) fn bytes_of(value: &Zval) -> Option<&[u8]> {
    // SAFETY: the type says that the pointer is a string's, which lives as long as the zval.
    (type_of(value) == IS_STRING).then(|| unsafe { string_bytes(value.value.str_) })
}

/// A string of less than eight bytes as a number, and how many there are: the first byte is the lowest, and those behind
/// the last one are zero. `None` for other types and for longer strings.
#[inline(always)]
pub(crate) fn short_text(value: &Zval) -> Option<(u64, usize)> {
    const { assert!(size_of::<ffi::zend_string>() - offset_of!(ffi::zend_string, val) >= size_of::<u64>()) };
    let string = string_of(value)?;
    // SAFETY: the type says that this is a string, which lives as long as the zval. The engine gives none less room than
    // its struct takes, so that eight bytes are there; what does not belong to the text is cleared.
    unsafe {
        let length = (*string).len;
        if length >= size_of::<u64>() {
            return None;
        }
        let bytes = u64::from_le((&raw const (*string).val).cast::<u64>().read_unaligned());
        Some((bytes & !(u64::MAX << (8 * length)), length))
    }
}

/// Whether two texts are the same: short ones, as names and label values are, without a call.
#[inline(always)]
pub(crate) fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    match one.len() {
        length if length != other.len() => false,
        // At most three bytes: the first, the middle and the last one are all.
        0..4 => {
            let middle = one.len() / 2;
            one.first() == other.first() && one.get(middle) == other.get(middle) && one.last() == other.last()
        }
        4..8 => one.first_chunk::<4>() == other.first_chunk() && one.last_chunk::<4>() == other.last_chunk(),
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk() && one.last_chunk::<8>() == other.last_chunk()
        }
        17..=32 => {
            one.first_chunk::<16>() == other.first_chunk() && one.last_chunk::<16>() == other.last_chunk()
        }
        _ => one == other,
    }
}

pub(super) unsafe fn string_bytes<'a>(string: *const ffi::zend_string) -> &'a [u8] {
    // SAFETY: the caller passes a valid zend_string, whose bytes follow its head.
    unsafe { slice::from_raw_parts((&raw const (*string).val).cast(), (*string).len) }
}

/// The engine's string conversion of any value, with `__toString()` and the error handler. The caller must return on
/// an exception: any further script code would run with it pending.
pub(crate) fn stringified(value: &Zval) -> Result<Vec<u8>, Thrown> {
    let mut copy = dereferenced(value).shallow_clone(); // a reference of our own: a script may overwrite the original
    // SAFETY: the copy is a valid zval; the string is ours to release.
    unsafe {
        let string = guarded(|| zval_try_get_string_func(&raw mut copy));
        if string.is_null() {
            return Err(Thrown);
        }
        let bytes = string_bytes(string).to_vec();
        ffi::ext_php_rs_zend_string_release(string);
        if has_exception() { Err(Thrown) } else { Ok(bytes) }
    }
}

/// Returns a value. What the engine has put there holds nothing to release.
#[inline(always)]
pub(crate) fn return_value(ret: &mut Zval, value: Zval) {
    std::mem::forget(std::mem::replace(ret, value));
}

/// Returns a number.
#[inline(always)]
pub(crate) fn return_double(ret: &mut Zval, number: f64) {
    ret.value.dval = number;
    ret.u1.type_info = u32::from(IS_DOUBLE);
}

/// Returns a string; invalid UTF-8 is replaced.
pub(crate) fn return_text(ret: &mut Zval, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    guarded(|| drop(ret.set_string(&text, false)));
}

/// The comparison of two objects of this extension: they are never equal, and none comes before another. With other
/// values they compare as any object does.
pub(crate) unsafe extern "C" fn compare_objects(one: *mut Zval, other: *mut Zval) -> c_int {
    // SAFETY: the engine passes two valid zvals.
    unsafe {
        if type_of(&*one) == IS_OBJECT && type_of(&*other) == IS_OBJECT {
            return zend_objects_not_comparable(one, other);
        }
        ffi::zend_std_compare_objects(one, other)
    }
}

interpreter_local! {
    /// Whether the destructors that have not run by the end of this request are skipped.
    static DESTRUCTORS_LEFT: bool = false;
}

/// A request begins.
pub(crate) fn begin_request() {
    DESTRUCTORS_LEFT.set(false);
}

/// Call this before releasing values of scripts. At a request's end the engine frees the objects that are left after
/// the last script has run. It has called all destructors before, but not those of objects that callbacks for
/// headers and sessions made later: calling them now would be a fatal error, which ends the process.
pub(crate) fn leave_late_destructors() {
    // SAFETY: executor_globals is this interpreter's.
    unsafe {
        let globals = ffi::ext_php_rs_executor_globals();
        if !(*globals).active && !DESTRUCTORS_LEFT.replace(true) {
            zend_objects_store_mark_destructed(&raw mut (*globals).objects_store);
        }
    }
}

/// Lists all values that an object holds for the cycle collector: those of its properties, and those that
/// `each_value` shows.
///
/// # Safety
///
/// As for the engine's `get_gc`: a living object, and room for the answer.
pub(crate) unsafe fn show_to_collector(
    object: *mut ffi::zend_object,
    table: *mut *mut Zval,
    count: *mut c_int,
    each_value: impl FnOnce(&mut dyn FnMut(&Zval)),
) -> *mut ZendHashTable {
    // SAFETY: the buffer is the engine's own for this purpose, and takes plain copies, which it never releases;
    // the properties are as many as the engine says.
    unsafe {
        let properties = zend_std_get_gc(object, table, count);
        let own = if *count > 0 { slice::from_raw_parts(*table, *count as usize) } else { &[] };
        let buffer = zend_get_gc_buffer_create();
        let mut add = |value: &Zval| {
            if (*buffer).cur == (*buffer).end {
                zend_get_gc_buffer_grow(buffer);
            }
            (*buffer).cur.copy_from_nonoverlapping(value, 1);
            (*buffer).cur = (*buffer).cur.add(1);
        };
        own.iter().for_each(&mut add);
        each_value(&mut add);
        *table = (*buffer).start;
        *count = (*buffer).cur.offset_from((*buffer).start) as c_int;
        properties
    }
}

/// Adds types to parameter `n` of a method, as a mask of `1 << IS_…`: the builders do not support unions.
pub(crate) fn widen(class: &ClassEntry, method: &str, n: usize, types: u32) {
    let found = class.function_table.get(method).and_then(Zval::function_of);
    // SAFETY: the engine keeps a writable table of `num_args` entries for the method, variadic ones included.
    unsafe {
        if let Some(info) = found.and_then(|function| (*function).internal_function.arg_info.as_mut()) {
            (*from_mut(info).add(n)).type_.type_mask |= types;
        }
    }
}

trait FunctionOf {
    fn function_of(&self) -> Option<*mut ffi::zend_function>;
}

impl FunctionOf for Zval {
    fn function_of(&self) -> Option<*mut ffi::zend_function> {
        // SAFETY: a function table holds nothing but pointers to functions.
        unsafe { self.ptr::<ffi::zend_function>() }
    }
}

/// PHP's version, from the constant `PHP_VERSION`.
pub(crate) fn php_version() -> String {
    const NAME: &str = "PHP_VERSION";
    // SAFETY: pointer and length are one string's; the constant lives as long as the engine.
    let version = unsafe { zend_get_constant_str(NAME.as_ptr().cast(), NAME.len()).as_ref() };
    version.and_then(Zval::string).unwrap_or_default()
}

/// Raises a warning that reaches the log, the screen and observers, but no user error handler: frameworks throw
/// exceptions there, and a metric must never throw for storage trouble. Nor does it become an exception if the
/// caller has asked for those, as `new SplFileObject` does while it opens a stream.
pub(crate) fn warn(message: &str) {
    let message = ZendStr::new(format!("promshm: {message}").replace('\0', ""), false);
    let _former = NoExceptions::begin();
    // SAFETY: the strings live as long as the call; without a running script there is no file.
    unsafe {
        let unknown = ZendStr::new("Unknown", false);
        let file = match zend_get_executed_filename_ex() {
            file if file.is_null() => from_ref(&*unknown).cast_mut(),
            file => file,
        };
        let (kind, text) = (ffi::E_WARNING.cast_signed(), from_ref(&*message).cast_mut());
        let line = zend_get_executed_lineno();
        guarded(|| {
            _zend_observer_error_notify(kind, file, line, text);
            if let Some(raise) = zend_error_cb {
                raise(kind, file, line, text);
            }
        });
    }
}

/// While it lives, the engine turns no warning into an exception.
struct NoExceptions(ffi::zend_error_handling_t);

impl NoExceptions {
    fn begin() -> Self {
        // SAFETY: executor_globals is this interpreter's.
        let handling = unsafe { &mut (*ffi::ext_php_rs_executor_globals()).error_handling };
        Self(std::mem::replace(handling, ffi::zend_error_handling_t_EH_NORMAL))
    }
}

impl Drop for NoExceptions {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { (*ffi::ext_php_rs_executor_globals()).error_handling = self.0 }
    }
}

/// The kind of the last error of this request, 0 if there was none.
pub(crate) fn last_error_kind() -> u32 {
    // SAFETY: core globals are this interpreter's and live as long as it. Between requests the engine forgets the
    // message, and keeps the kind.
    unsafe {
        let globals = &*ffi::ext_php_rs_process_globals();
        if globals.last_error_message.is_null() { 0 } else { globals.last_error_type.cast_unsigned() }
    }
}

/// Whether opcache's preload script is running. It runs in the process that starts all others, or, if that is root,
/// in a child of it that ends without a module shutdown.
pub(crate) fn is_preloading() -> bool {
    // SAFETY: compiler globals are this interpreter's and live as long as it.
    unsafe { (*ffi::ext_php_rs_compiler_globals()).compiler_options & PRELOADING != 0 }
}

/// `ZEND_COMPILE_PRELOAD`
const PRELOADING: u32 = 1 << 15;

/// Prints the table of INI settings in phpinfo.
pub(crate) fn print_ini(module: *mut ffi::zend_module_entry) {
    // SAFETY: the engine passed us this module's entry.
    unsafe { display_ini_entries(module) }
}

/// Unregisters the INI settings at module shutdown.
pub(crate) fn unregister_ini(module: i32) {
    // SAFETY: called from module shutdown with the module's number.
    unsafe { zend_unregister_ini_entries(module) }
}

/// The text of an INI value.
///
/// # Safety
///
/// The engine has passed the string to a callback, which is running.
pub(crate) unsafe fn ini_text<'a>(value: *mut ffi::zend_string) -> &'a str {
    // SAFETY: the caller's promise.
    std::str::from_utf8(unsafe { string_bytes(value) }).unwrap_or("")
}

/// Registers a hook for each error, which runs before any handler; once at module startup.
pub(crate) fn at_error(hook: ErrorHook) {
    // SAFETY: the hook is a function of this library, which stays loaded as long as the module.
    unsafe { zend_observer_error_register(hook) }
}

/// Registers a hook that runs in each forked child before anything else.
pub(crate) fn at_fork_in_child(hook: unsafe extern "C" fn()) {
    // SAFETY: the hook is a function of this library, which PHP never unloads while forks are possible;
    // glibc drops it when the library is unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(hook)) };
}
