//! `status`: the segment as a table for people.

use crate::{
    commands::Error,
    scrape::ScrapeError,
    targets::{
        Segments, Target,
        trust::{SourceError, Trust},
    },
    text::{human_bytes, utc},
};
use humantime::format_duration;
use promshm_segment::{
    Difference, Stats, order, os,
    os::{Inspection, Refused},
    snapshot::{
        Blocker, Family, Liveness, OtherSettings, Reason, Resource, SlotState, SlotView, Snapshot, Superseded,
    },
};
use std::{
    io::{self, Write as _},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const BAR_WIDTH: usize = 24;

/// Prints header, space and slots of each segment, and the `top` metrics with the most series. Unreadable segments are reported at the end.
pub(crate) fn print(segments: &Segments, top: usize) -> Result<(), Error> {
    segments.log_passed_over();
    let shown = segments.some_targets()?.into_iter().map(|target| describe(&target, &segments.trust, top));
    let (tables, errors): (Vec<_>, Vec<_>) = shown.partition(Result::is_ok);
    let tables: Vec<String> = tables.into_iter().filter_map(Result::ok).collect();
    let text = tables.join("\n\n");
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    let errors: Vec<_> = errors.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(ScrapeError::Unreadable(errors).into()) }
}

fn describe(target: &Target, trust: &Trust, top: usize) -> Result<String, SourceError> {
    let found = os::inspect(&target.name)?; // first, so as not to count this process
    let mut reader = trust.attach(target.name)?;
    let refused = os::refused(&target.name);
    let snapshot = reader.scrape()?;
    Ok(render(target, &found, snapshot, &refused, SystemTime::now()) + &largest(snapshot, top))
}

/// The metrics with the most series: who takes the room.
fn largest(snapshot: &Snapshot, top: usize) -> String {
    let families = snapshot.largest();
    if families.is_empty() || top == 0 {
        return String::new();
    }
    let row = |(family, series): &(&Family, usize)| [family.definition.name.clone(), series.to_string()];
    let title = ["METRIC", "SERIES"].map(String::from);
    let rows: Vec<_> = [title].into_iter().chain(families.iter().take(top).map(row)).collect();
    let left = families.len().saturating_sub(top);
    let others: usize = families.iter().skip(top).map(|(_, series)| series).sum();
    let rest = if left == 0 { String::new() } else { format!("and {left} others with {others}\n") };
    format!("\n{}{rest}", columns(&rows, |column| column == 1))
}

fn render(
    target: &Target,
    found: &Inspection,
    snapshot: &Snapshot,
    refused: &[Refused],
    now: SystemTime,
) -> String {
    let stats = &snapshot.stats;
    let overview = overview(target, found, stats, now);
    let superseded: String = snapshot.superseded.iter().map(superseded).collect();
    let overflowing: String = snapshot.families.iter().map(overflowing).collect();
    let slots = slots(stats, now);
    let refused: String = refused.iter().map(refused_processes).collect();
    let settings = other_settings(target, found, stats);
    format!("{overview}{settings}{superseded}{overflowing}{refused}\n{slots}")
}

/// What the youngest living worker is configured with differently than the segment, and what it takes until that
/// holds.
fn other_settings(target: &Target, found: &Inspection, stats: &Stats) -> String {
    let Some(OtherSettings { settings, pid, processes }) = &stats.other_settings else {
        return String::new();
    };
    let who = match processes {
        1 => format!("process {pid} is configured"),
        _ => format!("{processes} processes ({pid} is the youngest) are configured"),
    };
    let remedy = |next_generation| {
        if next_generation {
            return "holds from the next generation on, which Promshm\\Segment::compact() in a worker begins"
                .into();
        }
        format!(
            "needs a new segment: stop the workers with the former settings, then run promshm-exporter rm --segment {} \
             as uid {} or root",
            target.name, found.uid
        )
    };
    let describe = |it: Difference| {
        let Difference { setting, configured, segment, next_generation } = it;
        format!(
            "  {who} with promshm.{setting}={configured}, and the segment has {segment}: that {}\n",
            remedy(next_generation)
        )
    };
    stats.settings.differences(settings, stats.most_series).into_iter().map(describe).collect()
}

