//! PHP objects with native state: a Rust value that lies before the `zend_object`, where the engine expects it.
#![allow(unsafe_code)]

use crate::engine::{globals::ModuleStatic, panic::catch_panic, zval};
use ext_php_rs::{
    ffi,
    types::{ZendHashTable, Zval},
    zend::ClassEntry,
};
use std::{
    marker::PhantomData,
    mem::{MaybeUninit, offset_of},
    ptr::{from_mut, from_ref, null_mut},
};

/// The engine's table of functions for objects with the native state `P`.
#[derive(Debug)]
pub(crate) struct Handlers<P> {
    table: ModuleStatic<MaybeUninit<ffi::zend_object_handlers>>,
    state: PhantomData<fn() -> P>,
}

impl<P> Handlers<P> {
    /// Empty until a class of such objects is registered.
    pub(crate) const fn new() -> Self {
        Self { table: ModuleStatic::new(MaybeUninit::uninit()), state: PhantomData }
    }
}

/// Where the entry of the class `C` is kept. It is registered again at every module startup, because some servers
/// restart modules in one process.
#[derive(Debug)]
pub(crate) struct ClassSlot<C> {
    entry: ModuleStatic<*mut ClassEntry>,
    class: PhantomData<fn() -> C>,
}

impl<C> ClassSlot<C> {
    /// Empty until the class is registered.
    pub(crate) const fn new() -> Self {
        Self { entry: ModuleStatic::new(null_mut()), class: PhantomData }
    }
}

/// A PHP class whose objects have native state. [`php_class!`] implements it.
pub(crate) trait PhpClass: Sized + 'static {
    /// The class's name.
    const NAME: &'static str;
    /// The native state of its objects.
    type State: NativeObject;

    fn entry() -> &'static ClassSlot<Self>;

    /// Finishes the class when it was registered.
    fn registered(_class: &ClassEntry) {}
}

/// Makes a type stand for a PHP class: its name, the native state of its objects, and perhaps a function that finishes
/// the class when it was registered.
macro_rules! php_class {
    ($class:ty, $name:expr, $state:ty $(, $registered:expr)?) => {
        impl $crate::engine::object::PhpClass for $class {
            const NAME: &'static str = $name;
            type State = $state;

            fn entry() -> &'static $crate::engine::object::ClassSlot<Self> {
                static ENTRY: $crate::engine::object::ClassSlot<$class> = $crate::engine::object::ClassSlot::new();
                &ENTRY
            }
            $(
                fn registered(class: &ext_php_rs::zend::ClassEntry) {
                    $registered(class);
                }
            )?
        }
    };
}
pub(crate) use php_class;

/// The native state of a class's objects. All of it changes through shared references.
pub(crate) trait NativeObject: Default + 'static {
    /// Whether it holds PHP values, which [`NativeObject::each_value`] shows. The class of one that holds none has no
    /// properties either.
    const HOLDS_VALUES: bool = false;

    /// Whether an object can be reached from one of these values. The cycle collector would note all others in vain, at
    /// each call.
    const MAY_BE_IN_CYCLE: bool = Self::HOLDS_VALUES;

    /// One table for each type, because it holds the type's size.
    fn handlers() -> &'static Handlers<Self>;

    /// Shows the PHP values that it holds to the cycle collector.
    fn each_value(&self, _show: &mut dyn FnMut(&Zval)) {}
}

/// Makes a type the native state of a class's objects. A type that holds PHP values names the function that shows
/// them to the cycle collector, and says so if no cycle can lead through them.
macro_rules! native_object {
    ($native:ty $(, $each_value:expr $(, may_be_in_cycle: $may_be_in_cycle:literal)?)?) => {
        impl $crate::engine::object::NativeObject for $native {
            fn handlers() -> &'static $crate::engine::object::Handlers<Self> {
                static HANDLERS: $crate::engine::object::Handlers<$native> =
                    $crate::engine::object::Handlers::new();
                &HANDLERS
            }
            $(
                const HOLDS_VALUES: bool = true;
                $(const MAY_BE_IN_CYCLE: bool = $may_be_in_cycle;)?

                fn each_value(&self, show: &mut dyn FnMut(&ext_php_rs::types::Zval)) {
                    let each_value: fn(&Self, &mut dyn FnMut(&ext_php_rs::types::Zval)) = $each_value;
                    each_value(self, show);
                }
            )?
        }
    };
}
pub(crate) use native_object;

