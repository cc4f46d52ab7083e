use super::{
    draw,
    draw::{Scene, Theme},
    functions::Function,
    model::{Model, PAST, Series},
    reading::{Key, Reading},
    view::{Column, Flow, Row, Shown, Sort, View},
};
use promshm_segment::{Definition, Family, GaugeMode, Kind, NativeBuckets, Snapshot, Stats, snapshot::Taken};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    style::Color,
};
use std::time::Duration;

const GAUGE: Kind = Kind::Gauge(GaugeMode::Last);

/// A family with one label (or none) and its rows.
fn family(name: &str, kind: Kind, label: &[&str], rows: &[(&[&str], &[f64])]) -> Family {
    let bounds: &[f64] = match kind {
        Kind::Counter | Kind::Gauge(_) | Kind::NativeHistogram(_) => &[],
        Kind::Histogram => &[1.0, 2.0],
        Kind::Summary { .. } => &[0.5],
    };
    let mut family = Family::new(Definition::new(name, "What it is.", kind, label, bounds).expect("good"));
    for (labels, values) in rows {
        family.push(labels.iter().copied(), values);
    }
    family
}

fn jobs(mail: f64, image: f64) -> Family {
    let rows: [(&[&str], &[f64]); 2] = [(&["image"], &[image]), (&["mail"], &[mail])];
    family("jobs_total", Kind::Counter, &["queue"], &rows)
}

fn depth(value: f64) -> Family {
    family("queue_depth", GAUGE, &[], &[(&[], &[value])])
}

/// Reads families; `seconds` is the time since the start.
fn read(model: &mut Model, second: u64, families: Vec<Family>) {
    let stats = Stats {
        max_processes: 256,
        used_bytes: 1 << 20,
        taken: [Taken { part: 1, whole: 100 }; 4],
        reserved_bytes: 256 << 20,
        series: 3,
        max_series: 10_000,
        exits_abrupt: 2,
        dropped: [0, 7, 0, 0, 0, 0],
        ..Stats::default()
    };
    let snapshot = Snapshot { families, stats, ..Snapshot::default() };
    model.update(Duration::from_secs(second), &[Reading { label: None, outcome: Ok(&snapshot) }]);
}

fn series<'m>(model: &'m Model, name: &str, labels: &str) -> &'m Series {
    let key = Key { segment: String::new(), name: name.into(), labels: labels.into() };
    model.series.get(&key).expect("it was read")
}

fn press(view: &mut View, keys: &str) -> Flow {
    let keys = keys.chars().map(|key| match key {
        '\n' => KeyCode::Enter,
        '\x1b' => KeyCode::Esc,
        '\x7f' => KeyCode::Backspace,
        letter => KeyCode::Char(letter),
    });
    keys.map(|key| view.on_key(key.into())).last().expect("keys")
}

fn names(view: &View, model: &Model) -> Vec<String> {
    let name = |row: &Row| match row {
        Row::Family(key, _) => format!("{}:", key.name),
        Row::Member(key, _) => key.labels.clone(),
        Row::Alone(key, _) => format!("{} {}", key.name, key.labels).trim().into(),
    };
    view.rows(model).iter().map(name).collect()
}

/// A screen's lines.
fn screen(width: u16, height: u16, model: &Model, view: &mut View) -> Vec<String> {
    let terminal = drawn(width, height, model, view, true);
    let buffer = terminal.backend().buffer();
    let cells = buffer.content().chunks(width.into());
    cells.map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()).collect()
}

fn drawn(width: u16, height: u16, model: &Model, view: &mut View, colours: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory");
    let scene = Scene {
        theme: Theme::new(colours),
        source: "sysv:0x00000007",
        now: 1_700_000_000.0,
        clock: "12:00:00 UTC",
    };
    terminal.draw(|frame| draw::draw(frame.buffer_mut(), model, view, &scene)).expect("memory");
    terminal
}

