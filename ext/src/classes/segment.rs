//! `Promshm\Segment`: status and content of the segment, for PHP.

use crate::{
    engine::{
        builder::Class,
        call::Frame,
        class::{FINAL, plain},
        panic::catch_panic,
        zval,
        zval::{Parse, guarded, parse},
    },
    session::{attachment, error_text, ini},
};
use ext_php_rs::{
    boxed::ZBox,
    convert::IntoZval,
    error::Result,
    flags::{DataType, MethodFlags},
    types::{ZendHashTable, Zval},
};
use promshm_exposition::{Encoder, worker_families, worker_family_names};
use promshm_segment::{Difference, Family, ReadError, Reader, Snapshot, Stats, snapshot::Reason};

pub(crate) fn register() -> Result<()> {
    let public_static = MethodFlags::Public | MethodFlags::Static;
    let returns = |name, handler, kind| plain(name, handler).returns(kind, false);
    Class::new("Promshm\\Segment", FINAL)
        .method(returns(c"status", status, DataType::Array), public_static)
        .method(returns(c"render", render, DataType::String), public_static)
        .method(returns(c"compact", compact, DataType::Bool), public_static)
        .method(returns(c"wipe", wipe, DataType::Void), public_static)
        .register()?;
    Ok(())
}

extern "C" fn render(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        if parse(frame, Parse::Nothing) {
            zval::return_text(ret, &page());
        }
    });
}

/// The page as the exporter would serve it, without the exporter's own metrics. Empty without a segment.
fn page() -> Vec<u8> {
    let mut page = Vec::new();
    look_at(|snapshot| write_page(snapshot, &mut page));
    page
}

/// Runs `look` on all families, if there is a segment. Any other failure is a warning.
pub(crate) fn look_at_families(look: impl FnOnce(&[Family])) {
    look_at(|snapshot| look(&snapshot.families));
}

fn look_at(look: impl FnOnce(&Snapshot)) {
    match read(|reader| reader.scrape().map(look)) {
        Ok(()) | Err(ReadError::Absent { .. } | ReadError::NotReady { .. } | ReadError::Retired { .. }) => {}
        Err(error) => {
            attachment::warn_once(&format!("the metrics cannot be read: {}", error_text::read_error(&error)));
        }
    }
}

fn write_page(snapshot: &Snapshot, page: &mut Vec<u8>) {
    let is_ours = |name: &str| worker_family_names().any(|ours| ours == name);
    let counted = snapshot.families.iter().filter(|family| !is_ours(&family.definition.name));
    let told = worker_families(&snapshot.stats);
    Encoder::default().encode(counted.chain(&told), page);
}

fn read<R>(
    look: impl FnOnce(&mut Reader) -> std::result::Result<R, ReadError>,
) -> std::result::Result<R, ReadError> {
    let name = ini::config().name;
    if !ini::enabled() {
        return Err(ReadError::Absent { name }); // disabled: nothing is touched, whatever is there
    }
    look(&mut Reader::attach(name)?)
}

/// The segment's state, if it can be read.
pub(crate) fn stats() -> std::result::Result<Stats, ReadError> {
    read(|reader| reader.scrape().map(|snapshot| snapshot.stats.clone()))
}

/// The numbers of one family.
#[derive(Debug)]
struct FamilyCount {
    name: String,
    series: usize,
    overflows: u64,
}

/// The segment's state, and that of its families, the one with the most series first.
fn stats_and_families() -> (std::result::Result<Stats, ReadError>, Vec<FamilyCount>) {
    let seen = read(|reader| {
        let snapshot = reader.scrape()?;
        let count = |(family, series): (&Family, usize)| {
            let (name, overflows) = (family.definition.name.clone(), family.overflows());
            FamilyCount { name, series, overflows }
        };
        Ok((snapshot.stats.clone(), snapshot.largest().into_iter().map(count).collect()))
    });
    match seen {
        Ok((stats, families)) => (Ok(stats), families),
        Err(error) => (Err(error), Vec::new()),
    }
}

extern "C" fn compact(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        if parse(frame, Parse::Nothing) {
            ret.set_bool(attachment::compact());
        }
    });
}

extern "C" fn wipe(frame: &Frame, _ret: &mut Zval) {
    catch_panic(|| {
        if parse(frame, Parse::Nothing) {
            attachment::wipe();
        }
    });
}

