//! `rm`: removes the segment and its locks.

use crate::{
    commands::status::{attached_now, human_bytes},
    error::Failure,
    targets::{Segments, Target},
};
use promshm_segment::{os, os::Inspection};
use std::io::{self, IsTerminal, Write};

/// Removes the segment that is called `name`, or the only one, after asking unless `yes`.
pub(crate) fn remove(segments: &Segments, name: Option<&str>, yes: bool) -> Result<(), Failure> {
    let target = segments.pick(name)?;
    let found = os::inspect(&target.name)?;
    if !yes {
        confirm(&target, &found)?;
    }
    os::remove(&target.name)?;
    writeln!(io::stdout(), "removed {target}")?;
    Ok(())
}

fn confirm(target: &Target, found: &Inspection) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NoTerminal(target.clone()));
    }
    let (size, uid, attached) = (human_bytes(found.size), found.uid, attached_now(found));
    print!("{target} ({size}, owner uid {uid}{attached}): remove it with all its counts? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::Declined(target.clone())),
    }
}
