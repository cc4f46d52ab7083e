//! The engine's functions: the handlers of internal ones, the compilation of user ones, and the frames of running
//! calls. The C file beside this one has what differs between PHP versions.
#![allow(unsafe_code)]

use crate::engine::{
    call::Frame,
    globals::ModuleStatic,
    panic::catch_panic_silent,
    zval::{IS_OBJECT, hash_of_bytes, string_bytes, type_of},
};
use ext_php_rs::{
    ffi,
    types::{ZendHashTable, Zval},
    zend::{ClassEntry, ExecuteData},
};
use std::{
    ffi::{c_char, c_int, c_void},
    ptr::{from_mut, from_ref, null_mut},
    slice,
};

/// The handler of an internal function.
pub(crate) type Handler = unsafe extern "C" fn(*mut ExecuteData, *mut Zval);

/// Makes the literal for a declaration; null if the function is not listed.
pub(crate) type Select = unsafe extern "C" fn(*const RawDeclaration) -> *mut ffi::zend_string;

/// Told of a class; whether its name is enough for methods of it to be listed.
pub(crate) type ListsClass = unsafe extern "C" fn(*const RawDeclaration) -> bool;

const MOST_ATTRIBUTES: usize = 16;

/// `declaration_t` of the C file.
#[repr(C)]
pub(crate) struct RawDeclaration {
    class_name: *const ffi::zend_string,
    name: *const ffi::zend_string,
    class_attributes: [*const ffi::zend_string; MOST_ATTRIBUTES],
    class_attribute_count: usize,
    attributes: [*const ffi::zend_string; MOST_ATTRIBUTES],
    attribute_count: usize,
    options: *const ffi::zend_string,
    is_generator: bool,
}

type StartupHook = unsafe extern "C" fn() -> c_int;

unsafe extern "C" {
    static mut zend_post_startup_cb: Option<StartupHook>;
    fn zend_get_resource_handle(module_name: *const c_char) -> c_int;
    fn promshm_observe_compiler(
        select: Select,
        lists_class: ListsClass,
        by_attributes: bool,
        enter: Handler,
        leave: Handler,
    ) -> bool;
    fn promshm_leave_compiler();
    fn promshm_mark_compiled_code(list: *const c_char, length: usize);
    fn promshm_call_by_handler(function: *mut ffi::zend_internal_function);
    fn promshm_is_unwinding(exception: *const ffi::zend_object) -> bool;
    fn promshm_held_exception(frame: *const ExecuteData) -> *mut ffi::zend_object;
    fn promshm_argument(frame: *mut ExecuteData, n: u32) -> *mut Zval;
    fn promshm_declared_property(object: *mut ffi::zend_object, name: *mut ffi::zend_string) -> *mut Zval;
    fn promshm_make_attribute(class: *mut ClassEntry);
    fn promshm_check_observe_arguments(frame: *const ExecuteData);
}

static NEXT_HOOK: ModuleStatic<Option<StartupHook>> = ModuleStatic::new(None);
static HOOK: ModuleStatic<Option<fn()>> = ModuleStatic::new(None);
/// Which of an internal function's places for extensions is ours.
static PLACE: ModuleStatic<usize> = ModuleStatic::new(usize::MAX);

/// Runs `hook` once all modules have started, and before a script is preloaded. At module startup.
pub(crate) fn after_startup(hook: fn()) {
    HOOK.set(Some(hook));
    // SAFETY: module startup runs in one thread; the engine calls the hook once, and others keep the chain as well.
    unsafe {
        NEXT_HOOK.set(zend_post_startup_cb);
        zend_post_startup_cb = Some(started);
    }
}

unsafe extern "C" fn started() -> c_int {
    if let Some(hook) = HOOK.get() {
        catch_panic_silent(hook);
    }
    // SAFETY: the former hook of the chain, which gets what we got.
    NEXT_HOOK.get().map_or(0, |next| unsafe { next() })
}

/// Takes a place for data in each internal function; `false` if other extensions have all of them. At module
/// startup.
pub(crate) fn take_place() -> bool {
    // SAFETY: the engine copies nothing but the name's address, which is static.
    let place = unsafe { zend_get_resource_handle(c"promshm".as_ptr()) };
    PLACE.set(usize::try_from(place).unwrap_or(usize::MAX));
    place >= 0
}