#[test]
fn rate_is_the_increase_per_second() {
    let mut model = Model::default();
    read(&mut model, 0, vec![jobs(10.0, 1.0), depth(4.0)]);
    assert_eq!(series(&model, "jobs_total", "queue=mail").rate, None, "a rate needs two readings");
    read(&mut model, 2, vec![jobs(15.0, 1.0), depth(3.0)]);
    let mail = series(&model, "jobs_total", "queue=mail");
    assert_eq!((mail.value, mail.rate), (15.0, Some(2.5)));
    assert_eq!(series(&model, "jobs_total", "queue=image").rate, Some(0.0));
    let depth = series(&model, "queue_depth", "");
    assert_eq!((depth.value, depth.rate), (3.0, None));
    assert_eq!(depth.past, [4.0, 3.0]);
}

#[test]
fn counter_that_fell_restarted_from_zero() {
    let mut model = Model::default();
    read(&mut model, 0, vec![jobs(100.0, 1.0)]);
    read(&mut model, 1, vec![jobs(104.0, 1.0)]);
    read(&mut model, 2, vec![jobs(3.0, 1.0)]);
    read(&mut model, 3, vec![jobs(4.0, 1.0)]);
    assert_eq!(series(&model, "jobs_total", "queue=mail").past, [4.0, 3.0, 1.0]);
}

#[test]
fn a_histogram_has_a_count_and_a_mean() {
    let histogram = |buckets: &[f64]| family("job_seconds", Kind::Histogram, &[], &[(&[], buckets)]);
    let mut model = Model::default();
    read(&mut model, 0, vec![histogram(&[1.0, 2.0, 0.0, 4.0])]);
    assert_eq!(series(&model, "job_seconds", "").mean, None);
    read(&mut model, 1, vec![histogram(&[1.0, 4.0, 1.0, 10.0])]);
    let job = series(&model, "job_seconds", "");
    assert_eq!((job.value, job.rate, job.mean), (6.0, Some(3.0), Some(2.0)));
    read(&mut model, 2, vec![histogram(&[1.0, 1.0, 0.0, 3.0])]);
    let job = series(&model, "job_seconds", "");
    assert_eq!((job.value, job.rate, job.mean), (2.0, Some(2.0), Some(1.5)), "it restarted");
    read(&mut model, 3, vec![histogram(&[1.0, 1.0, 0.0, 3.0])]);
    assert_eq!(series(&model, "job_seconds", "").mean, None, "nothing was observed");
}

/// From a quarter of a second to four: eight buckets, of which two are a power of two.
const NATIVE: Kind = Kind::NativeHistogram(NativeBuckets { schema: 1, lowest: -3, cells: 8 });

/// The numbers of a native histogram with observations in the zero bucket, in (1.41, 2] and above all.
fn native(zero: f64, inside: f64, above: f64, sum: f64) -> Vec<f64> {
    let mut numbers = vec![0.0; 13];
    (numbers[0], numbers[6], numbers[9], numbers[12]) = (zero, inside, above, sum);
    numbers
}

#[test]
fn native_histogram_has_a_count_and_a_mean() {
    let histogram = |numbers: &[f64]| family("job_seconds", NATIVE, &[], &[(&[], numbers)]);
    let mut model = Model::default();
    read(&mut model, 0, vec![histogram(&native(1.0, 2.0, 0.0, 4.0))]);
    read(&mut model, 1, vec![histogram(&native(1.0, 4.0, 1.0, 10.0))]);
    let job = series(&model, "job_seconds", "");
    assert_eq!((job.value, job.rate, job.mean), (6.0, Some(3.0), Some(2.0)));
}

#[test]
fn function_with_a_native_histogram_has_quantiles_within_a_bucket() {
    let families = |numbers: &[f64]| {
        let labels: &[&str] = &["mail"];
        vec![family("php_function_duration_seconds", NATIVE, &["function"], &[(labels, numbers)])]
    };
    let mut model = Model::default();
    read(&mut model, 0, families(&native(0.0, 0.0, 0.0, 0.0)));
    read(&mut model, 2, families(&native(1.0, 8.0, 1.0, 20.0)));
    let mail = function(&model, "mail", "");
    let root = 2_f64.sqrt();
    assert!((mail.rate - 5.0).abs() < 1e-9, "{}", mail.rate);
    assert!((mail.half - root.midpoint(2.0)).abs() < 1e-9, "half of (1.41, 2]: {}", mail.half);
    assert!((mail.most - 4.0).abs() < 1e-9, "what is above the window has its end: {}", mail.most);
}

