//! The user's view of the model: order, filter and selection, and the keys that change them.

use super::{
    functions::Function,
    model::{Model, Series},
    reading::Key,
};
use promshm_segment::order;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::cmp::Ordering;

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// By segment, name and labels, under a heading for each family.
    #[default]
    Name,
    /// The largest first.
    Value,
    /// The fastest first.
    Rate,
}

/// Which list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shown {
    #[default]
    Series,
    Functions,
}

/// The column that functions are ordered by; numbers with the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Column {
    Name,
    #[default]
    Rate,
    Errors,
    Half,
    Most,
    Running,
}

/// A line of the list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'m> {
    /// A family's name, above its series.
    Family(&'m Key, &'m Series),
    /// A series below its family's name.
    Member(&'m Key, &'m Series),
    /// A series with its whole name.
    Alone(&'m Key, &'m Series),
}

/// What the user has chosen.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) sort: Sort,
    pub(super) shown: Shown,
    pub(super) column: Column,
    pub(super) reversed: bool,
    pub(super) filter: String,
    /// Keys are typed into the filter.
    pub(super) typing: bool,
    pub(super) paused: bool,
    /// The index of the selected row.
    pub(super) selected: usize,
    /// The index of the first visible row.
    pub(super) first: usize,
    /// The number of visible rows at the last rendering.
    pub(super) height: usize,
    /// The number of rows at the last rendering.
    pub(super) rows: usize,
}

/// Whether to continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Quit,
}

