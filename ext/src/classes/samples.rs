//! `Promshm\MetricFamilySamples` and `Promshm\Sample`: the metrics of all processes as objects.

use crate::{
    classes::segment,
    engine::{
        builder::Arg,
        call::{Call, Frame},
        class::{ClassDefinition, Handler, Method},
        exceptions::{Thrown, invalid_argument},
        object,
        object::{PhpClass, native_object, php_class},
        panic::catch_panic,
        zval,
        zval::{Found, IS_DOUBLE, Parse, dereferenced, double_of, guarded, parse, type_of},
    },
};
use ext_php_rs::{
    boxed::ZBox,
    error::Result as Registered,
    flags::{ClassFlags, DataType},
    types::{ZendHashTable, Zval},
};
use promshm_exposition::number::{push_bound, push_value};
use promshm_segment::{
    Definition, Family, Kind,
    snapshot::{Row, Window},
};
use std::{cell::OnceCell, ffi::CStr};

/// The class `MetricFamilySamples`, and the native state of its objects, empty until it is constructed.
#[derive(Debug, Default)]
pub(crate) struct FamilyObject(OnceCell<FamilySamples>);
/// The class `Sample`, and the native state of its objects, empty until it is constructed.
#[derive(Debug, Default)]
pub(crate) struct SampleObject(OnceCell<Sample>);

native_object!(FamilyObject, |native, show| native
    .get()
    .iter()
    .for_each(|held| held.all().into_iter().for_each(&mut *show)));
native_object!(SampleObject, |native, show| native
    .get()
    .iter()
    .for_each(|held| held.all().for_each(&mut *show)));
php_class!(FamilyObject, "Promshm\\MetricFamilySamples", Self);
php_class!(SampleObject, "Promshm\\Sample", Self);

#[derive(Debug)]
pub(crate) struct FamilySamples {
    pub(crate) name: Zval,
    pub(crate) kind: Zval,
    pub(crate) help: Zval,
    pub(crate) label_names: Zval,
    /// A list of `Sample` objects.
    pub(crate) samples: Zval,
    /// As `samples`; a summary's with the totals of its window.
    window: Zval,
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: Zval,
    pub(crate) label_names: Zval,
    /// The values of the family's labels, or of all labels. All samples of one series share the list.
    pub(crate) label_values: Zval,
    /// The value of the sample's own label. All samples with one bound share it.
    pub(crate) own_value: Option<Zval>,
    pub(crate) value: Zval,
}

impl FamilySamples {
    fn all(&self) -> [&Zval; 6] {
        let Self { name, kind, help, label_names, samples, window } = self;
        [name, kind, help, label_names, samples, window]
    }
}

impl Sample {
    fn all(&self) -> impl Iterator<Item = &Zval> {
        let Self { name, label_names, label_values, own_value, value } = self;
        [name, label_names, label_values, value].into_iter().chain(own_value)
    }

    /// The values of all labels.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Zval> {
        let listed = self.label_values.array().into_iter().flat_map(ZendHashTable::values);
        listed.chain(&self.own_value)
    }

    fn value_list(&self) -> Zval {
        if self.own_value.is_none() {
            return self.label_values.shallow_clone();
        }
        let mut list = ZendHashTable::new();
        self.values().for_each(|value| drop(list.push(value.shallow_clone())));
        array(list)
    }
}

impl FamilyObject {
    pub(crate) fn get(&self) -> Option<&FamilySamples> {
        self.0.get()
    }
}

impl SampleObject {
    pub(crate) fn get(&self) -> Option<&Sample> {
        self.0.get()
    }
}

pub(crate) fn register() -> Registered<()> {
    definition(new_family)
        .method(getter(c"getName", family_name, DataType::String))
        .method(getter(c"getType", family_type, DataType::String))
        .method(getter(c"getHelp", family_help, DataType::String))
        .method(getter(c"getSamples", family_samples, DataType::Array))
        .method(getter(c"getWindowSamples", family_window, DataType::Array))
        .method(getter(c"getLabelNames", family_label_names, DataType::Array))
        .method(getter(c"hasLabelNames", family_has_label_names, DataType::Bool))
        .register()?;
    definition(new_sample)
        .method(getter(c"getName", sample_name, DataType::String))
        .method(getter(c"getLabelNames", sample_label_names, DataType::Array))
        .method(getter(c"getLabelValues", sample_label_values, DataType::Array))
        .method(getter(c"getValue", sample_value, DataType::String))
        .method(getter(c"hasLabelNames", sample_has_label_names, DataType::Bool))
        .register()
}

