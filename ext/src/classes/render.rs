//! `Promshm\RenderTextFormat`: a page of text from `MetricFamilySamples`.

use crate::{
    classes::samples::{FamilyObject, FamilySamples, Sample, SampleObject, value_of},
    engine::{
        builder::{Arg, Class, Function, declare_constant},
        call::Frame,
        class::plain,
        exceptions::{Thrown, invalid_argument},
        object,
        panic::catch_panic,
        zval,
        zval::{Found, Parse, bytes_of, dereferenced, parse},
    },
};
use ext_php_rs::{
    error::Result as Registered,
    flags::{ClassFlags, DataType, MethodFlags},
    types::{ZendHashTable, Zval},
};
use promshm_exposition::{push_help, push_quotable};
use promshm_segment::order;
use std::borrow::Cow;

pub(crate) fn register() -> Registered<()> {
    let interface = Class::new("Promshm\\RendererInterface", ClassFlags::Interface)
        .method(render_method(), MethodFlags::Public | MethodFlags::Abstract)
        .register()?;
    let silent = Arg::new(c"silent", DataType::Bool).default(c"false");
    let class = Class::new("Promshm\\RenderTextFormat", ClassFlags::empty())
        .implements(interface)
        .method(render_method().not_required().arg(silent), MethodFlags::Public)
        .register()?;
    declare_constant(class, "MIME_TYPE", "text/plain; version=0.0.4");
    Ok(())
}

fn render_method() -> Function {
    plain(c"render", render).arg(Arg::new(c"metrics", DataType::Array)).returns(DataType::String, false)
}

extern "C" fn render(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        let (metrics, mut silent) = (Found::in_call(frame), false);
        if !parse(frame, Parse::Array(&metrics, &mut silent)) {
            return;
        }
        let metrics = metrics.table();
        if let Ok(page) = metrics.map_or(Ok(Vec::new()), |metrics| page(metrics, silent)) {
            zval::return_text(ret, &page);
        }
    });
}

fn page(metrics: &ZendHashTable, silent: bool) -> Result<Vec<u8>, Thrown> {
    // Held: a label's `__toString()` may overwrite what the array refers to.
    let metrics: Vec<Zval> = metrics.values().map(|value| dereferenced(value).shallow_clone()).collect();
    let family = |value| object::native_of::<FamilyObject>(value).and_then(FamilyObject::get);
    let families: Option<Vec<&FamilySamples>> = metrics.iter().map(family).collect();
    let families =
        families.ok_or_else(|| invalid_argument("render() needs a list of Promshm\\MetricFamilySamples"))?;
    let order =
        order::sorted(families.len(), &|a, b| bytes_of(&families[a].name).cmp(&bytes_of(&families[b].name)));
    let mut page = Vec::new();
    order.into_iter().map(|at| families[at]).try_for_each(|family| push_family(&mut page, family, silent))?;
    Ok(page)
}

fn push_family(page: &mut Vec<u8>, family: &FamilySamples, silent: bool) -> Result<(), Thrown> {
    let name = text(&family.name)?;
    let help = text(&family.help)?;
    if !help.is_empty() {
        page.extend_from_slice(format!("# HELP {name} ").as_bytes());
        push_help(page, &help);
        page.push(b'\n');
    }
    page.extend_from_slice(format!("# TYPE {name} {}\n", text(&family.kind)?).as_bytes());
    for sample in
        list(&family.samples).filter_map(object::native_of::<SampleObject>).filter_map(SampleObject::get)
    {
        push_sample(page, family, sample, silent)?;
    }
    Ok(())
}

fn push_sample(
    page: &mut Vec<u8>,
    family: &FamilySamples,
    sample: &Sample,
    silent: bool,
) -> Result<(), Thrown> {
    let names: Vec<&Zval> = list(&family.label_names).chain(list(&sample.label_names)).collect();
    let values: Vec<&Zval> = sample.values().collect();
    if names.len() != values.len() {
        let (name, names, values) = (text(&sample.name)?, names.len(), values.len());
        let message = format!("{name} has {names} label names, but {values} label values");
        if !silent {
            return Err(invalid_argument(&message));
        }
        page.extend_from_slice(format!("# Error: {message}\n").as_bytes());
        return Ok(());
    }
    page.extend_from_slice(text(&sample.name)?.as_bytes());
    push_labels(page, names.into_iter().zip(values))?;
    page.push(b' ');
    page.extend_from_slice(&value_of(sample));
    page.push(b'\n');
    Ok(())
}

fn push_labels<'v>(
    page: &mut Vec<u8>,
    labels: impl Iterator<Item = (&'v Zval, &'v Zval)>,
) -> Result<(), Thrown> {
    let mut separator = b'{';
    for (name, value) in labels {
        page.push(separator);
        page.extend_from_slice(text(name)?.as_bytes());
        page.extend_from_slice(b"=\"");
        push_quotable(page, &text(value)?);
        page.push(b'"');
        separator = b',';
    }
    if separator == b',' {
        page.push(b'}');
    }
    Ok(())
}

fn list(array: &Zval) -> impl Iterator<Item = &Zval> {
    array.array().into_iter().flat_map(ZendHashTable::values)
}

/// The text of any value, UTF-8 or made so. Runs scripts, and stops where one throws.
fn text(value: &Zval) -> Result<Cow<'_, str>, Thrown> {
    Ok(match bytes_of(value) {
        Some(bytes) => String::from_utf8_lossy(bytes),
        None => Cow::Owned(String::from_utf8_lossy(&zval::stringified(value)?).into_owned()),
    })
}
