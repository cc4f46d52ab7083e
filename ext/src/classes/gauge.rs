//! `Promshm\Gauge` and `Promshm\GaugeMode`.

use crate::{
    classes::metric_class::{
        MetricClass, Usual, around, construct, constructor, metric_class, registered, void, with_labels,
    },
    engine::{
        arguments,
        arguments::Labels,
        builder::Arg,
        call::{Call, Frame},
        callable,
        class::{Methods, php_interface},
        exceptions::{Thrown, invalid_argument},
        globals::ModuleStatic,
        object::php_class,
        panic::catch_panic,
        zval,
        zval::{EnumClass, More},
    },
    session::{
        gauge_cell,
        handle::{Cells, Handle, SeriesOf},
        heartbeat,
        track::Track,
    },
};
use ext_php_rs::{
    builders::EnumBuilder,
    class::RegisteredClass,
    enum_::RegisteredEnum,
    error::Result,
    flags::{ClassFlags, DataType},
    prelude::php_enum,
    types::Zval,
    zend::ClassEntry,
};
use promshm_segment::{Kind, unix_time};

/// How the values of several processes become one.
#[php_enum]
#[php(name = "Promshm\\GaugeMode")]
#[derive(Debug, Clone, Copy)]
pub enum GaugeMode {
    /// One value that all processes set; the last write wins.
    #[php(value = "last")]
    Last,
    /// The sum over living processes.
    #[php(value = "sum")]
    Sum,
    /// The smallest of a living process.
    #[php(value = "min")]
    Min,
    /// The largest of a living process.
    #[php(value = "max")]
    Max,
    /// A series for each living process.
    #[php(value = "all")]
    All,
}

impl From<GaugeMode> for promshm_segment::GaugeMode {
    fn from(mode: GaugeMode) -> Self {
        match mode {
            GaugeMode::Last => Self::Last,
            GaugeMode::Sum => Self::Sum,
            GaugeMode::Min => Self::Min,
            GaugeMode::Max => Self::Max,
            GaugeMode::All => Self::All,
        }
    }
}

const MODE: &str = "Promshm\\GaugeMode";
// Registered again at every module startup: some servers restart modules in one process.
static MODE_CLASS: ModuleStatic<Option<EnumClass>> = ModuleStatic::new(None);

/// Undoes the effect of the setting `disable_classes` on the enum's cases; at a request's start, which is the first
/// hook after it.
pub(crate) fn mend_mode() {
    if let Some(class) = MODE_CLASS.get() {
        class.keep_size_of_cases();
    }
}

/// Registers the enum, as final as every enum is; the module builder's own registration would leave that out.
fn register_mode() -> Result<()> {
    let builder = GaugeMode::CASES.iter().fold(EnumBuilder::new(MODE), EnumBuilder::case);
    let registered = |class: &'static mut ClassEntry, arg_info| {
        class.ce_flags |= ClassFlags::Final.bits();
        MODE_CLASS.set(Some(EnumClass::of(class)));
        GaugeMode::get_metadata().set_ce(class);
        GaugeMode::get_metadata().set_arg_info(arg_info);
    };
    builder.registration(registered).register()
}

/// The class.
#[derive(Debug)]
pub(crate) struct Gauge;

php_class!(Gauge, "Promshm\\Gauge", Handle, registered::<Gauge>);
php_interface!(GaugeInterface, "Promshm\\GaugeInterface");

impl MetricClass for Gauge {
    type Interface = GaugeInterface;

    fn own_methods(timer: &'static str) -> Methods<Self> {
        own_methods(timer)
    }
}

pub(crate) fn register() -> Result<()> {
    register_mode()?;
    let mode = Arg::new(c"mode", DataType::Object(MODE.into())).default(c"\\Promshm\\GaugeMode::Last");
    metric_class::<Gauge>(constructor(new).arg(mode))?.register()
}

fn own_methods(_timer: &str) -> Methods<Gauge> {
    let value = |name, handler| with_labels(void(name, handler).arg(Arg::new(c"value", DataType::Double)));
    Methods::new()
        .and(value(c"set", set))
        .and(with_labels(void(c"inc", inc)))
        .and(value(c"incBy", inc_by))
        .and(with_labels(void(c"dec", dec)))
        .and(value(c"decBy", dec_by))
        .and(with_labels(void(c"setToCurrentTime", set_to_current_time)))
        .and(around(c"trackInProgress", track_in_progress))
}

extern "C" fn new(call: &Call<Gauge>, _ret: &mut Zval) {
    catch_panic(|| {
        let Some(class) = MODE_CLASS.get() else { return };
        let kind_of = |mode: Option<&Zval>| Ok((Kind::Gauge(mode_of(mode)?), Vec::new()));
        drop(construct(call, usual(call, class), More::Object(class), kind_of));
    });
}