/// The settings that the segment has, whatever workers are configured with.
fn settings(stats: &Stats) -> String {
    let each = stats.settings.fields().map(|(setting, number)| format!("{setting} {number}"));
    each.join(", ")
}

/// Living workers that may not write the segment.
fn refused_processes(Refused { uid, processes }: &Refused) -> String {
    match processes {
        0 => String::new(),
        1 => format!("  1 process of uid {uid} may not write the segment, and what it counts is lost\n"),
        _ => format!(
            "  {processes} processes of uid {uid} may not write the segment, and what they count is lost\n"
        ),
    }
}

/// Families of living workers that are not exported.
fn superseded(Superseded { definition, exported }: &Superseded) -> String {
    let (name, hidden, shown) = (&definition.name, definition.describe(), exported.describe());
    format!("  {name} is not exported as {hidden}, because a younger worker defines it as {shown}\n")
}

/// A metric that has all the series that `promshm.max_series_per_metric` allows.
fn overflowing(family: &Family) -> String {
    match family.overflows() {
        0 => String::new(),
        lookups => format!(
            "  {} has all the series that a metric may have: {lookups} lookups of other label values count together\n",
            family.definition.name
        ),
    }
}

fn overview(target: &Target, found: &Inspection, stats: &Stats, now: SystemTime) -> String {
    let Inspection { id, uid, gid, mode, .. } = found;
    let attached = attached_now(found);
    let used = gauge(stats.used_bytes, stats.reserved_bytes, human_bytes);
    let held = stats.series + stats.hidden_series;
    let series = gauge(held, stats.max_series, |count| count.to_string());
    let hidden = match stats.hidden_series {
        0 => String::new(),
        hidden => format!("; {hidden} of them hidden"),
    };
    let rows = [
        ("Segment", format!("{target}, id {id}")),
        ("Created", moment(stats.created, now)),
        ("Owner", format!("uid {uid}, gid {gid}, mode {mode:04o}{attached}")),
        ("Settings", settings(stats)),
        ("Space", used),
        ("Leaked", human_bytes(stats.leaked_bytes)),
        ("Series", series + &hidden),
        ("Capacity", capacity(stats)),
        ("Generation", generation(stats)),
        ("Slots", slot_counts(stats)),
        ("Liveness", liveness(stats.liveness)),
        ("Workers", workers(stats)),
        ("Dropped", dropped(stats)),
        ("Labels cut", stats.truncated_labels.to_string()),
        ("Bad records", stats.corrupt_records.to_string()),
        ("Superseded", stats.superseded_families.to_string()),
    ];
    columns(&rows.map(|(name, text)| [name.to_string(), text]), |_| false)
}

/// Aligned columns with two blanks between them, without trailing blanks; `is_right` columns are right-aligned.
fn columns<const N: usize>(rows: &[[String; N]], is_right: impl Fn(usize) -> bool) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cell = |(column, cell): (usize, &String)| match (is_right(column), widths[column]) {
            (true, width) => format!("{cell:>width$}"),
            (false, width) => format!("{cell:<width$}"),
        };
        let line = row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `[####--------] 1.0 MiB of 4.0 MiB (25.0%)`
fn gauge(part: u64, whole: u64, unit: impl Fn(u64) -> String) -> String {
    let share = if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) };
    let filled = (part.min(whole).saturating_mul(BAR_WIDTH as u64) / whole.max(1)) as usize;
    let bar = "#".repeat(filled) + &"-".repeat(BAR_WIDTH - filled);
    format!("[{bar}] {} of {} ({:.1}%)", unit(part), unit(whole), share * 100.0)
}

