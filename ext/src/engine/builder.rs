//! Builders of the classes and functions that the engine is told of.
//!
//! Those of ext-php-rs copy every name to the heap, and moved a kilobyte for each class: two thirds of the instructions
//! that loading the extension took. Here names are literals of C, which the engine reads where they are.
#![allow(unsafe_code)]

use ext_php_rs::{
    args::ArgInfo,
    error::{Error, Result},
    ffi,
    flags::{ClassFlags, DataType, MethodFlags},
    types::{ZendStr, Zval},
    zend::{ClassEntry, ExecuteData, FunctionEntry, ZendType},
};
use std::{
    ffi::{CStr, c_char},
    mem::MaybeUninit,
    ptr::{from_ref, null, null_mut, without_provenance},
};

/// A handler in the engine's own calling convention.
pub(super) type RawHandler = unsafe extern "C" fn(*mut ExecuteData, *mut Zval);

unsafe extern "C" {
    fn zend_declare_class_constant_stringl(
        class: *mut ClassEntry,
        name: *const c_char,
        name_length: usize,
        value: *const c_char,
        value_length: usize,
    );
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arg {
    name: &'static CStr,
    kind: DataType,
    or_null: bool,
    is_variadic: bool,
    default: Option<&'static CStr>,
}

impl Arg {
    pub(crate) const fn new(name: &'static CStr, kind: DataType) -> Self {
        Self { name, kind, or_null: false, is_variadic: false, default: None }
    }

    /// Takes null, too.
    pub(crate) const fn allow_null(self) -> Self {
        Self { or_null: true, ..self }
    }

    /// Takes all arguments that follow.
    pub(crate) const fn is_variadic(self) -> Self {
        Self { is_variadic: true, ..self }
    }

    /// The default, as reflection shows it.
    pub(crate) const fn default(self, value: &'static CStr) -> Self {
        Self { default: Some(value), ..self }
    }
}

/// Room for what a function returns and its parameters.
const USUAL_INFOS: usize = 8;

/// A function or method.
#[derive(Debug)]
pub(crate) struct Function {
    name: &'static CStr,
    handler: RawHandler,
    /// As the engine wants it: what is returned, then the parameters.
    infos: Vec<ArgInfo>,
    required: Option<usize>,
    flags: MethodFlags,
}

// Not inlined: each is called a hundred times, once when the module starts, and its code would be there as often.
impl Function {
    #[inline(never)]
    pub(super) fn new(name: &'static CStr, handler: RawHandler) -> Self {
        let mut infos = Vec::with_capacity(USUAL_INFOS);
        infos.push(ArgInfo { name: null(), type_: ZendType::empty(false, false), default_value: null() });
        Self { name, handler, infos, required: None, flags: MethodFlags::empty() }
    }

    /// Adds a parameter.
    #[inline(never)]
    pub(crate) fn arg(mut self, arg: Arg) -> Self {
        if arg.is_variadic {
            self.flags |= MethodFlags::Variadic;
        }
        self.infos.push(ArgInfo {
            name: arg.name.as_ptr(),
            type_: type_of(arg.kind, arg.is_variadic, arg.or_null),
            default_value: arg.default.map_or(null(), CStr::as_ptr),
        });
        self
    }

    /// The following parameters are optional.
    pub(crate) fn not_required(mut self) -> Self {
        self.required = Some(self.infos.len() - 1);
        self
    }

    /// Sets the type of what is returned, which is never a reference.
    #[inline(never)]
    pub(crate) fn returns(mut self, kind: DataType, or_null: bool) -> Self {
        self.infos[0].type_ = type_of(kind, false, or_null && kind != DataType::Mixed);
        self
    }

    /// What the engine reads of the function, without its parameters; those are added to `infos`.
    fn entry(mut self, flags: MethodFlags, infos: &mut Vec<ArgInfo>) -> FunctionEntry {
        let parameters = self.infos.len() - 1;
        self.infos[0].name = without_provenance(self.required.unwrap_or(parameters));
        infos.append(&mut self.infos);
        FunctionEntry {
            fname: self.name.as_ptr(),
            handler: Some(self.handler),
            num_args: parameters as u32,
            flags: (self.flags | flags).bits() as _, // one word longer in later versions of PHP
            ..FunctionEntry::end()
        }
    }
}

fn type_of(kind: DataType, is_variadic: bool, or_null: bool) -> ZendType {
    // Only a class whose name has a zero byte has no type.
    ZendType::empty_from_type(kind, false, is_variadic, or_null)
        .unwrap_or_else(|| ZendType::empty(false, is_variadic))
}

/// Room for the methods of a class.
pub(super) const USUAL_METHODS: usize = 24;
const USUAL_PARAMETERS: usize = 64;

/// A class or an interface.
pub(crate) struct Class {
    name: &'static str,
    flags: ClassFlags,
    parent: Option<&'static ClassEntry>,
    interface: Option<&'static ClassEntry>,
    functions: Vec<FunctionEntry>,
    /// What all of these functions return and take, one function after the other.
    infos: Vec<ArgInfo>,
}

impl Class {
    pub(crate) fn new(name: &'static str, flags: ClassFlags) -> Self {
        let (functions, infos) = (Vec::with_capacity(USUAL_METHODS), Vec::with_capacity(USUAL_PARAMETERS));
        Self { name, flags, parent: None, interface: None, functions, infos }
    }

    /// The class that it extends.
    pub(crate) fn extends(self, parent: &'static ClassEntry) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// The interface that it implements.
    pub(crate) fn implements(self, interface: &'static ClassEntry) -> Self {
        Self { interface: Some(interface), ..self }
    }

    /// Adds a method. Not inlined, as those of a function.
    #[inline(never)]
    pub(crate) fn method(mut self, function: Function, flags: MethodFlags) -> Self {
        self.functions.push(function.entry(flags, &mut self.infos));
        self
    }

    /// Registers it with the engine, at module startup.
    pub(crate) fn register(mut self) -> Result<&'static mut ClassEntry> {
        let mut infos: &[ArgInfo] = Box::leak(self.infos.into_boxed_slice()); // read as long as the class lives
        for function in &mut self.functions {
            function.arg_info = infos.as_ptr();
            infos = &infos[function.num_args as usize + 1..];
        }
        self.functions.push(FunctionEntry::end());
        // SAFETY: a class entry is a type of C, for which zero means that nothing is set.
        let mut entry: ClassEntry = unsafe { MaybeUninit::zeroed().assume_init() };
        entry.name = ZendStr::new_interned(self.name, true).into_raw();
        entry.ce_flags = self.flags.bits();
        entry.info.internal.builtin_functions = self.functions.as_ptr();
        let parent = self.parent.map_or(null_mut(), |parent| from_ref(parent).cast_mut());
        // SAFETY: modules are starting; the engine copies the entry, and has read the functions when it returns. What it
        // returns lives as long as the module.
        let class = unsafe {
            if self.flags.contains(ClassFlags::Interface) {
                ffi::zend_register_internal_interface(&raw mut entry)
            } else {
                ffi::zend_register_internal_class_ex(&raw mut entry, parent)
            }
            .as_mut()
        };
        let class = class.ok_or(Error::InvalidPointer)?;
        class.info.internal.builtin_functions = null();
        if let Some(interface) = self.interface {
            // SAFETY: both were registered; the engine changes the class alone.
            unsafe { ffi::zend_do_implement_interface(class, from_ref(interface).cast_mut()) };
        }
        Ok(class)
    }
}

/// Gives a class a public constant.
pub(crate) fn declare_constant(class: &mut ClassEntry, name: &str, value: &str) {
    // SAFETY: modules are starting, and the class was registered; the engine copies both texts.
    unsafe {
        zend_declare_class_constant_stringl(
            class,
            name.as_ptr().cast(),
            name.len(),
            value.as_ptr().cast(),
            value.len(),
        );
    }
}