extern "C" fn status(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        if parse(frame, Parse::Nothing) {
            let (seen, families) = stats_and_families();
            let texts = StatusTexts::new(&seen);
            let stats = seen.unwrap_or_default();
            guarded(|| ret.set_hashtable(status_array(&texts, &stats, &families)));
        }
    });
}

/// Where the segment has other settings than this process.
pub(crate) fn differences(stats: &Stats) -> Vec<Difference> {
    stats.settings.differences(&ini::config().settings(), stats.most_series)
}

/// The part of `status()` that needs no segment: this process and its settings.
struct StatusTexts {
    process: attachment::Status,
    segment: String,
    error: Option<String>,
    differences: Vec<(String, Difference)>,
}

impl StatusTexts {
    fn new(seen: &std::result::Result<Stats, ReadError>) -> Self {
        let process = attachment::status();
        let error = match (&process.error, seen) {
            (Some(error), _) => Some(error.clone()),
            (None, Err(ReadError::Absent { .. }) | Ok(_)) => None,
            (None, Err(error)) => Some(error_text::read_error(error)),
        };
        let differences = seen.as_ref().map(differences).unwrap_or_default();
        let named = differences.into_iter().map(|it| (format!("promshm.{}", it.setting), it));
        Self { process, segment: ini::config().name.to_string(), error, differences: named.collect() }
    }
}

/// The array of `status()`, made within [`guarded`], so values that are not the engine's are borrowed.
fn status_array(texts: &StatusTexts, stats: &Stats, families: &[FamilyCount]) -> ZBox<ZendHashTable> {
    let StatusTexts { process, segment, error, differences } = texts;
    let mut array = ZendHashTable::new();
    put(&mut array, "enabled", ini::enabled());
    put(&mut array, "attached", process.attached);
    put(&mut array, "segment", segment.as_str());
    put(&mut array, "error", error.as_deref());
    put_differences(&mut array, differences);
    put_storage(&mut array, stats, families);
    put(&mut array, "slot", process.slot.map(|slot| slot as i64));
    put(&mut array, "max_processes", stats.max_processes.cast_signed());
    put(&mut array, "liveness", stats.liveness.as_str());
    put(&mut array, "unstored_updates", process.unstored.cast_signed());
    put_workers(&mut array, stats);
    array
}

fn put_differences(array: &mut ZendHashTable, differences: &[(String, Difference)]) {
    let mut other = ZendHashTable::new();
    for (name, Difference { configured, segment, next_generation, .. }) in differences {
        let mut both = ZendHashTable::new();
        put(&mut both, "configured", configured.cast_signed());
        put(&mut both, "segment", segment.cast_signed());
        put(&mut both, "next_generation", *next_generation);
        put(&mut other, name, both);
    }
    put(array, "other_settings", other);
}

fn put_storage(array: &mut ZendHashTable, stats: &Stats, families: &[FamilyCount]) {
    put(array, "reserved_bytes", stats.reserved_bytes.cast_signed());
    put(array, "used_bytes", stats.used_bytes.cast_signed());
    put(array, "series", stats.series.cast_signed());
    put(array, "hidden_series", stats.hidden_series.cast_signed());
    put(array, "max_series", stats.max_series.cast_signed());
    let mut largest = ZendHashTable::new();
    let mut overflows = ZendHashTable::new();
    for family in families {
        put(&mut largest, &family.name, family.series as i64);
        if family.overflows > 0 {
            put(&mut overflows, &family.name, family.overflows.cast_signed());
        }
    }
    put(array, "families", largest);
    put(array, "overflows", overflows);
    let mut dropped = ZendHashTable::new();
    for (reason, count) in Reason::ALL.iter().zip(stats.dropped) {
        put(&mut dropped, reason.as_str(), count.cast_signed());
    }
    put(array, "dropped", dropped);
    put(array, "truncated_labels", stats.truncated_labels.cast_signed());
}

fn put_workers(array: &mut ZendHashTable, stats: &Stats) {
    put(array, "worker_starts", stats.worker_starts.cast_signed());
    let mut exits = ZendHashTable::new();
    put(&mut exits, "clean", stats.exits_clean.cast_signed());
    put(&mut exits, "fatal", stats.exits_fatal.cast_signed());
    put(&mut exits, "abrupt", stats.exits_abrupt.cast_signed());
    put(array, "worker_exits", exits);
}

fn put(array: &mut ZendHashTable, key: &str, value: impl IntoZval) {
    let _only_fails_on_overflow = array.insert(key, value);
}
