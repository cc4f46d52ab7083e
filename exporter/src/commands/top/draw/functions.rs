//! Renders the view of functions.

use super::{PLAIN, Pen, SOFT, STRONG, Scene, with_segment};
use crate::{
    commands::top::{
        functions::Function,
        reading::Key,
        view::{Column, View},
    },
    text::Unit,
};

/// Widths of the columns of numbers; a narrow screen drops those on the left.
const COLUMNS: [(Column, &str, u16); 5] = [
    (Column::Rate, "CALLS", 10),
    (Column::Errors, "ERRORS", 17),
    (Column::Half, "P50", 9),
    (Column::Most, "P95", 9),
    (Column::Running, "IN FLIGHT", 11),
];
/// A name is left this much room before columns are dropped.
const LEAST_NAME: u16 = 22;

/// The columns that fit a screen, and the width of the names.
fn fitting(width: u16) -> (u16, impl Iterator<Item = (Column, &'static str, u16)> + Clone) {
    let mut first = 0;
    let taken = |first: usize| COLUMNS[first..].iter().map(|(.., width)| width).sum::<u16>();
    while first < COLUMNS.len() && taken(first) + LEAST_NAME > width {
        first += 1;
    }
    (width.saturating_sub(taken(first)), COLUMNS[first..].iter().copied())
}

pub(super) fn header(pen: &mut Pen, view: &View) {
    let (name, columns) = fitting(pen.area.width);
    let head = |column, text: &str| {
        let arrow = if view.reversed { "▴" } else { "▾" };
        if view.column == column { (format!("{text}{arrow}"), STRONG) } else { (text.into(), SOFT) }
    };
    let (text, style) = head(Column::Name, "FUNCTION");
    pen.put(pen.area.x, name, &text, style);
    let mut end = pen.area.x + name;
    for (column, text, width) in columns {
        end += width;
        let (text, style) = head(column, text);
        pen.put_right(end, width, &text, style);
    }
    pen.y += 1;
}

pub(super) fn row(pen: &mut Pen, (key, function): (&Key, &Function), scene: &Scene) {
    let (width, columns) = fitting(pen.area.width);
    let name = with_segment(&key.segment, &key.name);
    let taken = pen.put(pen.area.x, width.saturating_sub(1), &name, STRONG);
    pen.put(pen.area.x + taken + 1, width.saturating_sub(taken + 2), &key.labels, PLAIN);
    let mut end = pen.area.x + width;
    for (column, _, width) in columns {
        end += width;
        let is_alarm = column == Column::Errors && function.errors > 0.0;
        let style = if is_alarm { scene.theme.alarm } else { PLAIN };
        pen.put_right(end, width, &text(column, function, scene.now), style);
    }
    pen.y += 1;
}

fn text(column: Column, function: &Function, now: f64) -> String {
    let known = |number: f64, text: &dyn Fn(f64) -> String| {
        if number.is_nan() { "-".into() } else { text(number) }
    };
    let seconds = |number| Unit::Seconds.value(number, now);
    match column {
        Column::Name => String::new(),
        Column::Rate => known(function.rate, &|rate| Unit::Plain.rate(rate)),
        Column::Errors => known(function.errors, &|errors| match errors / function.rate {
            share if errors > 0.0 && share.is_finite() => {
                format!("{} {}", Unit::Plain.rate(errors), Unit::Ratio.value(share, now))
            }
            _ => Unit::Plain.rate(errors),
        }),
        Column::Half => known(function.half, &seconds),
        Column::Most => known(function.most, &seconds),
        Column::Running => known(function.running, &|running| Unit::Plain.value(running, now)),
    }
}
