//! `rm`: removes the segment and its semaphores.

use crate::{failure::Failure, status::human_bytes};
use promshm_segment::{
    SegmentName,
    backend::{self, Inspection},
};
use std::io::{self, IsTerminal, Write};

/// Removes the segment, after asking unless `yes`.
pub(crate) fn remove(name: SegmentName, yes: bool) -> Result<(), Failure> {
    let found = backend::inspect(&name)?;
    if !yes {
        confirm(name, &found)?;
    }
    backend::remove(&name)?;
    writeln!(io::stdout(), "removed {name}")?;
    Ok(())
}

fn confirm(name: SegmentName, found: &Inspection) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NoTerminal(name));
    }
    let Inspection { uid, attached, .. } = found;
    let size = human_bytes(found.size);
    print!(
        "{name} ({size}, owner uid {uid}, attached now: {attached}): remove it with all its counts? [y/N] "
    );
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::Declined(name)),
    }
}
