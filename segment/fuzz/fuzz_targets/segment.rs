//! Forged segments, from a fuzzer that learns which forgeries lead to new code.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _outcome = promshm_segment::fuzzing::run(input);
});