fn definition<C: PhpClass>(constructor: Handler<C>) -> ClassDefinition<C> {
    let constructor = Method::new(c"__construct", constructor).arg(Arg::new(c"data", DataType::Array));
    ClassDefinition::new(ClassFlags::NotSerializable.union(ClassFlags::NoDynamicProperties))
        .method(constructor)
}

extern "C" fn new_family(call: &Call<FamilyObject>, _ret: &mut Zval) {
    catch_panic(|| drop(data(call).and_then(|data| fill(&call.this().0, family_of(data)?))));
}

extern "C" fn new_sample(call: &Call<SampleObject>, _ret: &mut Zval) {
    catch_panic(|| drop(data(call).and_then(|data| fill(&call.this().0, sample_of(data)?))));
}

fn getter<C: PhpClass>(name: &'static CStr, handler: Handler<C>, kind: DataType) -> Method<C> {
    Method::new(name, handler).returns(kind, false)
}

fn fill<T>(native: &OnceCell<T>, value: T) -> Result<(), Thrown> {
    native.set(value).map_err(|_| invalid_argument("The constructor was called already"))
}

fn data(frame: &Frame) -> Result<&ZendHashTable, Thrown> {
    let (data, mut switch) = (Found::in_call(frame), false);
    if !parse(frame, Parse::Array(&data, &mut switch)) {
        return Err(Thrown);
    }
    data.table().ok_or(Thrown)
}

fn family_of(data: &ZendHashTable) -> Result<FamilySamples, Thrown> {
    let mut samples = ZendHashTable::new();
    let given = data.get("samples").map(dereferenced).and_then(Zval::array);
    for sample in given.into_iter().flat_map(ZendHashTable::values) {
        let sample = dereferenced(sample)
            .array()
            .ok_or_else(|| invalid_argument("Each of the samples is an array"))?;
        push_sample(&mut samples, sample_of(sample)?);
    }
    let samples = array(samples);
    Ok(FamilySamples {
        name: text_in(data, "name")?,
        kind: text_in(data, "type")?,
        help: text_in(data, "help")?,
        label_names: list_in(data, "labelNames")?,
        window: samples.shallow_clone(),
        samples,
    })
}

fn sample_of(data: &ZendHashTable) -> Result<Sample, Thrown> {
    let value = data.get("value").map(dereferenced).filter(|value| value.is_scalar());
    Ok(Sample {
        name: text_in(data, "name")?,
        label_names: list_in(data, "labelNames")?,
        label_values: list_in(data, "labelValues")?,
        own_value: None,
        value: value.ok_or_else(|| invalid_argument("value must be a number or a string"))?.shallow_clone(),
    })
}

fn text_in(data: &ZendHashTable, key: &str) -> Result<Zval, Thrown> {
    let value = data.get(key).map(dereferenced).filter(|value| value.is_string());
    Ok(value.ok_or_else(|| invalid_argument(&format!("{key} must be a string")))?.shallow_clone())
}

fn list_in(data: &ZendHashTable, key: &str) -> Result<Zval, Thrown> {
    let value = data.get(key).map(dereferenced).filter(|value| value.is_array());
    Ok(value.ok_or_else(|| invalid_argument(&format!("{key} must be an array")))?.shallow_clone())
}

/// Defines getters that return copies of the native state.
macro_rules! getters {
    ($($name:ident: $native:ty, |$held:ident| $value:expr;)*) => {$(
        extern "C" fn $name(call: &Call<$native>, ret: &mut Zval) {
            catch_panic(|| {
                if !parse(call, Parse::Nothing) {
                    return;
                }
                match call.this().get() {
                    Some($held) => *ret = $value,
                    None => drop(invalid_argument("The constructor was not called")),
                }
            });
        }
    )*};
}

