//! `rm`: removes the segment and its locks.

use crate::{
    commands::{Error, status::attached_now},
    targets::{Segments, Target},
    text::human_bytes,
};
use promshm_segment::{os, os::Inspection};
use std::io::{self, IsTerminal, Write};

/// Removes the segment that is called `name`, or the only one, after asking unless `yes`.
pub(crate) fn remove(segments: &Segments, name: Option<&str>, yes: bool) -> Result<(), Error> {
    let target = select(segments.some_targets()?, name)?;
    let found = os::inspect(&target.name)?;
    if !yes {
        confirm(&target, &found)?;
    }
    os::remove(&target.name)?;
    writeln!(io::stdout(), "removed {target}")?;
    Ok(())
}

/// The target that is called `name`, or the only one.
fn select(mut targets: Vec<Target>, name: Option<&str>) -> Result<Target, Error> {
    match name {
        Some(name) => match targets.iter().find(|target| target.label.as_deref() == Some(name)) {
            Some(target) => Ok(target.clone()),
            None => Err(Error::NoSuchSegment { name: name.into(), targets }),
        },
        None if targets.len() > 1 => Err(Error::WhichOne(targets)),
        None => Ok(targets.remove(0)),
    }
}

fn confirm(target: &Target, found: &Inspection) -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::NoTerminal(target.clone()));
    }
    let (size, uid, attached) = (human_bytes(found.size), found.uid, attached_now(found));
    print!("{target} ({size}, owner uid {uid}{attached}): remove it with all its counts? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Error::Declined(target.clone())),
    }
}