/// An internal function or method. It lives as long as the engine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Internal(*mut ffi::zend_internal_function);

impl Internal {
    /// The class that declares it.
    pub(crate) fn class(&self) -> Option<&[u8]> {
        // SAFETY: a method has a class, and a class a name.
        unsafe { (*self.0).scope.as_ref().map(|class| string_bytes(class.name)) }
    }

    pub(crate) fn name(&self) -> &[u8] {
        // SAFETY: all functions in tables have a name.
        unsafe { string_bytes((*self.0).function_name) }
    }

    /// `None` for an abstract method.
    pub(crate) fn handler(&self) -> Option<Handler> {
        // SAFETY: an internal function of the engine.
        unsafe { (*self.0).handler }
    }

    /// Replaces the handler. `data` lives as long as the function, and is found again by [`data_of`].
    pub(crate) fn replace_handler(&self, handler: Handler, data: *const c_void) {
        // SAFETY: before the first request, in one thread; `take_place` has found a valid place.
        unsafe {
            promshm_call_by_handler(self.0);
            (*self.0).reserved[PLACE.get()] = data.cast_mut();
            (*self.0).handler = Some(handler);
        }
    }
}

/// Runs `look` on all internal functions and methods, those that a class inherits included.
pub(crate) fn each_internal(mut look: impl FnMut(Internal)) {
    // SAFETY: the tables are the engine's own, and nothing is added to them meanwhile.
    unsafe {
        let globals = ffi::ext_php_rs_compiler_globals();
        let mut functions = |table: *const ZendHashTable| {
            each_pointer(table, |function| {
                let function = function.cast::<ffi::zend_function>();
                if u32::from((*function).type_) == ffi::ZEND_INTERNAL_FUNCTION {
                    look(Internal(function.cast()));
                }
            });
        };
        functions((*globals).function_table);
        each_pointer((*globals).class_table, |class| {
            functions(&raw const (*class.cast::<ClassEntry>()).function_table);
        });
    }
}

unsafe fn each_pointer(table: *const ZendHashTable, mut look: impl FnMut(*mut c_void)) {
    // SAFETY: the caller has a table of pointers that is keyed by strings.
    unsafe {
        let used = (*table).nNumUsed as usize;
        for bucket in slice::from_raw_parts((*table).__bindgen_anon_1.arData, used) {
            if type_of(&bucket.val) != 0 {
                look(bucket.val.value.ptr);
            }
        }
    }
}

/// What [`Internal::replace_handler`] has stored for the function that is being called.
///
/// # Safety
///
/// For a frame of an internal function, within its handler.
#[inline(always)]
pub(crate) unsafe fn data_of(frame: *const ExecuteData) -> *const c_void {
    // SAFETY: the caller's promise; a place is taken, because a handler was replaced.
    unsafe { *(*(*frame).func).internal_function.reserved.get_unchecked(PLACE.get()) }
}

/// Names of a declaration whose compilation begins.
pub(crate) struct Declaration<'a>(&'a RawDeclaration);

impl<'a> Declaration<'a> {
    /// # Safety
    ///
    /// For the argument of a [`Select`] or [`ListsClass`] function, while it runs.
    pub(crate) unsafe fn new(raw: *const RawDeclaration) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { &*raw })
    }

    pub(crate) fn class(&self) -> Option<&'a [u8]> {
        bytes(self.0.class_name)
    }

    pub(crate) fn name(&self) -> &'a [u8] {
        bytes(self.0.name).unwrap_or_default()
    }

    /// The attributes of the class.
    pub(crate) fn class_attributes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.0.class_attributes[..self.0.class_attribute_count].iter().filter_map(|name| bytes(*name))
    }

    /// The attributes of the function itself.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.0.attributes[..self.0.attribute_count].iter().filter_map(|name| bytes(*name))
    }

    /// The arguments of the attribute `#[Promshm\Observe]`, as text.
    pub(crate) fn options(&self) -> Option<&'a [u8]> {
        bytes(self.0.options)
    }

    /// Whether it has a `yield`.
    pub(crate) fn is_generator(&self) -> bool {
        self.0.is_generator
    }
}

