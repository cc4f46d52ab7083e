//! Resolves conflicts of names: no two families of a page share a name, except those of several segments with one
//! type.

use crate::self_metrics::{LeftOut, LeftOutReason, SelfMetrics};
use log::warn;
use promshm_exposition::{Format, taken_names};
use promshm_segment::{Family, order};
use std::collections::HashSet;

/// A segment's families, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceFamilies<'s> {
    pub(crate) label: Option<&'s str>,
    pub(crate) families: &'s [Family],
}

/// A family that is exported on a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exported<'f> {
    /// The index of its segment.
    pub(crate) source: usize,
    pub(crate) family: &'f Family,
}

impl<'f> Exported<'f> {
    pub(crate) fn name(&self) -> &'f str {
        &self.family.definition.name
    }

    fn kind(&self) -> &'static str {
        self.family.definition.kind.as_str()
    }
}

/// The outcome for one page.
pub(crate) struct Resolution<'f> {
    /// By name. Families of one name have one type, and are in the order of their segments.
    pub(crate) exported: Vec<Exported<'f>>,
    /// For each segment.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Most log lines about one page.
pub(crate) const MOST_LINES: u64 = 10;
/// Most families that are remembered as logged. Names may change with every scrape, so once this many were logged, no
/// more are.
const MOST_REMEMBERED: usize = 10_000;

/// Resolves conflicts, and logs each family that is left out once for each reason, within limits.
#[derive(Debug, Default)]
pub(crate) struct ConflictResolver {
    hidden: HashSet<(Option<String>, String, LeftOutReason)>,
    /// Families of this page that are left out and were not logged before.
    fresh: u64,
}

impl ConflictResolver {
    /// The families that can stand on one page with each other and with the exporter's own. Of two that conflict, the
    /// one of the first source wins; within a source, the first by name.
    pub(crate) fn resolve<'f>(
        &mut self,
        sources: &[SourceFamilies<'f>],
        own: &SelfMetrics,
        format: Format,
    ) -> Resolution<'f> {
        let all = by_name(sources);
        let groups: Vec<_> = all.chunk_by(|one, other| one.name() == other.name()).collect();
        let reasons = reasons(&groups, own, format);
        let mut resolution = Resolution {
            exported: Vec::with_capacity(all.len()),
            left_out: vec![LeftOut::default(); sources.len()],
        };
        self.fresh = 0;
        for (group, reason) in groups.iter().zip(reasons) {
            for each in *group {
                let conflict = (group[0].kind() != each.kind()).then_some(LeftOutReason::TypeConflict);
                let Some(reason) = reason.or(conflict) else {
                    resolution.exported.push(*each);
                    continue;
                };
                resolution.left_out[each.source][reason as usize] += 1;
                self.hide(sources[each.source].label, each.name(), reason);
            }
        }
        if self.fresh > MOST_LINES {
            warn!(metrics = self.fresh - MOST_LINES; "further metrics are left out of the page, for such causes");
        }
        resolution
    }

    fn hide(&mut self, label: Option<&str>, name: &str, reason: LeftOutReason) {
        let is_logged = self.hidden.len() >= MOST_REMEMBERED
            || !self.hidden.insert((label.map(Into::into), name.into(), reason));
        self.fresh += u64::from(!is_logged);
        if !is_logged && self.fresh <= MOST_LINES {
            match label {
                Some(label) => warn!(metric = name, segment = label; "{}", reason.message()),
                None => warn!(metric = name; "{}", reason.message()),
            }
        }
    }
}

/// For each name, why it cannot stand on the page. Names are reserved source by source, so that no later source takes
/// the name of an earlier one.
fn reasons(groups: &[&[Exported<'_>]], own: &SelfMetrics, format: Format) -> Vec<Option<LeftOutReason>> {
    let is_strict = format == Format::OpenMetrics;
    let mut taken = if is_strict { own.openmetrics_names() } else { HashSet::new() };
    let mut reasons = vec![None; groups.len()];
    let source = |at: usize| groups[at][0].source;
    for at in order::sorted(groups.len(), &|one, other| source(one).cmp(&source(other))) {
        let first = groups[at][0];
        reasons[at] = if own.has(first.name()) {
            Some(LeftOutReason::OwnName)
        } else {
            (is_strict && !take(&mut taken, first.family)).then_some(LeftOutReason::NameClash)
        };
    }
    reasons
}

/// All families, grouped by name, in the order of their segments.
fn by_name<'f>(sources: &[SourceFamilies<'f>]) -> Vec<Exported<'f>> {
    let of = |(source, found): (usize, &SourceFamilies<'f>)| {
        found.families.iter().map(move |family| Exported { source, family })
    };
    let mut all: Vec<_> = sources.iter().enumerate().flat_map(of).collect();
    if sources.len() > 1 {
        order::sort_elements(&mut all, &|one, other| one.name().cmp(other.name()));
    }
    all
}

/// Reserves all names of a family, or none if one of them is taken.
fn take(taken: &mut HashSet<String>, family: &Family) -> bool {
    let names = taken_names(&family.definition);
    let is_free = !names.iter().any(|name| taken.contains(name));
    if is_free {
        taken.extend(names);
    }
    is_free
}

#[cfg(test)]
mod tests {
    use super::*;
    use promshm_segment::{Definition, GaugeMode, Kind};

    const GAUGE: Kind = Kind::Gauge(GaugeMode::Last);