getters! {
    family_name: FamilyObject, |held| held.name.shallow_clone();
    family_type: FamilyObject, |held| held.kind.shallow_clone();
    family_help: FamilyObject, |held| held.help.shallow_clone();
    family_samples: FamilyObject, |held| held.samples.shallow_clone();
    family_window: FamilyObject, |held| held.window.shallow_clone();
    family_label_names: FamilyObject, |held| held.label_names.shallow_clone();
    family_has_label_names: FamilyObject, |held| is_not_empty(&held.label_names);
    sample_name: SampleObject, |held| held.name.shallow_clone();
    sample_label_names: SampleObject, |held| held.label_names.shallow_clone();
    sample_label_values: SampleObject, |held| held.value_list();
    sample_value: SampleObject, |held| text(&value_of(held));
    sample_has_label_names: SampleObject, |held| is_not_empty(&held.label_names);
}

fn is_not_empty(list: &Zval) -> Zval {
    let mut answer = Zval::new();
    answer.set_bool(list.array().is_some_and(|list| !list.is_empty()));
    answer
}

/// The value as in an exposition: all its digits, whatever `precision` says.
pub(crate) fn value_of(sample: &Sample) -> Vec<u8> {
    if type_of(&sample.value) == IS_DOUBLE {
        let mut page = Vec::new();
        push_value(&mut page, double_of(&sample.value));
        return page;
    }
    zval::stringified(&sample.value).unwrap_or_default()
}

fn text(bytes: &[u8]) -> Zval {
    let mut value = Zval::new();
    let _only_fails_on_overflow = value.set_string(&String::from_utf8_lossy(bytes), false);
    value
}

fn array(table: ZBox<ZendHashTable>) -> Zval {
    let mut value = Zval::new();
    value.set_hashtable(table);
    value
}

fn push_sample(samples: &mut ZendHashTable, sample: Sample) {
    let mut object = Zval::new();
    let Some(native) = object::new_object::<SampleObject>(&mut object) else { return };
    let _it_is_new = native.0.set(sample);
    let _only_fails_on_overflow = samples.push(object);
}

/// All families of all processes, as a list of objects; empty without a segment. The list may exceed `memory_limit`,
/// which ends the request: what Rust has allocated lies outside of the closure.
pub(crate) fn collect(ret: &mut Zval) {
    ret.set_hashtable(ZendHashTable::new());
    let mut scratch = Vec::new();
    segment::look_at_families(|families| {
        guarded(|| {
            let mut list = ZendHashTable::new();
            families
                .iter()
                .filter(|family| family.rows().next().is_some())
                .for_each(|family| push_family(&mut list, family, &mut scratch));
            ret.set_hashtable(list);
        });
    });
}

fn push_family(list: &mut ZendHashTable, family: &Family, scratch: &mut Vec<u8>) {
    let Definition { name, help, kind, label_names, .. } = &family.definition;
    let samples = samples_of(family, scratch);
    let mut object = Zval::new();
    let Some(native) = object::new_object::<FamilyObject>(&mut object) else { return };
    let _it_is_new = native.0.set(FamilySamples {
        name: text(name.as_bytes()),
        kind: text(kind.as_str().as_bytes()),
        help: text(help.as_bytes()),
        label_names: strings(label_names.iter().map(String::as_str)),
        window: window_of(family, scratch).unwrap_or_else(|| samples.shallow_clone()),
        samples,
    });
    let _only_fails_on_overflow = list.push(object);
}

fn samples_of(family: &Family, scratch: &mut Vec<u8>) -> Zval {
    let mut samples = SampleList::new(&family.definition, scratch);
    family.rows().for_each(|row| samples.push_row(row));
    array(samples.list)
}

/// A summary's samples with the totals of its window, as `PromPHP` has them.
fn window_of(family: &Family, scratch: &mut Vec<u8>) -> Option<Zval> {
    let Kind::Summary { .. } = family.definition.kind else { return None };
    let mut samples = SampleList::new(&family.definition, scratch);
    for row in family.rows().filter(|row| row.window().count > 0) {
        let Window { count, sum } = row.window();
        samples.begin_row(row);
        samples.push_quantiles(row);
        samples.push_totals(count as f64, sum);
    }
    Some(array(samples.list))
}

/// A list of `Sample` objects that grows. Names, bounds and the labels of a series are made once and shared:
/// thousands of histograms have to fit into PHP's default `memory_limit`.
struct SampleList<'f> {
    definition: &'f Definition,
    list: ZBox<ZendHashTable>,
    plain: Zval,
    bucket: Zval,
    count: Zval,
    sum: Zval,
    no_labels: Zval,
    /// The name of the samples' own label.
    own_label: Zval,
    /// The values of the samples' own label, in a list of the engine: `memory_limit` may end the request, and nothing
    /// would free what Rust has allocated.
    bounds: ZBox<ZendHashTable>,
    /// The label values of the row that is being pushed.
    row: Zval,
}

