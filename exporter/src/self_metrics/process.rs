//! The `process_*` metrics, with the names that all Prometheus clients use. The `prometheus` crate's own collector
//! has CPU time in whole seconds only.

use super::Registered;
use nix::sys::{
    resource::{Resource, UsageWho, getrlimit, getrusage},
    time::TimeVal,
};
use prometheus::{Counter, Gauge, IntGauge, proto::MetricFamily};
use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

pub(super) struct ProcessMetrics {
    registered: Registered,
    cpu: Counter,
    open_fds: IntGauge,
    max_fds: Gauge,
    virtual_memory: IntGauge,
    resident_memory: IntGauge,
}

impl ProcessMetrics {
    /// Made at the process's start, because it records that time.
    pub(super) fn new() -> Self {
        let mut all = Registered::default();
        let start = all.add(Gauge::new(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
        ));
        start.set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64()));
        Self {
            cpu: all.add(Counter::new(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
            )),
            open_fds: all.gauge("process_open_fds", "Number of open file descriptors."),
            max_fds: all.add(Gauge::new("process_max_fds", "Maximum number of open file descriptors.")),
            virtual_memory: all.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes."),
            resident_memory: all.gauge("process_resident_memory_bytes", "Resident memory size in bytes."),
            registered: all,
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.registered.names.clone()
    }

    /// The current values; those that cannot be read are absent.
    pub(super) fn gather(&mut self) -> Vec<MetricFamily> {
        self.gather_from(Path::new("/proc/self"))
    }

    /// `process`: the process's folder in /proc; containers may have none.
    fn gather_from(&mut self, process: &Path) -> Vec<MetricFamily> {
        let status = fs::read_to_string(process.join("status")).unwrap_or_default();
        let known = [
            ("process_cpu_seconds_total", self.read_cpu()),
            ("process_max_fds", self.read_limit()),
            ("process_open_fds", self.read_descriptors(process)),
            ("process_virtual_memory_bytes", set(&self.virtual_memory, field_bytes(&status, "VmSize:"))),
            ("process_resident_memory_bytes", set(&self.resident_memory, field_bytes(&status, "VmRSS:"))),
        ];
        let mut families = self.registered.registry.gather();
        families.retain(|family| !known.contains(&(family.name(), None)));
        families
    }

    fn read_cpu(&self) -> Option<()> {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        let spent = seconds(usage.user_time()) + seconds(usage.system_time());
        self.cpu.inc_by((spent - self.cpu.get()).max(0.0));
        Some(())
    }

    fn read_limit(&self) -> Option<()> {
        let (soft, _hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        self.max_fds.set(soft as f64);
        Some(())
    }

    fn read_descriptors(&self, process: &Path) -> Option<()> {
        let entries = fs::read_dir(process.join("fd")).ok()?;
        let opened_to_look = 1;
        set(&self.open_fds, Some(entries.count() as i64 - opened_to_look))
    }
}

fn set(gauge: &IntGauge, value: Option<i64>) -> Option<()> {
    value.map(|value| gauge.set(value))
}

/// A field of `/proc/self/status`, which is in kB whatever the page size.
fn field_bytes(status: &str, name: &str) -> Option<i64> {
    let field = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: i64 = field.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_fields_are_understood() {
        let status = "Name:\tx\nVmSize:\t    5432 kB\nVmRSS:\t     100 kB\n";
        assert_eq!(field_bytes(status, "VmSize:"), Some(5432 * 1024));
        assert_eq!(field_bytes(status, "VmRSS:"), Some(100 * 1024));
        assert_eq!(field_bytes(status, "VmSwap:"), None);
    }

    #[test]
    fn without_proc_unknown_values_are_absent() {
        let mut metrics = ProcessMetrics::new();
        metrics.gather();
        let families = metrics.gather_from(Path::new("/nonexistent"));
        let names: Vec<_> = families.iter().map(MetricFamily::name).collect();
        assert_eq!(names, ["process_cpu_seconds_total", "process_max_fds", "process_start_time_seconds"]);
    }

    #[test]
    fn process_metrics_of_this_process_are_plausible() {
        let mut metrics = ProcessMetrics::new();
        metrics.gather();
        assert!(metrics.resident_memory.get() > 100 * 1024);
        assert!(metrics.virtual_memory.get() >= metrics.resident_memory.get());
        assert!(metrics.max_fds.get() >= metrics.open_fds.get() as f64);
        let before = metrics.open_fds.get();
        let _open = fs::File::open("/proc/self/status").expect("Linux");
        metrics.gather();
        assert_eq!(metrics.open_fds.get(), before + 1);
        assert!(metrics.cpu.get() > 0.0);
    }
}
