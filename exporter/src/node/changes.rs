//! Whether a list of all processes would tell anything new, asked without making one.
//!
//! A list costs microseconds for each process, and seldom tells anything: a container stays for hours. The kernel gives
//! numbers to processes one after the other and tells the last one, so those that came since are looked at. One process
//! of each namespace is looked at where one has begun or ended at all, which the number of all tasks tells.

use super::{process, scan::Scan};
use std::{collections::VecDeque, fs, ops::Range, path::Path};

/// In so many polls a new process is looked at: what starts containers changes its namespaces after it has started.
const FRESH: usize = 3;

/// In one of so many polls all processes are listed, whatever has changed.
const LISTED: u32 = 16;

/// So many processes are looked at instead of a list, however few there are in all.
const FEW: usize = 64;

/// What the last polls have seen.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Whether the kernel tells this process the numbers that are in the folder.
    has_numbers: bool,
    /// The last number that was given, as of the last polls, the present one first.
    last_numbers: VecDeque<u32>,
    /// The number of all tasks, if it was told in the last poll.
    tasks: Option<u64>,
    polls_since_list: u32,
}

impl Changes {
    /// Of the processes in that folder, in which this process has the number `own`.
    pub(super) fn new(own: u32) -> Self {
        Self { has_numbers: own == std::process::id(), ..Self::default() }
    }

    /// Whether all processes are to be listed in this poll. `knows` is asked for the numbers of an IPC namespace and a
    /// mount namespace.
    pub(super) fn need_list(&mut self, proc: &Path, scan: &Scan, knows: impl Fn(u64, u64) -> bool) -> bool {
        let last = self.has_numbers.then(|| last_number(proc)).flatten();
        let fresh = last.and_then(|last| self.fresh_numbers(last, scan.len()));
        let may_have_lost = self.has_changed(task_count(proc));
        let is_new = |number| {
            // An error: it has ended, or may not be looked at, which a list counts.
            let Ok(ipc) = process::inode(proc, number, "ns/ipc") else { return false };
            let Ok(mount) = process::inode(proc, number, "ns/mnt") else { return false };
            !knows(ipc, mount) && !is_own_thread(number)
        };
        let need =
            fresh.is_none_or(|mut fresh| may_have_lost && scan.has_lost_any(proc) || fresh.any(is_new));
        self.polls_since_list = if need { 0 } else { self.polls_since_list + 1 };
        need
    }

    /// Whether a task may have begun or ended since the last poll. One that has begun has a new number; the tasks of other
    /// PID namespaces are counted too, so an end may be missed in the poll in which another one begins there.
    fn has_changed(&mut self, tasks: Option<u64>) -> bool {
        let mut latest = self.last_numbers.iter();
        let has_begun = latest.next() != latest.next();
        let before = std::mem::replace(&mut self.tasks, tasks);
        has_begun || tasks.is_none() || tasks != before
    }

    /// The numbers that were given during the last polls; `None` if that is not known, or a list of all processes costs no
    /// more, or is due.
    fn fresh_numbers(&mut self, last: u32, processes: usize) -> Option<Range<u32>> {
        self.last_numbers.push_front(last);
        self.last_numbers.truncate(FRESH + 1);
        let before = *self.last_numbers.get(FRESH)?;
        let count = last.checked_sub(before)?; // they begin again after the largest one
        let is_due = self.polls_since_list + 1 >= LISTED;
        (count as usize <= processes.max(FEW) && !is_due).then_some(before + 1..last + 1)
    }
}

/// The last number that was given to a process or thread in the PID namespace of this process.
fn last_number(proc: &Path) -> Option<u32> {
    fs::read_to_string(proc.join("sys/kernel/ns_last_pid")).ok()?.trim().parse().ok()
}

/// The number of all processes and threads.
fn task_count(proc: &Path) -> Option<u64> {
    let load = fs::read_to_string(proc.join("loadavg")).ok()?;
    load.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

/// Whether it is one of this process, which is not listed.
fn is_own_thread(number: u32) -> bool {
    Path::new("/proc/self/task").join(number.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_processes_are_looked_at_in_three_polls() {
        let mut changes = Changes::default();
        for last in [100, 100, 103] {
            assert_eq!(changes.fresh_numbers(last, 50), None, "what was before is not known");
        }
        assert_eq!(changes.fresh_numbers(103, 50), Some(101..104));
        assert_eq!(changes.fresh_numbers(104, 50), Some(101..105));
        assert_eq!(changes.fresh_numbers(104, 50), Some(104..105), "103 was looked at three times");
        assert_eq!(changes.fresh_numbers(104, 50), Some(104..105));
        assert_eq!(changes.fresh_numbers(104, 50), Some(105..105));
    }

    #[test]
    fn processes_are_listed_where_numbers_do_not_tell() {
        let after_four = |last, processes| {
            let mut changes = Changes::default();
            (0..FRESH).for_each(|_| assert_eq!(changes.fresh_numbers(100, processes), None));
            changes.fresh_numbers(last, processes)
        };
        assert_eq!(after_four(200, 100), Some(101..201));
        assert_eq!(after_four(201, 100), None, "there are more of them than processes");
        assert_eq!(after_four(110, 0), Some(101..111), "a few are always looked at");
        assert_eq!(after_four(99, 100), None, "they have begun again");
        let mut elsewhere = Changes::new(std::process::id() + 1);
        let mut here = Changes::new(std::process::id());
        for _ in 0..10 {
            let of_no_process = Scan::default();
            assert!(elsewhere.need_list(Path::new("/proc"), &of_no_process, |_, _| true));
            assert!(here.need_list(Path::new("/nonexistent"), &of_no_process, |_, _| true));
        }
    }

    #[test]
    fn ends_are_looked_for_where_a_task_has_begun_or_ended() {
        let mut changes = Changes::default();
        let mut look = |last, tasks| {
            let _ = changes.fresh_numbers(last, 50);
            changes.has_changed(tasks)
        };
        assert!(look(100, Some(70)), "nothing is known of before");
        assert!(!look(100, Some(70)));
        assert!(look(100, Some(69)), "one has ended");
        assert!(!look(100, Some(69)));
        assert!(look(101, Some(69)), "one has begun and another one has ended");
        assert!(!look(101, Some(69)));
        assert!(look(101, None) && look(101, None), "it is not told");
        assert!(task_count(Path::new("/proc")).is_some_and(|tasks| tasks > 0));
    }

    #[test]
    fn processes_are_listed_from_time_to_time() {
        let mut changes = Changes { polls_since_list: LISTED - 3, ..Changes::default() };
        (0..FRESH).for_each(|_| assert_eq!(changes.fresh_numbers(100, 50), None));
        assert!(changes.fresh_numbers(100, 50).is_some());
        changes.polls_since_list += 1;
        assert!(changes.fresh_numbers(100, 50).is_some());
        changes.polls_since_list += 1;
        assert_eq!(changes.fresh_numbers(100, 50), None);
    }
}
