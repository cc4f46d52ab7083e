//! The INI settings, parsed when the engine sets them: at startup, or when FPM applies those of a pool.
#![allow(unsafe_code)]

use crate::engine::{
    globals::{ModuleStatic, interpreter_local},
    panic::catch_panic_silent,
    zval,
};
use ext_php_rs::{
    PHP_ZTS, ffi,
    flags::IniEntryPermission,
    zend::{IniEntryDef, IniEntryDefs},
};
use promshm_segment::{Config, Definition, Kind, SegmentName};
use std::ffi::{CStr, c_void};

interpreter_local! {
    // Of each thread: the engine applies the settings to each new thread, and a server may set them for one virtual
    // host.
    static CONFIG: Option<Config> = None;
    static ENABLED: bool = true;
    static RUNTIME_METRICS: bool = true;
    static NATIVE_HISTOGRAMS: bool = false;
    static SERIES_PER_METRIC: SeriesPerMetric = SeriesPerMetric::Share(10);
    /// What the labels of a metric's last series say; `None` for [`OTHER`].
    static OVERFLOW_LABEL: Option<String> = None;
}

/// The default of `promshm.overflow_label`.
const OTHER: &str = "other";
/// The fewest series that a share of `promshm.max_series` leaves to each metric.
const LEAST_SHARE: u64 = 100;

/// The most series of one metric.
#[derive(Debug, Clone, Copy)]
enum SeriesPerMetric {
    Number(u32),
    /// So many hundredths of what the segment takes.
    Share(u32),
}

/// The settings of observed functions. They are the process's: handlers are replaced once, and compiled code is shared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ObserveSettings {
    pub(crate) list: String,
    pub(crate) file: String,
    pub(crate) observe_user: bool,
    pub(crate) buckets: Vec<f64>,
    pub(crate) max_functions: usize,
    /// A bit for each [`Collect`], and [`Collect::AUTO`].
    collected: u8,
}

/// What is collected without a list of functions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Collect {
    Requests,
    Errors,
    Exceptions,
    Opcache,
    Runtime,
}

impl Collect {
    const ALL: [(&str, Self); 5] = [
        ("requests", Self::Requests),
        ("errors", Self::Errors),
        ("exceptions", Self::Exceptions),
        ("opcache", Self::Opcache),
        ("runtime", Self::Runtime),
    ];

    /// The bit of `auto`: with a list of functions, what adds next to nothing to a request.
    const AUTO: u8 = 1 << 7;
    const BY_ITSELF: u8 = Self::Errors.bit() | Self::Exceptions.bit() | Self::Opcache.bit();

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The bits of a list of names.
    fn bits(text: &str) -> Option<u8> {
        let bits = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
            "" => Some(0),
            "all" => Some(!Self::AUTO),
            "auto" => Some(Self::AUTO),
            name => Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, collect)| collect.bit()),
        };
        text.split(',').map(bits).try_fold(0, |all, bits| Some(all | bits?))
    }
}

/// Whether that is collected.
pub(crate) fn collects(what: Collect) -> bool {
    COLLECTED.get() & what.bit() != 0
}

/// Whether `promshm.collect` names it: then it may give this process a place in the segment.
pub(crate) fn is_asked_for(what: Collect) -> bool {
    ASKED_FOR.get() & what.bit() != 0
}

const NOTHING_OBSERVED: ObserveSettings = ObserveSettings {
    list: String::new(),
    file: String::new(),
    observe_user: true,
    buckets: Vec::new(),
    max_functions: 256,
    collected: Collect::AUTO,
};

interpreter_local! {
    static OBSERVE: ObserveSettings = NOTHING_OBSERVED;
    /// The bits of what is collected, where they are read fast.
    static COLLECTED: u8 = 0;
    /// Those that `promshm.collect` names.
    static ASKED_FOR: u8 = 0;
}
/// Whether modules have started: from then on these settings stay.
static IS_STARTED: ModuleStatic<bool> = ModuleStatic::new(false);

impl Default for ObserveSettings {
    fn default() -> Self {
        NOTHING_OBSERVED
    }
}

/// The settings of observed functions, which stay from now on. At module startup.
pub(crate) fn observe_settings() -> ObserveSettings {
    IS_STARTED.set(true);
    OBSERVE.with(|settings| settings.clone())
}

/// Before module startup reads its settings: some servers restart modules in one process.
pub(crate) fn forget_observe_settings() {
    IS_STARTED.set(false);
}

/// Whether metrics are stored at all.
#[inline]
pub(crate) fn enabled() -> bool {
    ENABLED.get()
}

/// Whether the process publishes its stats.
pub(crate) fn runtime_metrics() -> bool {
    RUNTIME_METRICS.get()
}

/// Whether histograms are recorded natively as well.
pub(crate) fn native_histograms() -> bool {
    NATIVE_HISTOGRAMS.get()
}

/// The settings for the segment.
pub(crate) fn config() -> Config {
    CONFIG.with(|config| config.get_or_insert_default().clone())
}