    fn families(families: &[(&str, Kind)]) -> Vec<Family> {
        let family = |(name, kind): &(&str, Kind)| {
            let bounds: &[f64] = if *kind == Kind::Histogram { &[1.0] } else { &[] };
            Family::new(Definition::new(name, "", *kind, &[], bounds).expect("a good definition"))
        };
        families.iter().map(family).collect()
    }

    fn exported(format: Format, all: &[(&str, Kind)]) -> Vec<String> {
        let all = families(all);
        let mut names = ConflictResolver::default();
        let resolution = names.resolve(
            &[SourceFamilies { label: None, families: &all }],
            &SelfMetrics::of_server(false),
            format,
        );
        assert_eq!(names.hidden.len(), all.len() - resolution.exported.len(), "each one left out is noted");
        assert_eq!(resolution.left_out[0].iter().sum::<u64>() as usize, names.hidden.len());
        resolution.exported.into_iter().map(|exported| exported.name().into()).collect()
    }

    #[test]
    fn a_gauge_and_a_counter_share_no_name_in_openmetrics() {
        let families = [("x", GAUGE), ("x_total", Kind::Counter), ("y_total", Kind::Counter)];
        assert_eq!(exported(Format::OpenMetrics, &families), ["x", "y_total"]);
        assert_eq!(exported(Format::Text, &families), ["x", "x_total", "y_total"]);
        assert_eq!(exported(Format::Text1, &families), ["x", "x_total", "y_total"]);
    }

    #[test]
    fn suffixes_are_taken_too() {
        let families = [("x", Kind::Histogram), ("x_count", GAUGE), ("x_counts", GAUGE)];
        assert_eq!(exported(Format::OpenMetrics, &families), ["x", "x_counts"]);
        let families = [("x_created", GAUGE), ("x_sum", GAUGE), ("x_total", Kind::Counter)];
        assert_eq!(exported(Format::OpenMetrics, &families), ["x_created", "x_sum"]);
        assert_eq!(exported(Format::OpenMetrics, &[("x", Kind::Counter), ("x_total", Kind::Counter)]), ["x"]);
    }

    #[test]
    fn a_later_source_takes_no_name_from_one_before_it() {
        let owner = families(&[("x_total", Kind::Counter), ("y", Kind::Histogram)]);
        let stranger = families(&[("x", GAUGE), ("y", GAUGE), ("y_count", GAUGE)]);
        let sources = [&owner, &stranger].map(|families| SourceFamilies { label: None, families });
        let own = SelfMetrics::of_server(true);
        let resolution = ConflictResolver::default().resolve(&sources, &own, Format::OpenMetrics);
        let exported: Vec<_> =
            resolution.exported.iter().map(|exported| (exported.name(), exported.source)).collect();
        assert_eq!(exported, [("x_total", 0), ("y", 0)]);
        assert_eq!(resolution.left_out, [[0, 0, 0, 0], [0, 2, 1, 0]]);
    }

    #[test]
    fn remembered_names_are_limited() {
        let own = SelfMetrics::of_server(true);
        let mut names = ConflictResolver::default();
        for round in 0..3 {
            let many: Vec<String> = (0..6_000).map(|number| format!("x{round}_{number}")).collect();
            let gauges: Vec<_> = many.iter().map(|name| (name.as_str(), GAUGE)).collect();
            let counters: Vec<_> = many.iter().map(|name| (name.as_str(), Kind::Counter)).collect();
            let sources = [families(&gauges), families(&counters)];
            let found = sources.each_ref().map(|families| SourceFamilies { label: None, families });
            let resolution = names.resolve(&found, &own, Format::Text);
            assert_eq!(resolution.left_out[1], [0, 0, 6_000, 0], "each is counted");
            assert_eq!(names.hidden.len(), [6_000, MOST_REMEMBERED, MOST_REMEMBERED][round]);
        }
    }

    #[test]
    fn own_metrics_go_first() {
        let families =
            [("promshm_dropped", GAUGE), ("promshm_up", GAUGE), ("promshm_up_total", Kind::Counter)];
        assert_eq!(exported(Format::OpenMetrics, &families), [""; 0]);
        assert_eq!(exported(Format::Text, &families), ["promshm_dropped", "promshm_up_total"]);
    }
    #[test]
    fn segments_share_families_of_one_type() {
        let one = families(&[("a", GAUGE), ("b", Kind::Counter), ("x", Kind::Histogram)]);
        let other = families(&[("a", GAUGE), ("b", GAUGE), ("c", GAUGE), ("x_sum", GAUGE)]);
        let third = families(&[("b", Kind::Counter), ("promshm_up", GAUGE)]);
        let found = |label, families| SourceFamilies { label: Some(label), families };
        let sources = [found("one", &one[..]), found("other", &other), found("third", &third)];
        let mut names = ConflictResolver::default();
        let own = SelfMetrics::of_server(true);
        let mut resolve = |format| {
            let resolution = names.resolve(&sources, &own, format);
            let exported: Vec<_> =
                resolution.exported.iter().map(|exported| (exported.name(), exported.source)).collect();
            (exported, resolution.left_out)
        };
        let in_both = [("a", 0), ("a", 1), ("b", 0), ("b", 2), ("c", 1), ("x", 0)];
        for _ in 0..2 {
            let text = [&in_both[..], &[("x_sum", 1)]].concat();
            assert_eq!(resolve(Format::Text), (text, vec![[0, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]));
            assert_eq!(
                resolve(Format::OpenMetrics),
                (in_both.into(), vec![[0, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0]])
            );
        }
        assert_eq!(names.hidden.len(), 3, "each once: {:?}", names.hidden);
    }
}
