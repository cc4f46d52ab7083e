//! PHP objects that hold a part of ours: that part first, the engine's last, as the engine wants it.
#![allow(unsafe_code)]

use crate::engine::{globals::Fixed, panic::fenced, zval};
use ext_php_rs::{
    ffi,
    types::{ZendHashTable, Zval},
    zend::{ClassEntry, ExecuteData},
};
use std::{
    mem::{MaybeUninit, offset_of},
    ptr::from_ref,
};

/// How the engine is to treat the objects of a class.
pub(crate) type Handlers = Fixed<MaybeUninit<ffi::zend_object_handlers>>;

/// What the objects of a class hold. All of it changes through shared references.
pub(crate) trait Part: Default + 'static {
    /// Whether it holds values of scripts, which [`Part::each_value`] shows.
    const HOLDS_VALUES: bool = false;

    /// One table for each type, because the part's size is in it.
    fn handlers() -> &'static Handlers;

    /// Shows the values that it holds, for the collector of cycles.
    fn each_value(&self, _show: &mut dyn FnMut(&Zval)) {}
}

/// Makes a type the part of a class's objects. A part that holds values of scripts names the function that shows
/// them to the collector of cycles.
macro_rules! part {
    ($part:ty $(, $each_value:expr)?) => {
        impl $crate::engine::object::Part for $part {
            fn handlers() -> &'static $crate::engine::object::Handlers {
                static HANDLERS: $crate::engine::object::Handlers =
                    $crate::engine::globals::Fixed::new(std::mem::MaybeUninit::uninit());
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
pub(crate) use part;

#[repr(C)]
struct Object<P> {
    part: P,
    std: ffi::zend_object,
}

/// Makes the objects of this class hold a `P`; at the class's registration.
pub(crate) fn hold<P: Part>(class: &mut ClassEntry) {
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

unsafe extern "C" fn create<P: Part>(class: *mut ClassEntry) -> *mut ffi::zend_object {
    // SAFETY: the engine passes our own class or one that extends it; the object is complete before it
    // is returned, and the handlers, a static, were filled when the class was registered.
    unsafe {
        let object = ffi::ext_php_rs_zend_object_alloc(size_of::<Object<P>>(), class).cast::<Object<P>>();
        (&raw mut (*object).part).write(P::default());
        ffi::zend_object_std_init(&raw mut (*object).std, class);
        ffi::object_properties_init(&raw mut (*object).std, class);
        (*object).std.handlers = P::handlers().as_ptr().cast();
        &raw mut (*object).std
    }
}

/// The engine's part goes first: that cuts weak references, so that no destructor of a value in our part can
/// reach the object any more.
unsafe extern "C" fn free<P: Part>(std: *mut ffi::zend_object) {
    // SAFETY: called once for an object that create made; the engine frees the memory itself.
    unsafe {
        let part = &raw mut (*whole::<P>(std)).part;
        ffi::zend_object_std_dtor(std);
        if P::HOLDS_VALUES {
            zval::leave_late_destructors();
            fenced(|| std::ptr::drop_in_place(part)); // runs destructors of scripts
        } else {
            std::ptr::drop_in_place(part);
        }
    }
}

unsafe extern "C" fn get_gc<P: Part>(
    std: *mut ffi::zend_object,
    table: *mut *mut Zval,
    count: *mut i32,
) -> *mut ZendHashTable {
    // SAFETY: the engine passes a living object that create made, and room for the answer.
    unsafe {
        let part = &(*whole::<P>(std)).part;
        zval::show_to_collector(std, table, count, |show| part.each_value(show))
    }
}

unsafe fn whole<P>(std: *mut ffi::zend_object) -> *mut Object<P> {
    // SAFETY: the caller has a pointer to the last field of an Object<P>.
    unsafe { std.byte_sub(offset_of!(Object<P>, std)).cast() }
}

/// What `$this` holds.
#[inline(always)]
pub(crate) fn this<P: Part>(ex: &ExecuteData) -> &P {
    // SAFETY: only used by methods of the class that holds a P, whose objects create made; the call
    // holds a reference on the object, and nobody makes a mutable reference to its part.
    unsafe { &(*whole::<P>(ex.This.value.obj)).part }
}

/// The class of `$this`.
pub(crate) fn class_of_this(ex: &ExecuteData) -> &'static ClassEntry {
    // SAFETY: only used by methods that are not static; an internal class lives as long as the module.
    unsafe { &*(*ex.This.value.obj).ce }
}

/// What the object in `value` holds, if its class is the one that holds a `P`, or extends it.
pub(crate) fn part_of<P: Part>(value: &Zval) -> Option<&P> {
    let object = value.object()?;
    let is_ours = std::ptr::eq(object.handlers.cast(), P::handlers().as_ptr());
    // SAFETY: create alone gives objects these handlers; the value holds a reference on the object.
    is_ours.then(|| unsafe { &(*whole::<P>(from_ref(object).cast_mut())).part })
}

/// A new object of a class that holds a `P`, in `ret`; answers what it holds.
pub(crate) fn new_in<'r, P: Part>(class: &'static ClassEntry, ret: &'r mut Zval) -> &'r P {
    // SAFETY: the class was given to `hold::<P>`; `ret` takes the object's only reference.
    unsafe {
        let std = create::<P>(from_ref(class).cast_mut());
        *ret = Zval::new();
        ret.value.obj = std;
        ret.u1.type_info = ffi::IS_OBJECT | OBJECT_FLAGS;
        &(*whole::<P>(std)).part
    }
}

/// `IS_TYPE_REFCOUNTED | IS_TYPE_COLLECTABLE`, in their place in a zval's type word.
const OBJECT_FLAGS: u32 = 0x300;