#[test]
fn a_summary_has_a_count_and_a_mean() {
    let summary =
        |numbers: &[f64]| family("job_seconds", Kind::Summary { max_age: 600 }, &[], &[(&[], numbers)]);
    let mut model = Model::default();
    read(&mut model, 0, vec![summary(&[0.5, 4.0, 3.0])]);
    read(&mut model, 1, vec![summary(&[0.5, 10.0, 6.0])]);
    let job = series(&model, "job_seconds", "");
    assert_eq!((job.value, job.rate, job.mean), (6.0, Some(3.0), Some(2.0)));
}

#[test]
fn series_that_have_gone_are_removed() {
    let mut model = Model::default();
    read(&mut model, 0, vec![jobs(1.0, 1.0), depth(1.0)]);
    read(&mut model, 1, vec![depth(1.0)]);
    assert_eq!(model.series.len(), 1);
    let cause = "no segment".to_string();
    model.update(Duration::from_secs(2), &[Reading { label: None, outcome: Err(cause.clone()) }]);
    assert_eq!((model.series.len(), model.heads[0].outcome.as_ref().err()), (0, Some(&cause)));
    read(&mut model, 3, vec![depth(1.0)]);
    assert_eq!(series(&model, "queue_depth", "").past, [1.0]);
}

#[test]
fn history_is_limited_and_a_new_kind_restarts_it() {
    let mut model = Model::default();
    for second in 0..PAST as u64 + 5 {
        read(&mut model, second, vec![depth(second as f64)]);
    }
    let past = &series(&model, "queue_depth", "").past;
    assert_eq!((past.len(), past[0]), (PAST, 5.0));
    read(&mut model, 100, vec![family("queue_depth", Kind::Counter, &[], &[(&[], &[1.0])])]);
    let depth = series(&model, "queue_depth", "");
    assert_eq!((depth.kind, depth.rate, depth.past.len()), (Kind::Counter, None, 0));
}

#[test]
fn segments_are_kept_apart() {
    let snapshot = |value| Snapshot { families: vec![depth(value)], ..Snapshot::default() };
    let (one, other) = (snapshot(1.0), snapshot(2.0));
    let mut model = Model::default();
    let readings = [
        Reading { label: Some("shop"), outcome: Ok(&one) },
        Reading { label: Some("blog"), outcome: Ok(&other) },
        Reading { label: Some("wiki"), outcome: Err("no segment".into()) },
    ];
    model.update(Duration::ZERO, &readings);
    let mut view = View::default();
    assert_eq!(model.series.len(), 2);
    let lines = screen(80, 24, &model, &mut view).join("\n");
    for part in ["shop: workers 0", "wiki: no segment", "blog: queue_depth", "shop: queue_depth"] {
        assert!(lines.contains(part), "{part}\n{lines}");
    }
    press(&mut view, "/blog\n");
    assert_eq!(view.rows(&model).len(), 1);
}

fn three(model: &mut Model) {
    for second in 0..2 {
        let more = second as f64;
        read(model, second, vec![jobs(10.0 + 5.0 * more, 50.0 + more), depth(f64::NAN)]);
    }
}

#[test]
fn rows_are_ordered() {
    let (mut model, mut view) = (Model::default(), View::default());
    three(&mut model);
    assert_eq!(names(&view, &model), ["jobs_total:", "queue=image", "queue=mail", "queue_depth"]);
    press(&mut view, "v");
    assert_eq!(names(&view, &model), ["jobs_total queue=image", "jobs_total queue=mail", "queue_depth"]);
    press(&mut view, "r");
    assert_eq!(names(&view, &model), ["jobs_total queue=mail", "jobs_total queue=image", "queue_depth"]);
    press(&mut view, "r");
    assert_eq!(names(&view, &model), ["queue_depth", "jobs_total queue=image", "jobs_total queue=mail"]);
    press(&mut view, "n");
    assert_eq!((view.sort, view.reversed), (Sort::Name, false));
}

