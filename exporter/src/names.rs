//! Which of the segment's families a page may hold: no two of a page may share a name.

use crate::own_metrics::OwnMetrics;
use log::warn;
use promshm_exposition::{Format, taken_names};
use promshm_segment::Family;
use std::collections::HashSet;

const LIKE_OURS: &str = "a worker's metric is left out: the exporter has one of that name";
const CLASHES: &str =
    "a metric is left out of OpenMetrics pages: its name, or its name with a suffix, is taken";

/// Judges families, and logs each one that is left out once for each cause.
#[derive(Debug, Default)]
pub(crate) struct Names {
    hidden: HashSet<(String, &'static str)>,
}

impl Names {
    /// The families that can stand on one page with each other and with the exporter's own;
    /// of two that clash it is the first.
    pub(crate) fn shown<'f>(
        &mut self,
        families: &'f [Family],
        own: &OwnMetrics,
        format: Format,
    ) -> Vec<&'f Family> {
        let mut taken = if format == Format::OpenMetrics { own.openmetrics_names() } else { HashSet::new() };
        let mut is_free = |family: &Family| format != Format::OpenMetrics || take(&mut taken, family);
        let mut shown = Vec::with_capacity(families.len());
        for family in families {
            let name = &family.definition.name;
            if own.has(name) {
                self.hide(name, LIKE_OURS);
            } else if is_free(family) {
                shown.push(family);
            } else {
                self.hide(name, CLASHES);
            }
        }
        shown
    }

    fn hide(&mut self, name: &str, cause: &'static str) {
        if self.hidden.insert((name.into(), cause)) {
            warn!(metric = name; "{cause}");
        }
    }
}

/// Takes all names of a family, or none if one of them is taken.
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

    fn shown(format: Format, families: &[(&str, Kind)]) -> Vec<String> {
        let family = |(name, kind): &(&str, Kind)| {
            let bounds: &[f64] = if *kind == Kind::Histogram { &[1.0] } else { &[] };
            Family::new(Definition::new(name, "", *kind, &[], bounds).expect("a good definition"))
        };
        let families: Vec<_> = families.iter().map(family).collect();
        let mut names = Names::default();
        let shown = names.shown(&families, &OwnMetrics::of_server(), format);
        assert_eq!(names.hidden.len(), families.len() - shown.len(), "each one left out is noted");
        shown.into_iter().map(|family| family.definition.name.clone()).collect()
    }

    #[test]
    fn a_gauge_and_a_counter_share_no_name_in_openmetrics() {
        let families = [("x", GAUGE), ("x_total", Kind::Counter), ("y_total", Kind::Counter)];
        assert_eq!(shown(Format::OpenMetrics, &families), ["x", "y_total"]);
        assert_eq!(shown(Format::Text, &families), ["x", "x_total", "y_total"]);
        assert_eq!(shown(Format::Text1, &families), ["x", "x_total", "y_total"]);
    }

    #[test]
    fn suffixes_are_taken_too() {
        let families = [("x", Kind::Histogram), ("x_count", GAUGE), ("x_counts", GAUGE)];
        assert_eq!(shown(Format::OpenMetrics, &families), ["x", "x_counts"]);
        let families = [("x_created", GAUGE), ("x_sum", GAUGE), ("x_total", Kind::Counter)];
        assert_eq!(shown(Format::OpenMetrics, &families), ["x_created", "x_sum"]);
        assert_eq!(shown(Format::OpenMetrics, &[("x", Kind::Counter), ("x_total", Kind::Counter)]), ["x"]);
    }

    #[test]
    fn own_metrics_go_first() {
        let families =
            [("promshm_dropped", GAUGE), ("promshm_up", GAUGE), ("promshm_up_total", Kind::Counter)];
        assert_eq!(shown(Format::OpenMetrics, &families), [""; 0]);
        assert_eq!(shown(Format::Text, &families), ["promshm_dropped", "promshm_up_total"]);
    }
}