/// What is scarce first: the share of each resource that the present generation has taken.
fn capacity(stats: &Stats) -> String {
    let mut all: Vec<_> = Resource::ALL.into_iter().zip(stats.taken).collect();
    order::sort_elements(&mut all, &|(_, a), (_, b)| b.share().total_cmp(&a.share()));
    let shares: Vec<_> = all
        .iter()
        .map(|(resource, taken)| format!("{} {:.1}%", resource.as_str(), taken.share() * 100.0))
        .collect();
    let Stats { removed_series, replaced_families, .. } = stats;
    format!(
        "{} taken, by {removed_series} removed series and {replaced_families} replaced families among others",
        shares.join(", ")
    )
}

fn generation(stats: &Stats) -> String {
    let Stats { generation, former_bytes, blocked_by, .. } = stats;
    let former = match former_bytes {
        0 => String::new(),
        bytes => format!("; {} of the former one are not given back yet", human_bytes(*bytes)),
    };
    let cause = match blocked_by {
        None => String::new(),
        Some(Blocker::Worker { pid, slot, processes }) => {
            let others =
                if *processes > 1 { format!(" and {} others", processes - 1) } else { String::new() };
            format!(": process {pid} (slot {slot}){others} must make a metric call, or end")
        }
        Some(Blocker::NoSlot { processes }) => {
            format!("; nothing is given back while {processes} processes without a slot live")
        }
        Some(Blocker::Liveness) => "; nothing is given back, because deaths go unnoticed".into(),
    };
    format!("{generation}{former}{cause}")
}

fn slot_counts(stats: &Stats) -> String {
    let [live, inherited, free] =
        [SlotState::Live, SlotState::Inherited, SlotState::Free].map(|state| stats.slots_in(state));
    let overflow = stats.overflow_processes;
    format!(
        "{live} live, {inherited} inherited, {free} free of {}; {overflow} processes without one",
        stats.max_processes
    )
}

fn liveness(mode: Liveness) -> String {
    let meaning = match mode {
        Liveness::Unknown => "not tested yet",
        Liveness::Kernel => "the kernel frees a dead process's slot at once",
        Liveness::Degraded => "this kernel ignores SEM_UNDO: a killed process's slot stays taken",
    };
    format!("{} ({meaning})", mode.as_str())
}

fn workers(stats: &Stats) -> String {
    let Stats { worker_starts, exits_clean, exits_fatal, exits_abrupt, .. } = stats;
    format!("{worker_starts} started; ended: {exits_clean} clean, {exits_fatal} fatal, {exits_abrupt} abrupt")
}

fn dropped(stats: &Stats) -> String {
    let total: u64 = stats.dropped.iter().sum();
    let reasons = Reason::ALL.iter().zip(stats.dropped).filter(|(_, count)| *count > 0);
    let reasons: Vec<_> = reasons.map(|(reason, count)| format!("{} {count}", reason.as_str())).collect();
    if total == 0 { "0".into() } else { format!("{total}: {}", reasons.join(", ")) }
}

fn slots(stats: &Stats, now: SystemTime) -> String {
    let head = ["SLOT", "STATE", "PID", "SINCE", "STARTS", "BYTES"].map(String::from);
    let rows: Vec<_> = [head].into_iter().chain(stats.slots.iter().map(|slot| slot_row(slot, now))).collect();
    columns(&rows, |column| !matches!(column, 1 | 3))
}

fn slot_row(slot: &SlotView, now: SystemTime) -> [String; 6] {
    let bytes = human_bytes(slot.bytes);
    if slot.index == 0 {
        return ["0".into(), "shared".into(), "-".into(), "-".into(), "-".into(), bytes];
    }
    let state = match slot.state {
        SlotState::Live => "live",
        SlotState::Free => "free",
        SlotState::Inherited => "inherited",
    };
    let since = if slot.starts == 0 { "-".into() } else { moment(slot.since, now) };
    [slot.index.to_string(), state.into(), slot.pid.to_string(), since, slot.starts.to_string(), bytes]
}

