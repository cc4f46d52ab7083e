//! A segment inside one process: as others, but nobody else finds it.

mod support;

use promshm_segment::{Config, ReadError, Reader, SegmentName, Writer};
use support::{Child, count, counter, rows, value};

fn config() -> Config {
    Config { name: SegmentName::Memory, size: 4 << 20, ..Config::default() }
}

fn reader() -> Reader {
    Reader::attach(SegmentName::Memory).expect("it was created")
}

#[test]
fn it_counts_with_and_without_a_fork_and_leaves_no_kernel_object() {
    let absent = ReadError::Absent { name: SegmentName::Memory };
    assert_eq!(Reader::attach(SegmentName::Memory).map(drop), Err(absent.clone()));
    let c = counter("c", &["n"]);
    let mut writer = Writer::attach(&config()).expect("room for it");
    count(&mut writer, &c, &["parent"], 1.0);
    // Not what is on the machine: other tests create segments meanwhile.
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the mappings of this process");
    assert!(!maps.contains("/SYSV") && !maps.contains("/dev/shm/"), "{maps}");

    let child = Child::run(|| {
        let mut writer = Writer::attach(&config()).expect("it is the parent's");
        count(&mut writer, &c, &["parent"], 2.0);
        count(&mut writer, &c, &["child"], 4.0);
    });
    child.end();
    let both = [(vec!["child".into()], vec![4.0]), (vec!["parent".into()], vec![3.0])];
    assert_eq!(rows(&mut reader(), "c"), both);

    writer.wipe().expect("it is this process's");
    assert_eq!(Reader::attach(SegmentName::Memory).map(drop), Err(absent));
    let mut writer = Writer::attach(&config()).expect("room for the next one");
    count(&mut writer, &counter("d", &[]), &[], 1.0);
    assert_eq!((value(&mut reader(), "c"), value(&mut reader(), "d")), (None, Some(1.0)));
}