impl View {
    /// The rows of the whole list.
    pub(super) fn rows<'m>(&self, model: &'m Model) -> Vec<Row<'m>> {
        let words = self.words();
        let mut found: Vec<_> = model.series.iter().filter(|(key, _)| key.has(&words)).collect();
        match self.sort {
            Sort::Name => {}
            Sort::Value => {
                order::sort_elements(&mut found, &|(_, one), (_, other)| downwards(one.value, other.value));
            }
            Sort::Rate => {
                let rate = |series: &Series| series.rate.unwrap_or(f64::NAN);
                order::sort_elements(&mut found, &|(_, one), (_, other)| downwards(rate(one), rate(other)));
            }
        }
        if self.reversed {
            found.reverse();
        }
        if self.sort == Sort::Name { by_family(&found) } else { alone(&found) }
    }

    /// The functions of the whole list.
    pub(super) fn functions<'m>(&self, model: &'m Model) -> Vec<(&'m Key, &'m Function)> {
        let words = self.words();
        let mut found: Vec<_> = model.functions.rows.iter().filter(|(key, _)| key.has(&words)).collect();
        let number = |function: &Function| match self.column {
            Column::Name => f64::NAN,
            Column::Rate => function.rate,
            Column::Errors => function.errors,
            Column::Half => function.half,
            Column::Most => function.most,
            Column::Running => function.running,
        };
        order::sort_elements(&mut found, &|(_, one), (_, other)| downwards(number(one), number(other)));
        if self.reversed {
            found.reverse();
        }
        found
    }

    fn words(&self) -> Vec<String> {
        self.filter.to_lowercase().replace('"', "").split_whitespace().map(String::from).collect()
    }

    /// Keeps the selection within the rows, and visible.
    pub(super) fn fit(&mut self, rows: usize, height: usize) {
        (self.rows, self.height) = (rows, height);
        self.selected = self.selected.min(rows.saturating_sub(1));
        let lowest = self.selected.saturating_sub(height.saturating_sub(1));
        self.first = self.first.clamp(lowest, self.selected).min(rows.saturating_sub(height));
    }

    /// Handles a key.
    pub(super) fn on_key(&mut self, key: KeyEvent) -> Flow {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return Flow::Quit,
            _ if self.typing => self.type_into_filter(key.code, is_control),
            KeyCode::Char('q') => return Flow::Quit,
            code => self.act(code),
        }
        Flow::On
    }

    fn type_into_filter(&mut self, code: KeyCode, is_control: bool) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char('u') if is_control => self.filter.clear(),
            KeyCode::Char(letter) if !is_control => self.filter.push(letter),
            code => self.move_by(code),
        }
    }

    fn act(&mut self, code: KeyCode) {
        if self.shown == Shown::Functions && self.act_on_functions(code) {
            return;
        }
        match code {
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('n') => self.sort_by(Sort::Name),
            KeyCode::Char('v') => self.sort_by(Sort::Value),
            KeyCode::Char('r') => self.sort_by(Sort::Rate),
            KeyCode::Char('f') => self.toggle_functions(),
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            KeyCode::Char('j') => self.move_by(KeyCode::Down),
            KeyCode::Char('k') => self.move_by(KeyCode::Up),
            KeyCode::Char('g') => self.move_by(KeyCode::Home),
            KeyCode::Char('G') => self.move_by(KeyCode::End),
            code => self.move_by(code),
        }
    }

    /// Handles a key that only the view of functions knows; whether it was one.
    fn act_on_functions(&mut self, code: KeyCode) -> bool {
        let column = match code {
            KeyCode::Char('n') => Column::Name,
            KeyCode::Char('r') => Column::Rate,
            KeyCode::Char('e') => Column::Errors,
            KeyCode::Char('5') => Column::Half,
            KeyCode::Char('9') => Column::Most,
            KeyCode::Char('i') => Column::Running,
            _ => return false,
        };
        self.reversed = self.column == column && !self.reversed;
        (self.column, self.selected, self.first) = (column, 0, 0);
        true
    }

    fn toggle_functions(&mut self) {
        self.shown = if self.shown == Shown::Functions { Shown::Series } else { Shown::Functions };
        (self.reversed, self.selected, self.first) = (false, 0, 0);
    }

    /// Choosing the same order again reverses it.
    fn sort_by(&mut self, sort: Sort) {
        self.reversed = self.sort == sort && !self.reversed;
        (self.sort, self.selected, self.first) = (sort, 0, 0);
    }

    fn move_by(&mut self, code: KeyCode) {
        let page = self.height.max(1);
        let last = self.rows.saturating_sub(1);
        self.selected = match code {
            KeyCode::Up => self.selected.saturating_sub(1),
            KeyCode::Down => self.selected + 1,
            KeyCode::PageUp => self.selected.saturating_sub(page),
            KeyCode::PageDown => self.selected + page,
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => self.selected,
        }
        .min(last);
    }
}

/// Descending; NaN last.
fn downwards(one: f64, other: f64) -> Ordering {
    one.is_nan().cmp(&other.is_nan()).then(other.total_cmp(&one))
}

fn alone<'m>(found: &[(&'m Key, &'m Series)]) -> Vec<Row<'m>> {
    found.iter().map(|(key, series)| Row::Alone(key, series)).collect()
}

/// Adds a heading to each family, except to a single series without labels.
fn by_family<'m>(found: &[(&'m Key, &'m Series)]) -> Vec<Row<'m>> {
    let mut rows = Vec::with_capacity(found.len());
    for family in
        found.chunk_by(|(one, _), (other, _)| (&one.segment, &one.name) == (&other.segment, &other.name))
    {
        match family {
            [(key, series)] if key.labels.is_empty() => rows.push(Row::Alone(key, series)),
            _ => {
                rows.push(Row::Family(family[0].0, family[0].1));
                rows.extend(family.iter().map(|(key, series)| Row::Member(key, series)));
            }
        }
    }
    rows
}

impl<'m> Row<'m> {
    pub(super) fn key(&self) -> &'m Key {
        let (Row::Family(key, _) | Row::Member(key, _) | Row::Alone(key, _)) = self;
        key
    }

    pub(super) fn series(&self) -> &'m Series {
        let (Row::Family(_, series) | Row::Member(_, series) | Row::Alone(_, series)) = self;
        series
    }
}