fn bytes<'a>(string: *const ffi::zend_string) -> Option<&'a [u8]> {
    // SAFETY: null, or a string that lives as long as the declaration that it is read from.
    (!string.is_null()).then(|| unsafe { string_bytes(string) })
}

/// A new string of the engine.
pub(crate) fn new_string(text: &str) -> *mut ffi::zend_string {
    // SAFETY: pointer and length are one string's.
    unsafe { ffi::ext_php_rs_zend_string_init(text.as_ptr().cast(), text.len(), false) }
}

/// From now on functions that `select` lists call `enter` and `leave`; methods of a class are asked for if
/// `lists_class` says so, or attributes are there. `false` if that is not to be had.
pub(crate) fn observe_compiler(
    (select, lists_class): (Select, ListsClass),
    by_attributes: bool,
    enter: Handler,
    leave: Handler,
) -> bool {
    // SAFETY: at module startup; the functions are of this library, which stays loaded as long as the module.
    unsafe { promshm_observe_compiler(select, lists_class, by_attributes, enter, leave) }
}

/// At module shutdown: undoes [`observe_compiler`].
pub(crate) fn leave_compiler() {
    // SAFETY: in one thread; does nothing where nothing was done.
    unsafe { promshm_leave_compiler() }
}

/// Makes compiled code that was cached with another list invalid. At module startup.
pub(crate) fn mark_compiled_code(list: &str) {
    // SAFETY: the engine hashes the bytes and keeps none of them.
    unsafe { promshm_mark_compiled_code(list.as_ptr().cast(), list.len()) }
}

/// Makes a class usable as an attribute of functions and methods.
pub(crate) fn make_attribute(class: &mut ClassEntry) {
    // SAFETY: at module startup, for a class of this module.
    unsafe { promshm_make_attribute(from_mut(class)) }
}

/// Throws unless the arguments of `new Promshm\Observe()` are of the types that it declares.
pub(crate) fn check_observe_arguments(frame: &Frame) {
    // SAFETY: a running frame, whose arguments are only read.
    unsafe { promshm_check_observe_arguments(from_ref(frame).cast()) }
}

/// Whether a call is one that a script's code makes by name at run time, as by a variable or a callback.
pub(crate) fn is_dynamic_call(frame: &ExecuteData) -> bool {
    // SAFETY: in a call frame this union holds the call's flags.
    unsafe { frame.This.u1.type_info & DYNAMIC != 0 }
}

/// `ZEND_CALL_DYNAMIC`
const DYNAMIC: u32 = 1 << 25;

/// The frame of the caller, if that is a script's function.
#[inline(always)]
pub(crate) fn calling_frame(frame: &ExecuteData) -> Option<*mut ExecuteData> {
    let caller = frame.prev_execute_data;
    // SAFETY: null or a frame, whose function is null or valid.
    let is_user = unsafe { caller.as_ref()?.func.as_ref()?.type_ == USER_FUNCTION };
    is_user.then_some(caller)
}

/// `ZEND_USER_FUNCTION`
const USER_FUNCTION: u8 = 2;

/// The class of the pending exception, if there is one that is an error.
#[inline(always)]
pub(crate) fn pending_error() -> Option<&'static ClassEntry> {
    // SAFETY: executor_globals is this interpreter's.
    let exception = unsafe { (*ffi::ext_php_rs_executor_globals()).exception };
    if exception.is_null() { None } else { class_of_error(exception) }
}

/// The class of the exception that the `finally` of `enter` and `leave` holds back, if there is one that is an
/// error. `frame` is that of a running script function that was rewritten.
#[inline(always)]
pub(crate) fn held_error(frame: *const ExecuteData) -> Option<&'static ClassEntry> {
    // SAFETY: the caller is in that function's `leave`.
    let exception = unsafe { promshm_held_exception(frame) };
    if exception.is_null() { None } else { class_of_error(exception) }
}