/// The most series of one metric in a segment that takes `max_series`.
pub(crate) fn series_per_metric(max_series: u64) -> u64 {
    match SERIES_PER_METRIC.get() {
        SeriesPerMetric::Number(number) => number.into(),
        SeriesPerMetric::Share(share) => (max_series * u64::from(share) / 100).max(LEAST_SHARE),
    }
}

/// The value of all labels of the series that further label values of a metric count in.
pub(crate) fn with_overflow_label<R>(look: impl FnOnce(&str) -> R) -> R {
    OVERFLOW_LABEL.with(|label| look(label.as_deref().unwrap_or(OTHER)))
}

static SETTINGS: IniEntryDefs<21> = IniEntryDefs::new([
    setting(c"promshm.enabled", c"1", on_enabled),
    setting(c"promshm.segment", c"sysv:0x70736d31", on_segment),
    setting(c"promshm.size", c"256M", on_size),
    setting(c"promshm.mode", c"0640", on_mode),
    setting(c"promshm.group", c"", on_group),
    setting(c"promshm.max_processes", c"256", on_max_processes),
    setting(c"promshm.max_series", c"10000", on_max_series),
    setting(c"promshm.max_series_per_metric", c"10%", on_max_series_per_metric),
    setting(c"promshm.overflow_label", c"other", on_overflow_label),
    setting(c"promshm.max_label_length", c"1024", on_max_label_length),
    setting(c"promshm.summary_samples", c"1024", on_summary_samples),
    setting(c"promshm.series_ttl", c"0", on_series_ttl),
    setting(c"promshm.runtime_metrics", c"1", on_runtime_metrics),
    setting(c"promshm.native_histograms", c"0", on_native_histograms),
    setting(c"promshm.observe", c"", on_observe),
    setting(c"promshm.observe_file", c"", on_observe_file),
    setting(c"promshm.observe_user", c"1", on_observe_user),
    setting(
        c"promshm.observe_buckets",
        c"0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10",
        on_observe_buckets,
    ),
    setting(c"promshm.observe_max_functions", c"256", on_observe_max_functions),
    setting(c"promshm.collect", c"auto", on_collect),
    IniEntryDef::end(),
]);

type OnModify = unsafe extern "C" fn(
    *mut ffi::zend_ini_entry,
    *mut ffi::zend_string,
    *mut c_void,
    *mut c_void,
    *mut c_void,
    i32,
) -> i32;

const fn setting(name: &'static CStr, default: &'static CStr, on_modify: OnModify) -> IniEntryDef {
    let mut entry = IniEntryDef::new(name, default, IniEntryPermission::System);
    entry.on_modify = Some(on_modify);
    entry
}

/// Registers the settings; the engine then calls back with each value.
pub(crate) fn register(module: i32) {
    IniEntryDef::register(SETTINGS.as_slice(), module);
}

/// Defines the engine's callback for one setting: `-1` refuses the value, and the default stays.
macro_rules! on_modify {
    ($($callback:ident => $name:literal, $wanted:literal, $set:expr;)*) => {$(
        unsafe extern "C" fn $callback(
            _entry: *mut ffi::zend_ini_entry,
            value: *mut ffi::zend_string,
            _: *mut c_void,
            _: *mut c_void,
            _: *mut c_void,
            _stage: i32,
        ) -> i32 {
            // SAFETY: the engine passes the value to this callback.
            let text = unsafe { zval::ini_text(value) }.trim();
            modify(text, $set, $name, $wanted)
        }
    )*};
}

/// What the engine wants to hear of a new value. The same code for all settings.
#[inline(never)]
fn modify(text: &str, set: fn(&str) -> Option<()>, name: &str, wanted: &str) -> i32 {
    if set(text).is_some() {
        return 0;
    }
    catch_panic_silent(|| zval::warn(&format!("{name} = {text:?} is not {wanted}; the default is used")));
    -1
}