#[test]
fn filter_matches_names_and_labels() {
    let (mut model, mut view) = (Model::default(), View::default());
    three(&mut model);
    press(&mut view, "/QUEUE=\"mail\" jobs");
    assert!(view.typing);
    assert_eq!(names(&view, &model), ["jobs_total:", "queue=mail"]);
    press(&mut view, "x");
    assert_eq!(names(&view, &model), [""; 0]);
    assert!(screen(80, 24, &model, &mut view).join("\n").contains("No series has that."));
    press(&mut view, "\x7f\n");
    assert_eq!((view.typing, names(&view, &model).len()), (false, 2));
    press(&mut view, "\x1b");
    assert_eq!(names(&view, &model).len(), 4);
    press(&mut view, "/depth\x1b");
    assert_eq!((view.typing, view.filter.as_str()), (false, ""));
}

#[test]
fn q_and_ctrl_c_quit() {
    let mut view = View::default();
    assert_eq!(press(&mut view, "q"), Flow::Quit);
    assert_eq!(press(&mut view, "/q"), Flow::On, "a letter of the filter");
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(view.on_key(control_c), Flow::Quit);
}

/// A screen with many series.
fn many() -> Model {
    let names: Vec<String> = (0..10_000).map(|number| format!("{number:05}")).collect();
    let labels: Vec<[&str; 1]> = names.iter().map(|name| [name.as_str()]).collect();
    let rows: Vec<(&[&str], &[f64])> = labels.iter().map(|label| (&label[..], &[1.0][..])).collect();
    let mut model = Model::default();
    read(&mut model, 0, vec![family("users_total", Kind::Counter, &["user"], &rows)]);
    model
}

#[test]
fn long_list_of_series_scrolls() {
    let (model, mut view) = (many(), View::default());
    let lines = screen(80, 24, &model, &mut view);
    assert!(lines[4].starts_with("users_total  counter  What it is."), "{lines:#?}");
    assert!(lines[5].starts_with("  user=00000 "), "{lines:#?}");
    assert_eq!((view.rows, view.height), (10_001, 18));
    for key in [KeyCode::End, KeyCode::Down] {
        view.on_key(key.into());
    }
    let lines = screen(80, 24, &model, &mut view);
    assert!(lines[21].starts_with("  user=09999 "), "{lines:#?}");
    assert!(lines[22].starts_with("users_total user=09999"), "{lines:#?}");
    press(&mut view, "kk");
    screen(80, 24, &model, &mut view);
    assert_eq!(
        (view.first, view.selected),
        (10_001 - 18, 9_998),
        "the list does not scroll while the selection is visible"
    );
    view.on_key(KeyCode::PageUp.into());
    press(&mut view, "g");
    assert!(screen(80, 24, &model, &mut view)[4].starts_with("users_total"));
    press(&mut view, "G/00042");
    let lines = screen(80, 24, &model, &mut view);
    assert!(lines[5].starts_with("  user=00042"), "the selection follows: {lines:#?}");
}

#[test]
fn screen_shows_segments_series_and_keys() {
    let (mut model, mut view) = (Model::default(), View::default());
    three(&mut model);
    let lines = screen(80, 24, &model, &mut view);
    assert!(lines[0].starts_with("promshm top sysv:0x00000007 ") && lines[0].ends_with("12:00:00 UTC"));
    assert!(lines[1].starts_with("workers 0 of 256  crashes 2  fatal 0  clean 0  dropped 7 "), "{lines:#?}");
    assert!(
        lines[2].starts_with("segment ━───────────  1.0 MiB of 256.0 MiB".replace("  ", " ").as_str()),
        "{lines:#?}"
    );
    assert!(lines[2].contains("series ━─────────── 3 of 10,000"), "{lines:#?}");
    assert!(lines[3].starts_with("NAME▾") && lines[3].ends_with("TREND"), "{lines:#?}");
    let mail = &lines[6];
    assert!(
        mail.starts_with("  queue=mail ") && mail.contains(" 15 ") && mail.contains(" 5/s "),
        "{lines:#?}"
    );
    assert!(mail.trim_end().ends_with('█'), "{lines:#?}");
    assert!(lines[7].starts_with("queue_depth ") && lines[7].contains(" NaN "), "{lines:#?}");
    assert!(lines[22].starts_with("jobs_total queue=image  What it is."), "{lines:#?}");
    assert!(
        lines[23]
            .starts_with("q quit  / filter  f functions  sort: n name v value r rate (again reverses)  p"),
        "{lines:#?}"
    );
}

