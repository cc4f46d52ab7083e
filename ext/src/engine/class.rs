//! Registers classes, and decides by types which state a method finds in `$this`.
//!
//! A handler of a method takes a [`Call<C>`], and [`Method<C>`] goes only into the definition of the class `C`. So no
//! call has to check what `$this` is.
#![allow(unsafe_code)]

use crate::engine::{
    call::{Call, Frame},
    object::{self, PhpClass},
};
use ext_php_rs::{
    args::{Arg, ArgInfoTables},
    builders::{ClassBuilder, FunctionBuilder},
    error::Result,
    flags::{ClassFlags, DataType, MethodFlags},
    types::Zval,
    zend::{ClassEntry, ExecuteData},
};
use std::{marker::PhantomData, mem::transmute};

/// A handler of a method of the class `C`, in the engine's own calling convention, which costs as much as one in C.
pub(crate) type Handler<C> = extern "C" fn(&Call<C>, &mut Zval);
/// A handler that does not look at `$this`.
pub(crate) type PlainHandler = extern "C" fn(&Frame, &mut Zval);
type RawHandler = extern "C" fn(&mut ExecuteData, &mut Zval);

/// A static method, or one of a class without native state, whose arguments are still to be added.
pub(crate) fn plain(name: impl Into<String>, handler: PlainHandler) -> FunctionBuilder<'static> {
    // SAFETY: a `Frame` is an `ExecuteData`; the engine passes a running call's.
    FunctionBuilder::new(name, unsafe { transmute::<PlainHandler, RawHandler>(handler) })
}

/// A method of the class `C`, whose arguments are still to be added.
#[derive(Debug)]
pub(crate) struct Method<C> {
    function: FunctionBuilder<'static>,
    class: PhantomData<fn() -> C>,
}

impl<C: PhpClass> Method<C> {
    pub(crate) fn new(name: impl Into<String>, handler: Handler<C>) -> Self {
        // SAFETY: a `Call` is an `ExecuteData`; the engine passes a running call's, with an object of the class.
        let handler = unsafe { transmute::<Handler<C>, RawHandler>(handler) };
        Self { function: FunctionBuilder::new(name, handler), class: PhantomData }
    }

    /// Adds an argument.
    pub(crate) fn arg(self, arg: Arg<'static>) -> Self {
        Self { function: self.function.arg(arg), ..self }
    }

    /// The following arguments are optional.
    pub(crate) fn not_required(self) -> Self {
        Self { function: self.function.not_required(), ..self }
    }

    /// Sets the type of what is returned, which is never a reference.
    pub(crate) fn returns(self, kind: DataType, or_null: bool) -> Self {
        Self { function: self.function.returns(kind, false, or_null), ..self }
    }
}

/// A class that is still to be registered.
pub(crate) struct ClassDefinition<C> {
    builder: ClassBuilder,
    class: PhantomData<fn() -> C>,
}

impl<C: PhpClass> ClassDefinition<C> {
    pub(crate) fn new(flags: ClassFlags) -> Self {
        Self { builder: ClassBuilder::new(C::NAME).flags(flags), class: PhantomData }
    }

    /// Adds an interface, by the function that finds it and its name.
    pub(crate) fn implements(self, interface: (fn() -> &'static ClassEntry, &'static str)) -> Self {
        Self { builder: self.builder.implements(interface), ..self }
    }

    pub(crate) fn method(self, method: Method<C>) -> Self {
        Self { builder: self.builder.method(method.function, MethodFlags::Public), ..self }
    }

    pub(crate) fn private_method(self, method: Method<C>) -> Self {
        Self { builder: self.builder.method(method.function, MethodFlags::Private), ..self }
    }

    pub(crate) fn static_method(self, method: FunctionBuilder<'static>) -> Self {
        Self { builder: self.builder.method(method, MethodFlags::Public | MethodFlags::Static), ..self }
    }

    pub(crate) fn register(self) -> Result<()> {
        self.builder.registration(registered::<C>).register()
    }
}

fn registered<C: PhpClass>(class: &'static mut ClassEntry, arg_info: ArgInfoTables) {
    object::install::<C>(class);
    std::mem::forget(arg_info); // the engine reads it as long as the class lives
}

/// An interface with these methods of the class `C`, which implements it.
pub(crate) fn interface<C: PhpClass>(
    name: &str,
    methods: impl IntoIterator<Item = Method<C>>,
) -> ClassBuilder {
    let builder = ClassBuilder::new(name).flags(ClassFlags::Interface);
    methods.into_iter().fold(builder, |builder, method| {
        builder.method(method.function, MethodFlags::Public | MethodFlags::Abstract)
    })
}
