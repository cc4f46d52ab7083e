//! Tests of System V segments only: `ipcrm`, corrupt semaphores, kernels without `SEM_UNDO`.

#[path = "support/forge.rs"]
mod forge;
mod support;

use forge::{Raw, SEMAPHORES};
use nix::sys::wait::{WaitStatus, waitpid};
use promshm_segment::{
    Reader, crash,
    snapshot::{Liveness, SlotState},
};
use support::*;

#[global_allocator]
static ALLOCATOR: forge::Counting = forge::Counting;

fn sem_id(place: &Place) -> i32 {
    // SAFETY: no pointers are passed.
    unsafe { libc::semget(key(place), 0, 0) }
}

fn ipcrm_semaphores(place: &Place) {
    // SAFETY: IPC_RMID takes no argument.
    assert_eq!(unsafe { libc::semctl(sem_id(place), 0, libc::IPC_RMID) }, 0);
}

/// With `kernel.shm_rmid_forced` the kernel removes the memory with its last user; the next worker makes a new segment.
#[test]
fn segment_removed_with_its_last_user_is_recreated() {
    let child = fork_to(|| {
        // SAFETY: takes flags alone.
        let unshared = unsafe { libc::unshare(libc::CLONE_NEWIPC) };
        assert_eq!(unshared, 0, "an IPC namespace of one's own needs root");
        std::fs::write("/proc/sys/kernel/shm_rmid_forced", "1").expect("shm_rmid_forced can be set");
        let place = Place::new();
        let first = Child::run(|| std::mem::forget(count_one(&place)));
        assert_eq!(total(&place), Some(1.0));
        first.kill();
        // The kernel may free the last user's memory a moment after that process has ended.
        until(|| Reader::attach(place.config.name).is_err());
        let mut second = count_one(&place);
        count(&mut second, &counter("c", &[]), &[], 1.0);
        assert_eq!((total(&place), second.slot()), (Some(2.0), 1));
    });
    assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
}

#[test]
fn memory_removed_while_attached_is_replaced() {
    let place = Place::new();
    let hot = count_one(&place);
    let mut reader = place.reader();
    remove_by_hand(&place);
    assert_eq!(value(&mut reader, "c"), Some(1.0), "without a successor the old one is still read");
    let epoch = hot.epoch().load_relaxed();
    // A new worker makes a new segment; processes attached to the old one detect that at their next update.
    let newcomer = Child::run(|| std::mem::forget(count_one(&place)));
    assert_ne!(hot.epoch().load_relaxed(), epoch);
    assert!(!hot.is_current());
    assert!(reader.scrape().is_err(), "the reader attaches anew");
    drop(hot);
    let moved = count_one(&place);
    assert_eq!(total(&place), Some(2.0));
    assert_ne!(moved.slot(), 0);
    let stats = place.reader().scrape().unwrap().stats.clone();
    assert_eq!((stats.worker_starts, stats.exits_abrupt, stats.exits_clean), (2, 0, 0));
    assert_eq!(stats.slots_in(SlotState::Live), 2, "it gave its slot in the old one back");
    newcomer.kill();
    assert_eq!(place.reader().scrape().unwrap().stats.exits_abrupt, 1);
}

#[test]
fn totals_without_semaphores_are_exact_and_liveness_unknown() {
    let place = Place::new();
    let mut old = count_one(&place);
    ipcrm_semaphores(&place);
    let new = Child::run(|| {
        let mut writer = place.writer();
        assert_eq!(writer.slot(), 0, "no newcomer shares the old one's slot");
        (0..100).for_each(|_| count(&mut writer, &counter("c", &[]), &[], 1.0));
    });
    (0..100).for_each(|_| count(&mut old, &counter("c", &[]), &[], 1.0));
    assert_eq!(total(&place), Some(201.0));
    assert_eq!(place.reader().scrape().unwrap().stats.liveness, Liveness::Unknown, "and it is shown");
    new.end();
}

fn forge_semaphores(place: &Place, value: u16) {
    // The kernel's change time has a resolution of one second, so wait for another second than that of the creation.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let mut values = vec![value; 17];
    // SAFETY: the set has 17 semaphores.
    assert_eq!(unsafe { libc::semctl(sem_id(place), 0, libc::SETALL, values.as_mut_ptr()) }, 0);
}

#[test]
fn semaphores_forged_to_zero() {
    forged(0);
}

#[test]
fn semaphores_forged_to_seven() {
    forged(7);
}

/// Two processes in one slot would lose counts, so no process claims a slot then.
fn forged(value: u16) {
    let place = Place::new();
    let c = counter("c", &[]);
    let old = count_one(&place);
    forge_semaphores(&place, value);
    let slots: Vec<Child> = (0..3)
        .map(|_| {
            Child::run(|| {
                let mut writer = place.writer();
                assert_eq!(writer.slot(), 0);
                (0..1000).for_each(|_| count(&mut writer, &c, &[], 1.0));
            })
        })
        .collect();
    assert_eq!(total(&place), Some(3001.0));
    assert_eq!(place.reader().scrape().unwrap().stats.liveness, Liveness::Unknown, "and it is shown");
    slots.into_iter().for_each(Child::kill);
    old.wipe().unwrap();
    let healed = count_one(&place);
    assert_eq!((healed.slot(), place.reader().scrape().unwrap().stats.liveness), (1, Liveness::Kernel));
}

// Kernels that ignore SEM_UNDO.

#[test]
fn kernel_without_sem_undo_is_detected() {
    let place = Place::new();
    crash::ignore_undo(true);
    let killed = Child::run(|| std::mem::forget(count_one(&place)));
    killed.kill();
    let said = Child::run(|| count_one(&place).clean_exit(false));
    said.end();
    let next = count_one(&place);
    let mut reader = place.reader();
    let stats = reader.scrape().unwrap().stats.clone();
    assert_eq!(stats.liveness, Liveness::Degraded);
    assert_eq!(next.slot(), 2, "a clean exit gives the slot back, a death does not");
    assert_eq!(total(&place), Some(3.0));
    assert_eq!(stats.slots.len(), 3);
    next.clean_exit(false);
}

#[test]
fn header_cannot_select_foreign_semaphores() {
    let (place, other) = (Place::new(), Place::new());
    drop((count_one(&place), count_one(&other)));
    let values = || {
        // SAFETY: GETVAL takes no argument.
        (0..7).map(|slot| unsafe { libc::semctl(sem_id(&other), slot, libc::GETVAL) }).collect::<Vec<_>>()
    };
    let before = values();
    Raw::open(&place).set(SEMAPHORES, Raw::open(&other).get(SEMAPHORES));
    let writer = place.writer();
    assert_eq!((writer.slot(), values()), (0, before), "it shares slot 0, and the other's are untouched");
}