/// `mail` and `page` are functions of the common family, `app_jobs` has one of its own, `md5` has no clock.
fn observed(mail: [f64; 4], failed: f64, page: f64) -> Vec<Family> {
    let error: (&[&str], &[f64]) = (&["mail", "DomainException"], &[failed]);
    let two =
        Definition::new("php_function_errors_total", "", Kind::Counter, &["function", "exception"], &[]);
    let mut errors = Family::new(two.expect("good"));
    if failed > 0.0 {
        errors.push(error.0.iter().copied(), error.1);
        errors.push(["mail", "fatal"], &[1.0]);
    }
    let rows: [(&[&str], &[f64]); 2] = [(&["mail"], &mail), (&["page"], &[page, 0.0, 0.0, 1.0])];
    vec![
        family("app_jobs_duration_seconds", Kind::Histogram, &["queue"], &[(&["news"], &[0.0; 4])]),
        family("app_jobs_in_flight", GAUGE, &["queue"], &[(&["news"], &[3.0])]),
        family("job_duration_seconds", Kind::Histogram, &["queue"], &[(&["news"], &[0.0; 4])]),
        family("php_function_calls_total", Kind::Counter, &["function"], &[(&["md5"], &[page])]),
        family("php_function_duration_seconds", Kind::Histogram, &["function"], &rows),
        errors,
        family("php_function_in_flight", GAUGE, &["function"], &[(&["mail"], &[2.0])]),
    ]
}

fn function<'m>(model: &'m Model, name: &str, labels: &str) -> &'m Function {
    let key = Key { segment: String::new(), name: name.into(), labels: labels.into() };
    model.functions.rows.get(&key).expect("it was read")
}

fn function_names(view: &View, model: &Model) -> Vec<String> {
    let name = |(key, _): &(&Key, &Function)| format!("{} {}", key.name, key.labels).trim().into();
    view.functions(model).iter().map(name).collect()
}

#[test]
fn function_has_rate_errors_quantiles_and_running_calls() {
    let mut model = Model::default();
    read(&mut model, 0, observed([1.0, 0.0, 0.0, 1.0], 0.0, 5.0));
    assert!(function(&model, "mail", "").rate.is_nan(), "a rate needs two readings");
    read(&mut model, 2, observed([5.0, 4.0, 0.0, 9.0], 1.0, 5.0));
    let mail = function(&model, "mail", "");
    assert_eq!((mail.rate, mail.errors, mail.running), (4.0, 1.0, 2.0), "all exceptions together");
    assert_eq!((mail.half, mail.most), (1.0, 1.9));
    let page = function(&model, "page", "");
    assert_eq!((page.rate, page.errors), (0.0, 0.0));
    assert!(page.half.is_nan() && page.running.is_nan());
    assert_eq!(Some(function(&model, "app_jobs", "queue=news").running), Some(3.0));
    assert!(function(&model, "md5", "").half.is_nan());
    assert_eq!(model.functions.rows.len(), 4, "a histogram without in_flight is no function");
    read(&mut model, 3, observed([0.0, 0.0, 1.0, 9.0], 0.0, 5.0));
    let mail = function(&model, "mail", "");
    assert_eq!(
        (mail.rate, mail.errors, mail.half),
        (1.0, 0.0, 2.0),
        "it restarted; the last bucket has no end"
    );
    read(&mut model, 4, vec![]);
    assert_eq!(model.functions.rows.len(), 0);
}

#[test]
fn numbers_of_functions_are_of_the_last_minute() {
    let mut model = Model::default();
    for second in 0..=120 {
        let calls = if second <= 50 { 100.0 * second as f64 } else { 5_000.0 };
        read(&mut model, second, observed([calls, 0.0, 0.0, 0.0], 0.0, 0.0));
        if (1..=50).contains(&second) {
            assert_eq!(Some(function(&model, "mail", "").rate), Some(100.0), "after {second} seconds");
        }
    }
    assert_eq!(Some(function(&model, "mail", "").rate), Some(0.0));
}