/// The number of attached processes, if the kernel counts them.
pub(crate) fn attached_now(found: &Inspection) -> String {
    found.attached.map_or_else(String::new, |count| format!("; attached now: {count}"))
}

/// `2026-01-31 12:00:00 UTC (2h 5m 3s ago)`
fn moment(seconds: f64, now: SystemTime) -> String {
    let then = Duration::try_from_secs_f64(seconds).ok().and_then(|since| UNIX_EPOCH.checked_add(since));
    let Some((then, text)) = then.and_then(|then| Some((then, utc(then)?))) else { return "unknown".into() };
    let age = now.duration_since(then).map_or(0, |age| age.as_secs());
    format!("{text} ({} ago)", format_duration(Duration::from_secs(age)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use promshm_segment::{Config, Definition, Kind, Settings, snapshot::Taken};

    fn stats() -> Stats {
        let slot = |index, state, pid, starts| SlotView {
            index,
            state,
            pid,
            since: 1_700_000_000.0,
            starts,
            crashes: 0,
            bytes: 8192,
            process: None,
        };
        Stats {
            reserved_bytes: 256 << 20,
            used_bytes: 64 << 20,
            series: 10,
            max_series: 10_000,
            settings: Config::default().settings(),
            most_series: 16_384,
            other_settings: Some(OtherSettings {
                settings: Settings { size: 512 << 20, max_series: 12_000, ..Config::default().settings() },
                pid: 17,
                processes: 2,
            }),
            max_processes: 256,
            slots: vec![
                slot(0, SlotState::Live, 0, 0),
                slot(1, SlotState::Live, 17, 3),
                slot(2, SlotState::Inherited, 18, 1),
            ],
            dropped: [5, 0, 0, 2, 0, 0],
            worker_starts: 4,
            exits_abrupt: 1,
            liveness: Liveness::Kernel,
            superseded_families: 1,
            removed_series: 5,
            replaced_families: 2,
            taken: [(50, 100), (10, 10_000), (16, 64), (0, 20)].map(|(part, whole)| Taken { part, whole }),
            generation: 3,
            former_bytes: 2 << 20,
            blocked_by: Some(Blocker::Worker { pid: 17, slot: 1, processes: 3 }),
            created: 1_700_000_000.0,
            ..Stats::default()
        }
    }

    #[test]
    fn the_table_shows_header_space_and_slots() {
        let found = Inspection {
            id: 3,
            size: 256 << 20,
            uid: 33,
            gid: 34,
            mode: 0o640,
            attached: Some(2),
            creator_pid: 9,
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_700_003_723);
        let target = Target { label: None, name: promshm_segment::SegmentName::default() };
        let [definition, exported] = [&["a"][..], &["a", "b"]].map(|labels| {
            Definition::new("jobs_total", "", Kind::Counter, labels, &[]).expect("a good definition")
        });
        let superseded = vec![Superseded { definition, exported }];
        let mut family = Family::new(
            Definition::new("mails_total", "", Kind::Counter, &["to"], &[]).expect("a good definition"),
        );
        family.set_overflows(7);
        let snapshot = Snapshot { stats: stats(), superseded, families: vec![family] };
        let refused = [(33, 0), (34, 1), (35, 20)].map(|(uid, processes)| Refused { uid, processes });
        let text = render(&target, &found, &snapshot, &refused, now);
        let expected = "\
Segment      sysv:0x70736d31, id 3
Created      2023-11-14 22:13:20 UTC (1h 2m 3s ago)
Owner        uid 33, gid 34, mode 0640; attached now: 2
Settings     size 268435456, max_processes 256, max_series 10000, max_label_length 1024, summary_samples 1024, series_ttl 0
Space        [######------------------] 64.0 MiB of 256.0 MiB (25.0%)
Leaked       0 B
Series       [------------------------] 10 of 10000 (0.1%)
Capacity     index 50.0%, room 25.0%, series 0.1%, gauges 0.0% taken, by 5 removed series and 2 replaced families among others
Generation   3; 2.0 MiB of the former one are not given back yet: process 17 (slot 1) and 2 others must make a metric call, or end
Slots        1 live, 1 inherited, 254 free of 256; 0 processes without one
Liveness     kernel (the kernel frees a dead process's slot at once)
Workers      4 started; ended: 0 clean, 0 fatal, 1 abrupt
Dropped      7: series_limit 5, corrupt 2
Labels cut   0
Bad records  0
Superseded   1
  2 processes (17 is the youngest) are configured with promshm.size=536870912, and the segment has 268435456: that needs a new segment: stop the workers with the former settings, then run promshm-exporter rm --segment sysv:0x70736d31 as uid 33 or root
  2 processes (17 is the youngest) are configured with promshm.max_series=12000, and the segment has 10000: that holds from the next generation on, which Promshm\\Segment::compact() in a worker begins
  jobs_total is not exported as a counter with labels (a), because a younger worker defines it as a counter with labels (a, b)
  mails_total has all the series that a metric may have: 7 lookups of other label values count together
  1 process of uid 34 may not write the segment, and what it counts is lost
  20 processes of uid 35 may not write the segment, and what they count is lost

SLOT  STATE      PID  SINCE                                   STARTS    BYTES
   0  shared       -  -                                            -  8.0 KiB
   1  live        17  2023-11-14 22:13:20 UTC (1h 2m 3s ago)       3  8.0 KiB
   2  inherited   18  2023-11-14 22:13:20 UTC (1h 2m 3s ago)       1  8.0 KiB
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_keeps_room_from_being_given_back_is_named() {
        let with = |blocked_by, former_bytes| generation(&Stats { blocked_by, former_bytes, ..stats() });
        assert_eq!(with(None, 0), "3");
        assert_eq!(with(None, 1024), "3; 1.0 KiB of the former one are not given back yet");
        assert_eq!(
            with(Some(Blocker::NoSlot { processes: 4 }), 0),
            "3; nothing is given back while 4 processes without a slot live"
        );
        assert_eq!(with(Some(Blocker::Liveness), 0), "3; nothing is given back, because deaths go unnoticed");
    }

    #[test]
    fn the_largest_metrics_come_first_and_the_others_are_summed_up() {
        let family = |(name, series): (&str, u32)| {
            let mut family = Family::new(
                Definition::new(name, "", Kind::Counter, &["a"], &[]).expect("a good definition"),
            );
            (0..series).for_each(|value| family.push([value.to_string().as_str()], &[1.0]));
            family
        };
        let families = [("a", 1), ("large", 3), ("b", 1), ("c", 2)].map(family).to_vec();
        let snapshot = Snapshot { families, ..Snapshot::default() };
        let expected = "\nMETRIC  SERIES\nlarge        3\nc            2\nand 2 others with 2\n";
        assert_eq!(largest(&snapshot, 2), expected);
        assert_eq!(largest(&snapshot, 0), "");
        assert_eq!(largest(&Snapshot::default(), 5), "");
    }

    #[test]
    fn a_bar_stays_in_its_frame() {
        assert!(gauge(0, 0, |n| n.to_string()).starts_with("[------------------------] 0 of 0 (0.0%)"));
        assert!(gauge(9, 3, |n| n.to_string()).starts_with("[########################] 9 of 3 (100.0%)"));
    }

    #[test]
    fn unrepresentable_times_are_unknown() {
        for seconds in [f64::MAX, f64::NAN, -1.0, 253_402_300_800.0] {
            assert_eq!(moment(seconds, UNIX_EPOCH), "unknown");
        }
        assert_eq!(moment(253_402_300_799.0, UNIX_EPOCH), "9999-12-31 23:59:59 UTC (0s ago)");
        assert_eq!(moment(60.0, UNIX_EPOCH), "1970-01-01 00:01:00 UTC (0s ago)");
    }
}
