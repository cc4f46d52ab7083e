//! A process is stopped at every crash point of every operation. Others continue meanwhile.

mod support;

use promshm_segment::Writer;
use support::{crash::stop_at, trials::*, *};

/// Stops a process at each step; others attach, count the same series and are scraped meanwhile.
/// Then the process continues, and all counts are exact. (One that claims again after a fork owns two
/// slots here, because it is its own parent.)
fn stop_at_every_step<T>(
    operation: &str,
    least: u64,
    before: impl Fn(&Place),
    prepare: impl Fn(&Place) -> T,
    act: impl Fn(&Place, &mut Option<T>),
    jobs_meanwhile: &[f64],
    jobs_at_last: &[f64],
) {
    let _watchdog = Watchdog::new();
    let mut stops = 0;
    // Pages are filled by 512 equal steps: a few of each are enough here.
    let step = |point: u64| if point < 120 { 1 } else { 37 };
    let mut point = 1;
    loop {
        let place = tiny_place();
        before(&place);
        let victim = stop_at(point, || prepare(&place), |prepared| act(&place, prepared));
        let completed = victim.is_none();
        {
            let mut writer = place.writer();
            assert_ne!(writer.slot(), 0, "{operation}, point {point}");
            count(&mut writer, &jobs(), &["mail"], 10.0);
            observe(&mut writer, &histogram("seconds"), 0.3, 10);
            let jobs = jobs_total(&mut place.reader()) - 10.0;
            let right = jobs_meanwhile.contains(&jobs) || completed;
            assert!(right, "{operation}, point {point}: {jobs} meanwhile");
            if let Some(victim) = victim {
                victim.go_on();
            }
            // As the extension does at its next update.
            if !writer.is_current() {
                writer = place.writer();
            }
            writer.clean_exit(false);
        }
        let jobs = jobs_total(&mut place.reader()) - 10.0;
        assert!(jobs_at_last.contains(&jobs), "{operation}, point {point}: {jobs} at last");
        at_rest_after(&place, 3);
        if completed {
            break;
        }
        stops += 1;
        point += step(point);
    }
    println!("{operation}: stopped at {stops} points");
    assert!(stops >= least, "{operation}: only {stops} points were found");
}

#[test]
fn stopped_creator_does_not_block_others() {
    let act = |place: &Place, _: &mut Option<()>| {
        let mut writer = place.writer();
        count(&mut writer, &jobs(), &["mail"], 1.0);
        std::mem::forget(writer);
    };
    stop_at_every_step("creation", 40, nothing, |_| (), act, &[0.0, 1.0], &[1.0]);
}

#[test]
fn stopped_next_owner_does_not_block_others() {
    let act = |place: &Place, _: &mut Option<()>| std::mem::forget(place.writer());
    stop_at_every_step("slot claim", 20, a_life, |_| (), act, &[3.0], &[3.0]);
}

#[test]
fn stopped_registration_does_not_block_others() {
    let act = |_: &Place, writer: &mut Option<Writer>| count_all(writer.as_mut().unwrap(), 1.0);
    stop_at_every_step("registration", 100, nothing, Place::writer, act, &[0.0, 1.0], &[1.0]);
}

#[test]
fn stopped_clean_exit_does_not_block_others() {
    stop_at_every_step("clean exit", 2, nothing, known, exit_cleanly, &[1.0], &[1.0]);
}

#[test]
fn stopped_observation_does_not_block_others() {
    stop_at_every_step("histogram update", 6, nothing, known, observe_thrice, &[1.0], &[1.0]);
}

/// Updates by others before the retirement is complete are lost with the segment: -10.
#[test]
fn stopped_retirement_does_not_block_others() {
    stop_at_every_step("retirement", 4, nothing, known, wipe, &[0.0, 1.0], &[-10.0, 0.0]);
}

/// As with a retirement: updates before the removal is complete are removed.
#[test]
fn stopped_removal_does_not_block_others() {
    let act = |_: &Place, writer: &mut Option<Writer>| remove_jobs(writer.as_mut().unwrap());
    stop_at_every_step("removal", 4, nothing, known, act, &[0.0, 1.0], &[-10.0, 0.0]);
}

#[test]
fn stopped_claim_after_a_fork_does_not_block_others() {
    let act = |_: &Place, writer: &mut Option<Writer>| {
        let mut own = writer.take().unwrap().forked();
        count_all(&mut own, 5.0);
        std::mem::forget(own);
    };
    stop_at_every_step("fork and claim", 100, nothing, known, act, &[1.0, 6.0], &[6.0]);
}