#[cold]
fn class_of_error(exception: *mut ffi::zend_object) -> Option<&'static ClassEntry> {
    // SAFETY: a living exception. Its class lives as long as the request, and the answer is used at once.
    unsafe { if promshm_is_unwinding(exception) { None } else { Some(&*(*exception).ce) } }
}

/// The name of a class, without the file and number that an anonymous one has.
pub(crate) fn class_name(class: &ClassEntry) -> &[u8] {
    // SAFETY: a class has a name, which lives as long as it.
    let name = unsafe { string_bytes(class.name) };
    name.iter().position(|byte| *byte == 0).map_or(name, |end| &name[..end])
}

/// The same, and its hash by the engine.
#[inline]
pub(crate) fn class_text(class: &ClassEntry) -> (&[u8], u64) {
    // SAFETY: a class has a name, which lives as long as it.
    let (name, known) = unsafe { (string_bytes(class.name), (*class.name).h) };
    if known != 0 && class.ce_flags & ANONYMOUS == 0 {
        return (name, known);
    }
    let name = class_name(class);
    (name, hash_of_bytes(name))
}

/// `ZEND_ACC_ANON_CLASS`
const ANONYMOUS: u32 = 1 << 2;

/// Argument `n` of a running call, counted from 0.
pub(crate) fn argument_of<'a>(frame: *mut ExecuteData, n: u32) -> Option<&'a Zval> {
    // SAFETY: a running frame; its arguments live as long as it, and the answer is used at once.
    unsafe { promshm_argument(frame, n).as_ref() }
}

/// The same, if it was passed and is one that the function declares: then functions of PHP and of scripts have it at the
/// same place, and it takes fewer steps.
#[inline(always)]
pub(crate) fn declared_argument<'a>(frame: *const ExecuteData, n: u32) -> Option<&'a Zval> {
    // SAFETY: a running frame has a function. The first arguments of a script's function, as many as it declares, follow the
    // frame as those of a function of PHP do; they live as long as it, and the answer is used at once.
    unsafe { if n < (*(*frame).func).common.num_args { Frame::of(frame).argument(n) } else { None } }
}

/// The object that the running method belongs to.
pub(crate) fn this_of(frame: *const ExecuteData) -> Option<*mut ffi::zend_object> {
    // SAFETY: a running frame; the type says whether it has an object.
    unsafe {
        let this = &(*frame).This;
        if type_of(this) == IS_OBJECT { Some(this.value.obj) } else { None }
    }
}

/// The object in a value.
pub(crate) fn object_of(value: &Zval) -> Option<*mut ffi::zend_object> {
    // SAFETY: the type says whether there is an object.
    if type_of(value) == IS_OBJECT { Some(unsafe { value.value.obj }) } else { None }
}

/// The class of an object.
pub(crate) fn class_of<'a>(object: *const ffi::zend_object) -> &'a ClassEntry {
    // SAFETY: a living object has a class, which outlives it; the answer is used at once.
    unsafe { &*(*object).ce }
}

/// The name of a property or an array's key, for lookups.
#[derive(Debug)]
pub(crate) struct Name(*mut ffi::zend_string);

impl Name {
    pub(crate) fn new(text: &str) -> Self {
        // SAFETY: pointer and length are one string's; a persistent string outlives requests.
        Self(unsafe { ffi::ext_php_rs_zend_string_init(text.as_ptr().cast(), text.len(), true) })
    }

    /// The declared property of that name; runs no code of scripts.
    pub(crate) fn property_of<'a>(&self, object: *mut ffi::zend_object) -> Option<&'a Zval> {
        // SAFETY: a living object; its properties live as long as it, and the answer is used at once.
        unsafe { promshm_declared_property(object, self.0).as_ref() }
    }

    /// The element of that key.
    pub(crate) fn element_of<'a>(&self, table: &'a ZendHashTable) -> Option<&'a Zval> {
        // SAFETY: an array and a string; the element lives as long as the array is not changed.
        unsafe { ffi::zend_hash_find(from_ref(table), self.0).as_ref() }
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // SAFETY: this value holds the only reference.
        unsafe { ffi::ext_php_rs_zend_string_release(std::mem::replace(&mut self.0, null_mut())) }
    }
}
