//! PHP objects with native state: a Rust value that lies before the `zend_object`, where the engine expects it.
#![allow(unsafe_code)]

use crate::engine::{globals::ModuleStatic, panic::catch_panic, zval};
use ext_php_rs::{
    ffi,
    types::{ZendHashTable, Zval},
    zend::{ClassEntry, ExecuteData},
};
use std::{
    mem::{MaybeUninit, offset_of},
    ptr::from_ref,
};

/// The engine's table of functions for the objects of a class.
pub(crate) type Handlers = ModuleStatic<MaybeUninit<ffi::zend_object_handlers>>;

/// The native state of a class's objects. All of it changes through shared references.
pub(crate) trait NativeObject: Default + 'static {
    /// Whether it holds PHP values, which [`NativeObject::each_value`] shows.
    const HOLDS_VALUES: bool = false;

    /// One table for each type, because it holds the type's size.
    fn handlers() -> &'static Handlers;

    /// Shows the PHP values that it holds to the cycle collector.
    fn each_value(&self, _show: &mut dyn FnMut(&Zval)) {}
}

/// Makes a type the native state of a class's objects. A type that holds PHP values names the function that shows
/// them to the cycle collector.
macro_rules! native_object {
    ($native:ty $(, $each_value:expr)?) => {
        impl $crate::engine::object::NativeObject for $native {
            fn handlers() -> &'static $crate::engine::object::Handlers {
                static HANDLERS: $crate::engine::object::Handlers =
                    $crate::engine::globals::ModuleStatic::new(std::mem::MaybeUninit::uninit());
                &HANDLERS
            }
            $(
                const HOLDS_VALUES: bool = true;

                fn each_value(&self, show: &mut dyn FnMut(&ext_php_rs::types::Zval)) {
                    let each_value: fn(&Self, &mut dyn FnMut(&ext_php_rs::types::Zval)) = $each_value;
                    each_value(self, show);
                }
            )?
        }
    };
}
pub(crate) use native_object;

#[repr(C)]
struct Object<P> {
    native: P,
    std: ffi::zend_object,
}

/// Gives the objects of this class a `P`; at the class's registration.
pub(crate) fn install<P: NativeObject>(class: &mut ClassEntry) {
    // SAFETY: the engine's own table is complete before any module starts.
    let mut handlers = unsafe { ffi::std_object_handlers };
    handlers.offset = offset_of!(Object<P>, std) as _;
    handlers.free_obj = Some(free::<P>);
    handlers.clone_obj = None;
    handlers.compare = Some(zval::compare_objects);
    if P::HOLDS_VALUES {
        handlers.get_gc = Some(get_gc::<P>);
    }
    P::handlers().set(MaybeUninit::new(handlers));
    class.__bindgen_anon_2.create_object = Some(create::<P>);
}

unsafe extern "C" fn create<P: NativeObject>(class: *mut ClassEntry) -> *mut ffi::zend_object {
    // SAFETY: the engine passes our own class or one that extends it; the object is complete before it
    // is returned, and the handlers, a static, were filled when the class was registered.
    unsafe {
        let object = ffi::ext_php_rs_zend_object_alloc(size_of::<Object<P>>(), class).cast::<Object<P>>();
        (&raw mut (*object).native).write(P::default());
        ffi::zend_object_std_init(&raw mut (*object).std, class);
        ffi::object_properties_init(&raw mut (*object).std, class);
        (*object).std.handlers = P::handlers().as_ptr().cast();
        &raw mut (*object).std
    }
}

/// The engine's own state goes first: that cuts weak references, so that no destructor of a value in the native state
/// can reach the object any more.
unsafe extern "C" fn free<P: NativeObject>(std: *mut ffi::zend_object) {
    // SAFETY: called once for an object that create made; the engine frees the memory itself.
    unsafe {
        let native = &raw mut (*whole::<P>(std)).native;
        ffi::zend_object_std_dtor(std);
        if P::HOLDS_VALUES {
            zval::leave_late_destructors();
            catch_panic(|| std::ptr::drop_in_place(native)); // runs destructors of scripts
        } else {
            std::ptr::drop_in_place(native);
        }
    }
}

unsafe extern "C" fn get_gc<P: NativeObject>(
    std: *mut ffi::zend_object,
    table: *mut *mut Zval,
    count: *mut i32,
) -> *mut ZendHashTable {
    // SAFETY: the engine passes a living object that create made, and room for the answer.
    unsafe {
        let native = &(*whole::<P>(std)).native;
        zval::show_to_collector(std, table, count, |show| native.each_value(show))
    }
}

unsafe fn whole<P>(std: *mut ffi::zend_object) -> *mut Object<P> {
    // SAFETY: the caller has a pointer to the last field of an Object<P>.
    unsafe { std.byte_sub(offset_of!(Object<P>, std)).cast() }
}

/// The native state of `$this`.
#[inline(always)]
pub(crate) fn this<P: NativeObject>(ex: &ExecuteData) -> &P {
    // SAFETY: only used by methods of the class that holds a P, whose objects create made; the call
    // holds a reference on the object, and nobody makes a mutable reference to its native state.
    unsafe { &(*whole::<P>(ex.This.value.obj)).native }
}

/// The class of `$this`.
pub(crate) fn class_of_this(ex: &ExecuteData) -> &'static ClassEntry {
    // SAFETY: only used by methods that are not static; an internal class lives as long as the module.
    unsafe { &*(*ex.This.value.obj).ce }
}

/// The native state of the object in `value`, if its class has a `P`, or extends the one that has.
pub(crate) fn native_of<P: NativeObject>(value: &Zval) -> Option<&P> {
    let object = value.object()?;
    let is_ours = std::ptr::eq(object.handlers.cast(), P::handlers().as_ptr());
    // SAFETY: create alone gives objects these handlers; the value holds a reference on the object.
    is_ours.then(|| unsafe { &(*whole::<P>(from_ref(object).cast_mut())).native })
}

/// Puts a new object of a class that has a `P` into `ret`, and returns its native state.
pub(crate) fn new_in<'r, P: NativeObject>(class: &'static ClassEntry, ret: &'r mut Zval) -> &'r P {
    // SAFETY: the class was given to `install::<P>`; `ret` takes the object's only reference.
    unsafe {
        let std = create::<P>(from_ref(class).cast_mut());
        *ret = Zval::new();
        ret.value.obj = std;
        ret.u1.type_info = ffi::IS_OBJECT | OBJECT_FLAGS;
        &(*whole::<P>(std)).native
    }
}

/// `IS_TYPE_REFCOUNTED | IS_TYPE_COLLECTABLE`, in their place in a zval's type word.
const OBJECT_FLAGS: u32 = 0x300;
