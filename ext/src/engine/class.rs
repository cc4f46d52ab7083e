//! Registers classes, and decides by types which state a method finds in `$this`.
//!
//! A handler of a method takes a [`Call<C>`], and [`Method<C>`] goes only into the definition of the class `C`. So no
//! call has to check what `$this` is.
#![allow(unsafe_code)]

use crate::engine::{
    builder::{Arg, Class, Function, RawHandler, USUAL_METHODS},
    call::{Call, Frame},
    globals::ModuleStatic,
    object::{self, PhpClass},
};
use ext_php_rs::{
    error::Result,
    flags::{ClassFlags, DataType, MethodFlags},
    types::Zval,
    zend::{ClassEntry, ce},
};
use std::{ffi::CStr, marker::PhantomData, mem::transmute};

/// A handler of a method of the class `C`, in the engine's own calling convention, which costs as much as one in C.
pub(crate) type Handler<C> = extern "C" fn(&Call<C>, &mut Zval);
/// A handler that does not look at `$this`.
pub(crate) type PlainHandler = extern "C" fn(&Frame, &mut Zval);

/// A static method, or one of a class without native state, whose arguments are still to be added.
pub(crate) fn plain(name: &'static CStr, handler: PlainHandler) -> Function {
    // SAFETY: a `Frame` is an `ExecuteData`; the engine passes a running call's.
    Function::new(name, unsafe { transmute::<PlainHandler, RawHandler>(handler) })
}

/// A method of the class `C`, whose arguments are still to be added.
#[derive(Debug)]
pub(crate) struct Method<C> {
    function: Function,
    class: PhantomData<fn() -> C>,
}

impl<C: PhpClass> Method<C> {
    pub(crate) fn new(name: &'static CStr, handler: Handler<C>) -> Self {
        // SAFETY: a `Call` is an `ExecuteData`; the engine passes a running call's, with an object of the class.
        let handler = unsafe { transmute::<Handler<C>, RawHandler>(handler) };
        Self { function: Function::new(name, handler), class: PhantomData }
    }

    /// The same for another class: a handler knows the state of its class's objects, and nothing else of the class.
    pub(crate) fn for_class<D: PhpClass<State = C::State>>(self) -> Method<D> {
        Method { function: self.function, class: PhantomData }
    }

    /// Adds an argument.
    pub(crate) fn arg(self, arg: Arg) -> Self {
        Self { function: self.function.arg(arg), ..self }
    }

    /// The following arguments are optional.
    pub(crate) fn not_required(self) -> Self {
        Self { function: self.function.not_required(), ..self }
    }

    /// Changes what the engine is told of it, by code that is the same for all classes.
    pub(crate) fn changed(self, change: fn(Function) -> Function) -> Self {
        Self { function: change(self.function), ..self }
    }

    /// Sets the type of what is returned, which is never a reference.
    pub(crate) fn returns(self, kind: DataType, or_null: bool) -> Self {
        Self { function: self.function.returns(kind, or_null), ..self }
    }
}

/// Methods of the class `C`. They are added one after the other: a `vec!` of them would, at each, have the code that drops
/// all before it.
#[derive(Debug)]
pub(crate) struct Methods<C> {
    functions: Vec<Function>,
    class: PhantomData<fn() -> C>,
}

impl<C: PhpClass> Methods<C> {
    pub(crate) fn new() -> Self {
        Self { functions: Vec::with_capacity(USUAL_METHODS), class: PhantomData }
    }

    /// Adds a method.
    pub(crate) fn and(mut self, method: Method<C>) -> Self {
        add(&mut self.functions, method.function);
        self
    }

    /// Adds those of another class: handlers know the state of their class's objects, and nothing else of the class.
    pub(crate) fn and_all<D: PhpClass<State = C::State>>(mut self, mut methods: Methods<D>) -> Self {
        self.functions.append(&mut methods.functions);
        self
    }
}

#[inline(never)] // the same code for all classes
fn add(functions: &mut Vec<Function>, function: Function) {
    functions.push(function);
}

#[inline(never)] // the same code for all classes
fn add_all(builder: Class, functions: Vec<Function>, flags: MethodFlags) -> Class {
    functions.into_iter().fold(builder, |builder, function| builder.method(function, flags))
}

/// A class that is still to be registered.
pub(crate) struct ClassDefinition<C> {
    builder: Class,
    class: PhantomData<fn() -> C>,
}

impl<C: PhpClass> ClassDefinition<C> {
    pub(crate) fn new(flags: ClassFlags) -> Self {
        Self { builder: Class::new(C::NAME, flags), class: PhantomData }
    }

    /// Adds an interface, which was registered before.
    pub(crate) fn implements<I: PhpInterface>(self) -> Self {
        Self { builder: self.builder.implements(entry_of::<I>()), ..self }
    }

    pub(crate) fn method(self, method: Method<C>) -> Self {
        Self { builder: self.builder.method(method.function, MethodFlags::Public), ..self }
    }

    pub(crate) fn methods(self, methods: Methods<C>) -> Self {
        Self { builder: add_all(self.builder, methods.functions, MethodFlags::Public), ..self }
    }

    pub(crate) fn private_method(self, method: Method<C>) -> Self {
        Self { builder: self.builder.method(method.function, MethodFlags::Private), ..self }
    }

    pub(crate) fn static_method(self, method: Function) -> Self {
        Self { builder: self.builder.method(method, MethodFlags::Public | MethodFlags::Static), ..self }
    }

    pub(crate) fn register(self) -> Result<()> {
        object::install::<C>(self.builder.register()?);
        Ok(())
    }
}

/// A class whose objects refer to shared memory: they cannot be extended, serialized or given properties.
pub(crate) fn final_class<C: PhpClass>() -> ClassDefinition<C> {
    ClassDefinition::new(FINAL)
}

pub(crate) const FINAL: ClassFlags =
    ClassFlags::Final.union(ClassFlags::NotSerializable).union(ClassFlags::NoDynamicProperties);

/// The entry of an interface. It is registered again at every module startup: some servers restart modules in one
/// process.
pub(crate) type InterfaceEntry = ModuleStatic<Option<&'static ClassEntry>>;

/// An interface of this extension.
pub(crate) trait PhpInterface {
    const NAME: &'static str;

    fn entry() -> &'static InterfaceEntry;
}

/// Defines an interface: its type here, and its name in PHP.
macro_rules! php_interface {
    ($interface:ident, $name:expr) => {
        #[doc = concat!("The interface `", $name, "`.")]
        #[derive(Debug)]
        pub(crate) struct $interface;

        impl $crate::engine::class::PhpInterface for $interface {
            const NAME: &'static str = $name;

            fn entry() -> &'static $crate::engine::class::InterfaceEntry {
                static ENTRY: $crate::engine::class::InterfaceEntry =
                    $crate::engine::class::InterfaceEntry::new(None);
                &ENTRY
            }
        }
    };
}
pub(crate) use php_interface;

/// Registers an interface with these methods of the class `C`, which implements it.
pub(crate) fn register_interface<I: PhpInterface, C: PhpClass>(methods: Methods<C>) -> Result<()> {
    let builder = Class::new(I::NAME, ClassFlags::Interface);
    let builder = add_all(builder, methods.functions, MethodFlags::Public | MethodFlags::Abstract);
    I::entry().set(Some(builder.register()?));
    Ok(())
}

fn entry_of<I: PhpInterface>() -> &'static ClassEntry {
    I::entry().get().unwrap_or_else(ce::traversable)
}