fn usual(call: &Frame, class: EnumClass) -> Option<Usual<'_>> {
    let mode = match call.argument(3) {
        None => promshm_segment::GaugeMode::Last,
        Some(mode) if class.has_case(mode) && call.given() == 4 => mode_named(mode)?,
        Some(_) => return None,
    };
    Some((Kind::Gauge(mode), None))
}

fn mode_of(mode: Option<&Zval>) -> std::result::Result<promshm_segment::GaugeMode, Thrown> {
    let Some(mode) = mode else { return Ok(promshm_segment::GaugeMode::Last) };
    mode_named(mode).ok_or_else(|| {
        invalid_argument(&format!(
            "The enum {MODE} is disabled: take it off the setting disable_classes, or leave the mode out"
        ))
    })
}

fn mode_named(case: &Zval) -> Option<promshm_segment::GaugeMode> {
    zval::case_name(case).and_then(|name| GaugeMode::from_name(name).ok()).map(Into::into)
}

extern "C" fn set(call: &Call<Gauge>, _ret: &mut Zval) {
    if set_at_once(call).is_none() {
        set_slowly(call);
    }
}

#[inline(always)]
fn set_at_once(call: &Call<Gauge>) -> Option<()> {
    let value = arguments::first_number(call)?;
    call.this().settable_cell(call, 1)?.set(value);
    heartbeat::tick();
    Some(())
}

#[inline(never)] // so that the fast path saves no registers for it
fn set_slowly(call: &Call<Gauge>) {
    catch_panic(|| {
        if let Some((value, labels)) = arguments::float(call) {
            set_to(call.this(), labels, value);
        }
    });
    heartbeat::tick();
}

extern "C" fn set_to_current_time(call: &Call<Gauge>, _ret: &mut Zval) {
    catch_panic(|| {
        if let Some(labels) = arguments::labels(call) {
            set_to(call.this(), labels, unix_time());
        }
    });
    heartbeat::tick();
}

#[inline(never)]
pub(crate) fn set_to(handle: &Handle, labels: Labels<'_>, value: f64) {
    let _thrown = handle.update(labels, |cells| cells.all[0].set(value));
}

extern "C" fn inc(call: &Call<Gauge>, _ret: &mut Zval) {
    step(call, 1.0);
}

extern "C" fn dec(call: &Call<Gauge>, _ret: &mut Zval) {
    step(call, -1.0);
}

#[inline(always)]
fn step(call: &Call<Gauge>, by: f64) {
    match call.this().ready_cell(call, 0) {
        Some(own) => gauge_cell::add(own, false, by),
        None => step_slowly(call, by),
    }
    heartbeat::tick();
}

#[inline(never)]
fn step_slowly(call: &Call<Gauge>, by: f64) {
    catch_panic(|| {
        if let Some(labels) = arguments::labels(call) {
            add(call.this(), labels, by);
        }
    });
}

extern "C" fn inc_by(call: &Call<Gauge>, _ret: &mut Zval) {
    if step_by_at_once(call, 1.0).is_none() {
        step_by_slowly(call, 1.0);
    }
}

extern "C" fn dec_by(call: &Call<Gauge>, _ret: &mut Zval) {
    if step_by_at_once(call, -1.0).is_none() {
        step_by_slowly(call, -1.0);
    }
}

/// As [`step`], multiplied by the first argument.
#[inline(always)]
fn step_by_at_once(call: &Call<Gauge>, one: f64) -> Option<()> {
    let value = arguments::first_number(call)?;
    gauge_cell::add(call.this().ready_cell(call, 1)?, false, one * value);
    heartbeat::tick();
    Some(())
}

#[inline(never)]
fn step_by_slowly(call: &Call<Gauge>, one: f64) {
    catch_panic(|| {
        if let Some((value, labels)) = arguments::number(call) {
            add(call.this(), labels, one * value);
        }
    });
    heartbeat::tick();
}

extern "C" fn track_in_progress(call: &Call<Gauge>, ret: &mut Zval) {
    catch_panic(|| {
        if let Ok((function, track)) = begin_track(call) {
            callable::call(function, ret);
            drop(track);
        }
    });
}

/// Adds 1 until the track is dropped; there is no track if the update was lost.
fn begin_track(call: &Call<Gauge>) -> std::result::Result<(&Zval, Option<Track>), Thrown> {
    let (function, labels) = arguments::callable(call).ok_or(Thrown)?;
    let SeriesOf { metric, key, series } = call.this().series_of(labels)?;
    let handle = Handle::default();
    handle.bind(metric, key, series)?;
    let mut track = None;
    handle.update(None, |Cells { all, shared }| {
        gauge_cell::add(&all[0], shared, 1.0);
        track = Some(Track::of(&all[0], shared));
    })?;
    Ok((function, track))
}

fn add(handle: &Handle, labels: Labels<'_>, by: f64) {
    let _thrown = handle.update(labels, |Cells { all, shared }| gauge_cell::add(&all[0], shared, by));
}