#[test]
fn functions_are_ordered_and_filtered() {
    let (mut model, mut view) = (Model::default(), View::default());
    read(&mut model, 0, observed([0.0; 4], 0.0, 0.0));
    read(&mut model, 1, observed([0.0, 0.0, 2.0, 9.0], 3.0, 5.0));
    press(&mut view, "f");
    assert_eq!(function_names(&view, &model), ["md5", "page", "mail", "app_jobs queue=news"]);
    press(&mut view, "r");
    assert_eq!(function_names(&view, &model), ["app_jobs queue=news", "mail", "page", "md5"]);
    for (keys, first) in [
        ("e", "mail"),
        ("5", "mail"),
        ("9", "mail"),
        ("i", "app_jobs queue=news"),
        ("n", "app_jobs queue=news"),
    ] {
        press(&mut view, keys);
        assert_eq!(function_names(&view, &model)[0], first, "{keys}");
    }
    assert_eq!((view.column, view.reversed), (Column::Name, false));
    press(&mut view, "/news\n");
    assert_eq!(function_names(&view, &model), ["app_jobs queue=news"]);
    press(&mut view, "\x1bf");
    assert!(view.shown == Shown::Series && view.sort == Sort::Name);
}

#[test]
fn screen_shows_functions() {
    let (mut model, mut view) = (Model::default(), View::default());
    press(&mut view, "f");
    assert!(screen(80, 24, &model, &mut view).join("\n").contains("promshm.observe = "));
    read(&mut model, 0, observed([0.0; 4], 0.0, 0.0));
    read(&mut model, 1, observed([8.0, 0.0, 0.0, 9.0], 3.0, 5.0));
    let lines = screen(80, 24, &model, &mut view);
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(&lines[3]), "FUNCTION CALLS▾ ERRORS P50 P95 IN FLIGHT");
    assert_eq!(squeezed(&lines[4]), "mail 8/s 4/s 50 % 500 ms 950 ms 2");
    assert_eq!(squeezed(&lines[7]), "app_jobs queue=news 0/s 0/s - - 3");
    assert!(
        lines[23].starts_with("q quit  / filter  f metrics  sort: n name r calls e errors"),
        "{lines:#?}"
    );
    for (width, height) in [(1, 1), (2, 3), (5, 5), (80, 1), (1, 40), (30, 7), (50, 9)] {
        screen(width, height, &model, &mut view);
    }
    assert_eq!(squeezed(&screen(30, 10, &model, &mut view)[3]), "FUNCTION");
}

#[test]
fn small_screen_drops_columns_and_cuts_text() {
    let (mut model, mut view) = (Model::default(), View::default());
    three(&mut model);
    let lines = screen(48, 10, &model, &mut view);
    assert!(!lines.join("").contains("TREND") && lines[3].contains("RATE"), "{lines:#?}");
    let lines = screen(30, 10, &model, &mut view);
    assert!(!lines[3].contains("RATE") && lines[3].contains("VALUE"), "{lines:#?}");
    assert!(lines[1].ends_with('…') || lines[2].ends_with('…'), "{lines:#?}");
    for (width, height) in [(1, 1), (2, 3), (5, 5), (80, 1), (1, 40), (13, 7)] {
        screen(width, height, &model, &mut view);
    }
}

#[test]
fn wide_letters_and_control_characters_keep_the_columns() {
    let rows: [(&[&str], &[f64]); 2] = [(&["邮件\u{1b}[31m\n"], &[1.0]), (&["größe ✓"], &[2.0])];
    let (mut model, mut view) = (Model::default(), View::default());
    read(&mut model, 0, vec![family("jobs_total", Kind::Counter, &["queue"], &rows)]);
    let lines = screen(80, 24, &model, &mut view);
    let of = |text: &str| lines.iter().find(|line| line.contains(text)).expect(text);
    assert!(of("größe ✓").contains(" 2 "), "{lines:#?}");
    assert!(of("[31m").contains(" 1 ") && !of("[31m").contains('\u{1b}'), "{lines:#?}");
}

#[test]
fn no_color_draws_without_colours() {
    let (mut model, mut view) = (Model::default(), View::default());
    three(&mut model);
    let has_colour = |view: &mut View, colours| {
        let terminal = drawn(80, 24, &model, view, colours);
        terminal
            .backend()
            .buffer()
            .content()
            .iter()
            .any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(has_colour(&mut view, true));
    assert!(!has_colour(&mut view, false));
}
