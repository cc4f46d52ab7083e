//! `Promshm\Gauge` and `Promshm\GaugeMode`.

use crate::{
    classes::metric_class::{around, around_series, construct, constructor, metric_class, void, with_labels},
    engine::{
        arguments,
        arguments::Labels,
        exceptions::{Thrown, invalid_argument},
        globals::ModuleStatic,
        panic::catch_panic,
        zval,
        zval::{EnumClass, More},
    },
    session::{
        gauge_cell,
        handle::{Cells, Handle, this},
        heartbeat,
        series::Series,
        track::Track,
    },
};
use ext_php_rs::{
    args::Arg,
    builders::EnumBuilder,
    class::RegisteredClass,
    enum_::RegisteredEnum,
    error::Result,
    flags::{ClassFlags, DataType, MethodFlags},
    prelude::php_enum,
    types::Zval,
    zend::{ClassEntry, ExecuteData},
    zend_fastcall,
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

pub(crate) fn register() -> Result<()> {
    register_mode()?;
    let value = |name, handler| with_labels(void(name, handler).arg(Arg::new("value", DataType::Double)));
    let mode = Arg::new("mode", DataType::Object(MODE.into())).default("\\Promshm\\GaugeMode::Last");
    metric_class("Promshm\\Gauge", constructor(new).arg(mode))
        .method(value("set", set), MethodFlags::Public)
        .method(with_labels(void("inc", inc)), MethodFlags::Public)
        .method(value("incBy", inc_by), MethodFlags::Public)
        .method(with_labels(void("dec", dec)), MethodFlags::Public)
        .method(value("decBy", dec_by), MethodFlags::Public)
        .method(with_labels(void("setToCurrentTime", set_to_current_time)), MethodFlags::Public)
        .method(around("trackInProgress", track_in_progress), MethodFlags::Public)
        .register()
}

zend_fastcall! {
    extern fn new(ex: &mut ExecuteData, _ret: &mut Zval) {
        catch_panic(|| {
            let Some(class) = MODE_CLASS.get() else { return };
            drop(construct(ex, More::Object(class), |mode| Ok((Kind::Gauge(mode_of(mode)?), Vec::new()))));
        });
    }
}

fn mode_of(mode: Option<&Zval>) -> std::result::Result<promshm_segment::GaugeMode, Thrown> {
    let Some(mode) = mode else { return Ok(promshm_segment::GaugeMode::Last) };
    let case = zval::case_name(mode).and_then(|name| GaugeMode::from_name(name).ok());
    case.map(Into::into).ok_or_else(|| {
        invalid_argument(&format!(
            "The enum {MODE} is disabled: take it off the setting disable_classes, or leave the mode out"
        ))
    })
}

zend_fastcall! {
    extern fn set(ex: &mut ExecuteData, _ret: &mut Zval) {
        if set_at_once(ex).is_none() {
            set_slowly(ex);
        }
    }
}

#[inline(always)]
fn set_at_once(ex: &ExecuteData) -> Option<()> {
    let value = arguments::first_number(ex)?;
    this(ex).settable_cell(ex, 1)?.set(value);
    heartbeat::tick();
    Some(())
}

#[inline(never)] // so that the fast path saves no registers for it
fn set_slowly(ex: &ExecuteData) {
    catch_panic(|| {
        if let Some((value, labels)) = arguments::float(ex) {
            set_to(this(ex), labels, value);
        }
    });
    heartbeat::tick();
}

zend_fastcall! {
    extern fn set_to_current_time(ex: &mut ExecuteData, _ret: &mut Zval) {
        catch_panic(|| if let Some(labels) = arguments::labels(ex) { set_to(this(ex), labels, unix_time()) });
        heartbeat::tick();
    }
}

#[inline(never)]
pub(crate) fn set_to(handle: &Handle, labels: Labels<'_>, value: f64) {
    let _thrown = handle.update(labels, |cells| cells.all[0].set(value));
}

zend_fastcall! {
    extern fn inc(ex: &mut ExecuteData, _ret: &mut Zval) {
        step(ex, 1.0);
    }
}

zend_fastcall! {
    extern fn dec(ex: &mut ExecuteData, _ret: &mut Zval) {
        step(ex, -1.0);
    }
}

#[inline(always)]
fn step(ex: &ExecuteData, by: f64) {
    match this(ex).ready_cell(ex, 0) {
        Some(cell) => gauge_cell::add(cell, false, by),
        None => step_slowly(ex, by),
    }
    heartbeat::tick();
}

#[inline(never)]
fn step_slowly(ex: &ExecuteData, by: f64) {
    catch_panic(|| {
        if let Some(labels) = arguments::labels(ex) {
            add(this(ex), labels, by);
        }
    });
}

zend_fastcall! {
    extern fn inc_by(ex: &mut ExecuteData, _ret: &mut Zval) {
        if step_by_at_once(ex, 1.0).is_none() {
            step_by_slowly(ex, 1.0);
        }
    }
}

zend_fastcall! {
    extern fn dec_by(ex: &mut ExecuteData, _ret: &mut Zval) {
        if step_by_at_once(ex, -1.0).is_none() {
            step_by_slowly(ex, -1.0);
        }
    }
}

/// As [`step`], multiplied by the first argument.
#[inline(always)]
fn step_by_at_once(ex: &ExecuteData, one: f64) -> Option<()> {
    let value = arguments::first_number(ex)?;
    gauge_cell::add(this(ex).ready_cell(ex, 1)?, false, one * value);
    heartbeat::tick();
    Some(())
}

#[inline(never)]
fn step_by_slowly(ex: &ExecuteData, one: f64) {
    catch_panic(|| {
        if let Some((value, labels)) = arguments::number(ex) {
            add(this(ex), labels, one * value);
        }
    });
    heartbeat::tick();
}

zend_fastcall! {
    extern fn track_in_progress(ex: &mut ExecuteData, ret: &mut Zval) {
        catch_panic(|| {
            if let Ok((function, track)) = begin_track(ex) {
                zval::call(function, ret);
                drop(track);
            }
        });
    }
}

/// Adds 1 until the track is dropped; there is no track if the update was lost.
fn begin_track(ex: &ExecuteData) -> std::result::Result<(&Zval, Option<Track>), Thrown> {
    let (function, metric, key) = around_series(ex)?;
    let handle = Handle::default();
    handle.bind(metric, key, Series::UNKNOWN)?;
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