impl<'f> SampleList<'f> {
    fn new(definition: &'f Definition, scratch: &mut Vec<u8>) -> Self {
        let mut made = |parts: &[&[u8]]| {
            scratch.clear();
            parts.iter().for_each(|part| scratch.extend_from_slice(part));
            text(scratch)
        };
        let name = definition.name.as_bytes();
        let [plain, bucket] = [made(&[name]), made(&[name, b"_bucket"])];
        let [count, sum] = [made(&[name, b"_count"]), made(&[name, b"_sum"])];
        let own_label = if let Kind::Summary { .. } = definition.kind { "quantile" } else { "le" };
        let mut bounds = ZendHashTable::new();
        let mut add = |bound| {
            scratch.clear();
            push_bound(scratch, bound);
            let _only_fails_on_overflow = bounds.push(text(scratch));
        };
        match definition.kind {
            Kind::NativeHistogram(buckets) => buckets.classic_bounds().for_each(&mut add),
            _ => definition.bounds.iter().copied().for_each(&mut add),
        }
        add(f64::INFINITY);
        Self {
            definition,
            list: ZendHashTable::new(),
            plain,
            bucket,
            count,
            sum,
            no_labels: strings([].into_iter()),
            own_label: strings([own_label].into_iter()),
            bounds,
            row: Zval::new(),
        }
    }

    fn begin_row(&mut self, row: Row<'_>) {
        self.row = strings(row.labels());
    }

    fn push_row(&mut self, row: Row<'_>) {
        self.begin_row(row);
        match self.definition.kind {
            Kind::Counter | Kind::Gauge(_) => self.push(self.plain.shallow_clone(), row.values()[0]),
            Kind::Histogram => {
                let Some((sum, counts)) = row.values().split_last() else { return };
                self.push_histogram(counts.iter().copied(), *sum);
            }
            Kind::NativeHistogram(buckets) => {
                let row = row.values();
                self.push_histogram(buckets.classic_counts(row), buckets.sum(row));
            }
            Kind::Summary { .. } => self.push_summary(row),
        }
    }

    /// `counts`: those of each bucket, not added up.
    fn push_histogram(&mut self, counts: impl Iterator<Item = f64>, sum: f64) {
        let mut total = 0.0;
        for (index, count) in counts.enumerate() {
            total += count;
            self.push_bound(self.bucket.shallow_clone(), index, total);
        }
        self.push_totals(total, sum);
    }

    fn push_summary(&mut self, row: Row<'_>) {
        self.push_quantiles(row);
        let [.., sum, count] = row.values() else { return };
        self.push_totals(*count, *sum);
    }

    fn push_quantiles(&mut self, row: Row<'_>) {
        for (index, value) in row.values().iter().take(self.definition.bounds.len()).enumerate() {
            self.push_bound(self.plain.shallow_clone(), index, *value);
        }
    }

    fn push_totals(&mut self, count: f64, sum: f64) {
        self.push(self.count.shallow_clone(), count);
        self.push(self.sum.shallow_clone(), sum);
    }

    /// Pushes a sample with a label of its own, whose value is the bound at that index.
    fn push_bound(&mut self, name: Zval, index: usize, number: f64) {
        let own = self.bounds.get_index(index as i64).map(Zval::shallow_clone);
        self.push_sample(name, self.own_label.shallow_clone(), own, number);
    }

    fn push(&mut self, name: Zval, number: f64) {
        self.push_sample(name, self.no_labels.shallow_clone(), None, number);
    }

    fn push_sample(&mut self, name: Zval, label_names: Zval, own_value: Option<Zval>, number: f64) {
        let mut value = Zval::new();
        value.set_double(number);
        let label_values = self.row.shallow_clone();
        push_sample(&mut self.list, Sample { name, label_names, label_values, own_value, value });
    }
}

fn strings<'s>(all: impl Iterator<Item = &'s str>) -> Zval {
    let mut list = ZendHashTable::new();
    all.for_each(|one| drop(list.push(one)));
    array(list)
}