on_modify! {
    on_enabled => "promshm.enabled", "On or Off (1 or 0)", |text| {
        ENABLED.set(switch(text)?);
        Some(())
    };
    on_segment => "promshm.segment", "sysv:KEY with KEY from 1 to 0xffffffff, posix:/NAME, or memory:", |text| {
        let name: SegmentName = text.parse().ok()?;
        change(|config| config.name = name)
    };
    on_size => "promshm.size", "a size from 1M to 1024G, such as 256M", |text| {
        let size = size(text).filter(|size| (1 << 20..=1 << 40).contains(size))?;
        change(|config| config.size = size)
    };
    on_mode => "promshm.mode", "an octal mode from 0600 to 0666, such as 0640", |text| {
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| mode & !0o666 == 0 && mode & 0o600 == 0o600)?;
        change(|config| config.mode = mode)
    };
    on_group => "promshm.group", "a group's number or name, or empty", |text| {
        let group = if text.is_empty() { None } else { Some(group(text)?) };
        change(|config| config.group = group)
    };
    on_max_processes => "promshm.max_processes", "a number from 1 to 1023", |text| {
        let number = number(text, 1, Config::MAX_PROCESSES)?;
        change(|config| config.max_processes = number)
    };
    on_max_series => "promshm.max_series", "a number from 1 to 4000000", |text| {
        let number = number(text, 1, Config::MAX_SERIES)?;
        change(|config| config.max_series = number)
    };
    on_max_series_per_metric => "promshm.max_series_per_metric", "a number from 1 to 4000000, or a share of promshm.max_series from 1% to 100%", |text| {
        let limit = match text.strip_suffix('%') {
            Some(share) => SeriesPerMetric::Share(number(share, 1, 100)?),
            None => SeriesPerMetric::Number(number(text, 1, Config::MAX_SERIES)?),
        };
        SERIES_PER_METRIC.set(limit);
        Some(())
    };
    on_overflow_label => "promshm.overflow_label", "a text from 1 to 64 bytes long", |text| {
        let label = Some(text).filter(|text| (1..=64).contains(&text.len()));
        OVERFLOW_LABEL.set(label.map(Into::into));
        label.map(drop)
    };
    on_max_label_length => "promshm.max_label_length", "a number from 64 to 65535", |text| {
        let number = number(text, Config::MIN_LABEL_LENGTH, Config::MAX_LABEL_LENGTH)?;
        change(|config| config.max_label_length = number)
    };
    on_summary_samples => "promshm.summary_samples", "a number from 1 to 65536", |text| {
        let number = number(text, 1, Config::MAX_SUMMARY_SAMPLES)?;
        change(|config| config.summary_samples = number)
    };
    on_series_ttl => "promshm.series_ttl", "a number of seconds from 0 to 31536000", |text| {
        let number = number(text, 0, Config::MAX_SERIES_TTL)?;
        change(|config| config.series_ttl = number)
    };
    on_native_histograms => "promshm.native_histograms", "On or Off (1 or 0)", |text| {
        NATIVE_HISTOGRAMS.set(switch(text)?);
        Some(())
    };
    on_runtime_metrics => "promshm.runtime_metrics", "On or Off (1 or 0)", |text| {
        RUNTIME_METRICS.set(switch(text)?);
        Some(())
    };
}

on_modify! {
    on_observe => "promshm.observe", "what PHP has started with, which cannot be changed for a pool", |text| {
        observe(|settings| settings.list = text.into())
    };
    on_observe_file => "promshm.observe_file", "what PHP has started with, which cannot be changed for a pool", |text| {
        observe(|settings| settings.file = text.into())
    };
    on_observe_user => "promshm.observe_user", "On or Off (1 or 0), and what PHP has started with", |text| {
        let is_on = switch(text)?;
        observe(|settings| settings.observe_user = is_on)
    };
    on_observe_buckets => "promshm.observe_buckets", "increasing numbers with commas between them", |text| {
        let numbers: Vec<f64> = text.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
        Definition::new("a", "", Kind::Histogram, &[], &numbers).ok()?;
        observe(|settings| settings.buckets = numbers)
    };
    on_observe_max_functions => "promshm.observe_max_functions", "a number from 1 to 100000", |text| {
        let number = number(text, 1, 100_000)?;
        observe(|settings| settings.max_functions = number as usize)
    };
}

on_modify! {
    on_collect => "promshm.collect", "a list of requests, errors, exceptions, opcache, runtime, or all, or auto", |text| {
        let bits = Collect::bits(text)?;
        observe(|settings| settings.collected = bits)
    };
}

/// Changes a setting of observed functions. After module startup only what is equal is taken: the engine applies the
/// settings to each new thread.
fn observe(set: impl FnOnce(&mut ObserveSettings)) -> Option<()> {
    OBSERVE.with(|settings| {
        let mut changed = settings.clone();
        set(&mut changed);
        take(settings, changed)
    })
}

#[inline(never)] // it is the same for all of these settings
fn take(settings: &mut ObserveSettings, changed: ObserveSettings) -> Option<()> {
    let is_taken = !IS_STARTED.get() || PHP_ZTS || changed == *settings;
    if is_taken {
        let lists = !(changed.list.is_empty() && changed.file.is_empty());
        let is_auto = lists && changed.collected & Collect::AUTO != 0;
        ASKED_FOR.set(changed.collected);
        COLLECTED.set(changed.collected | if is_auto { Collect::BY_ITSELF } else { 0 });
        *settings = changed;
    }
    is_taken.then_some(())
}

#[allow(clippy::unnecessary_wraps)] // so that a setting's rule reads as one chain
fn change(set: impl FnOnce(&mut Config)) -> Option<()> {
    CONFIG.with(|config| set(config.get_or_insert_default()));
    Some(())
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Some(true),
        "" | "0" | "off" | "no" | "false" | "none" => Some(false),
        _ => None,
    }
}

fn number(text: &str, least: u32, most: u32) -> Option<u32> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

/// Bytes, with PHP's suffixes K, M and G.
fn size(text: &str) -> Option<u64> {
    let (digits, shift) = match text.as_bytes().last()?.to_ascii_uppercase() {
        b'K' => (&text[..text.len() - 1], 10),
        b'M' => (&text[..text.len() - 1], 20),
        b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A group's id, given as such or by name.
fn group(text: &str) -> Option<u32> {
    let by_name = || nix::unistd::Group::from_name(text).ok()?.map(|group| group.gid.as_raw());
    text.parse().ok().or_else(by_name)
}
