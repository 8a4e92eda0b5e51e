//! What is said of a gamescope that cannot work.

use punktfunk_video::display::{Backend as _, DisplayError};

use crate::stand_in::StandIn;

fn fault(stand_in: &StandIn) -> String {
    let error = stand_in.backend().probe().unwrap_err();
    assert!(matches!(error, DisplayError::Missing { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn a_gamescope_that_would_work_is_found_and_leaves_nothing_behind() {
    let stand_in = StandIn::new();
    stand_in.backend().probe().unwrap();
    assert_eq!(stand_in.base().read_dir().unwrap().count(), 0);
}

#[test]
fn a_gamescope_that_is_too_old_is_named_with_its_version() {
    let stand_in = StandIn::new().with("VERSION", "3.11.49").with("HELP", "usage: gamescope [options...]");
    let said = fault(&stand_in);
    assert!(said.contains("`--backend headless` (here is 3.11.49)") && said.contains("3.16.22"), "{said}");
}

#[test]
fn a_gamescope_that_blocks_itself_with_this_pipewire_is_named() {
    let stand_in = StandIn::new().with("VERSION", "3.16.14");
    stand_in.backend().probe().expect("this machine's PipeWire is older");
    stand_in
        .program("pipewire", "#!/bin/sh\necho Compiled with libpipewire 1.4.0\necho Linked with libpipewire 1.6.0\n");
    let said = fault(&stand_in);
    assert!(said.contains("here is 3.16.14") && said.contains("PipeWire 1.6"), "{said}");
}

#[test]
fn programs_that_are_missing_are_named() {
    let stand_in = StandIn::new();
    let nothing = |stand_in: &StandIn| {
        let launcher = punktfunk_video::display::launch::Children::new(stand_in.base());
        stand_in.backend_on(std::sync::Arc::new(launcher), "/nonexistent".into()).probe().unwrap_err().to_string()
    };
    // Its interpreter is found by its own path.
    assert!(nothing(&stand_in).contains("the program `pipewire` is missing"));
    std::fs::remove_file(stand_in.path().join("bin/gamescope")).unwrap();
    let said = nothing(&stand_in);
    assert!(said.contains("the program `gamescope` is missing") && said.contains("3.16.22"), "{said}");
}

#[test]
fn a_machine_without_a_gpu_is_told_of_both_ways_out() {
    if std::path::Path::new("/dev/dri").exists() {
        return;
    }
    let said = fault(&StandIn::new().needing_a_gpu());
    assert!(said.contains("renderD128") && said.contains("software = true") && said.contains("embedded"), "{said}");
}

#[test]
fn what_does_not_answer_is_no_gamescope() {
    let stand_in = StandIn::new();
    stand_in.program("gamescope", "");
    assert!(!fault(&stand_in).is_empty());
}