unsafe extern "C" {
    fn promshm_new_object(
        class: *mut ClassEntry,
        handlers: *const ffi::zend_object_handlers,
        is_in_no_cycle: bool,
    ) -> *mut ffi::zend_object;
}

#[repr(C)]
struct Object<P> {
    native: P,
    std: ffi::zend_object,
}

/// Gives the objects of the class `C` their native state; at its registration.
pub(super) fn install<C: PhpClass>(class: &'static mut ClassEntry) {
    install_state::<C::State>(class);
    C::registered(class);
    C::entry().entry.set(from_mut(class));
}

fn install_state<P: NativeObject>(class: &mut ClassEntry) {
    // SAFETY: the engine's own table is complete before any module starts.
    let mut handlers = unsafe { ffi::std_object_handlers };
    handlers.offset = offset_of!(Object<P>, std) as _;
    handlers.free_obj = Some(free::<P>);
    handlers.clone_obj = None;
    handlers.compare = Some(zval::compare_objects);
    if P::HOLDS_VALUES {
        handlers.get_gc = Some(get_gc::<P>);
    }
    P::handlers().table.set(MaybeUninit::new(handlers));
    class.__bindgen_anon_2.create_object = Some(create::<P>);
}

unsafe extern "C" fn create<P: NativeObject>(class: *mut ClassEntry) -> *mut ffi::zend_object {
    // SAFETY: the engine passes our own class or one that extends it; the object is complete before it
    // is returned, and the handlers, a static, were filled when the class was registered.
    unsafe {
        let std = promshm_new_object(class, P::handlers().table.as_ptr().cast(), !P::MAY_BE_IN_CYCLE);
        (&raw mut (*whole::<P>(std)).native).write(P::default());
        std
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
        let native: &P = native_state(std);
        zval::show_to_collector(std, table, count, |show| native.each_value(show))
    }
}

unsafe fn whole<P>(std: *mut ffi::zend_object) -> *mut Object<P> {
    // SAFETY: the caller has a pointer to the last field of an Object<P>.
    unsafe { std.byte_sub(offset_of!(Object<P>, std)).cast() }
}

/// The native state of an object.
///
/// # Safety
///
/// A living object of a class with that state, or of one that extends it.
#[inline(always)]
pub(super) unsafe fn native_state<'a, P: NativeObject>(std: *mut ffi::zend_object) -> &'a P {
    // SAFETY: `create` made the object; nobody makes a mutable reference to its native state.
    unsafe { &(*whole::<P>(std)).native }
}

/// The native state of the object in `value`, if its class has a `P`, or extends the one that has.
pub(crate) fn native_of<P: NativeObject>(value: &Zval) -> Option<&P> {
    let object = value.object()?;
    let is_ours = std::ptr::eq(object.handlers.cast(), P::handlers().table.as_ptr());
    // SAFETY: create alone gives objects these handlers; the value holds a reference on the object.
    is_ours.then(|| unsafe { native_state(from_ref(object).cast_mut()) })
}

/// Puts a new object of the class `C` into `ret`, which holds nothing to release, and returns its native state; `None` before the class is registered.
pub(crate) fn new_object<C: PhpClass>(ret: &mut Zval) -> Option<&C::State> {
    let class = C::entry().entry.get();
    if class.is_null() {
        return None;
    }
    // SAFETY: `install` has set the entry, which lives as long as the module, and given the class its state; `ret`
    // takes the object's only reference, and stays borrowed as long as the state.
    unsafe {
        let std = create::<C::State>(class);
        let mut object = Zval::new();
        object.value.obj = std;
        object.u1.type_info = ffi::IS_OBJECT | OBJECT_FLAGS;
        zval::return_value(ret, object);
        Some(native_state(std))
    }
}

/// `IS_TYPE_REFCOUNTED | IS_TYPE_COLLECTABLE`, in their place in a zval's type word.
const OBJECT_FLAGS: u32 = 0x300;
