//! Updates on a machine with two slots: what is taken, what is refused, what is kept and what is taken back.

mod fixture;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    time::Duration,
};

use fixture::{Machine, OURS, THEIRS, list};
use punktfunk_update::{
    client::{self, ClientError},
    model::{Answer, GatePart, OfferedBy, Request, SlotStanding, UpdateOutcome, UpdateRefusalCode as Code},
};

/// What the health check of a system leaves whose display does not start.
const FAILED: &str = r#"{"passed":false,"took_ms":900,"parts":[
    {"part":"ready","passed":true,"found":"it answers"},
    {"part":"stream","passed":false,"found":"the host has no working display"}]}"#;
const PASSED: &str = r#"{"passed":true,"took_ms":900,"parts":[{"part":"ready","passed":true,"found":"it answers"}]}"#;

/// A machine whose service runs and whose source offers this version.
fn offered(version: &str) -> Machine {
    let mut machine = Machine::new();
    machine.offer(version);
    machine.start();
    machine
}

/// Nothing of an update has reached the disk or the boot menu.
fn is_untouched(machine: &Machine) {
    assert_eq!(machine.labels(), ["punktfunk_1_verity", "punktfunk_1", "_empty", "_empty"]);
    assert_eq!(machine.entries(), ["punktfunk_1.efi"]);
    assert_eq!(machine.status().staged, None);
}

#[test]
fn a_signed_newer_update_is_shown_staged_tried_and_kept() {
    let mut machine = offered("2");
    let offer = machine.check(OfferedBy::Source).unwrap();
    assert_eq!(offer.version, "2".parse().ok());
    assert_eq!(offer.signed_by.len(), 40);
    let changed: Vec<String> = offer.packages.unwrap().into_iter().map(|package| package.name).collect();
    assert_eq!(changed, ["libc6", "mesa"], "shown before it is accepted");
    is_untouched(&machine);

    let status = machine.stage("2");
    assert_eq!(status.refused, None);
    assert_eq!(status.staged, "2".parse().ok());
    assert_eq!(machine.labels(), ["punktfunk_1_verity", "punktfunk_1", "punktfunk_2_verity", "punktfunk_2"]);
    assert!(machine.second_root().starts_with(b"root 2 root 2 "), "its bytes are in the slot");
    assert_eq!(machine.entries(), ["punktfunk_1.efi", "punktfunk_2+2-0.efi"]);
    assert_eq!(machine.ask(&Request::Apply).unwrap(), Answer::Done);
    assert_eq!(machine.reboots(), 1);

    assert_eq!(machine.boot(), "2");
    machine.start();
    assert!(machine.status().on_trial);
    machine.verdict(Some(PASSED), "success/0");
    assert_eq!(machine.reboots(), 1, "what passed is not started anew");
    machine.bless("2");
    let status = machine.status();
    assert!(!status.on_trial);
    assert!(matches!(status.last, Some(UpdateOutcome::Kept { .. })), "{status:?}");
    assert_eq!(status.other.unwrap().standing, SlotStanding::Good, "the old one can still be started");
}

#[test]
fn an_update_that_does_not_stream_is_taken_back_with_its_reason_and_a_newer_one_takes_its_slot() {
    let mut machine = offered("2");
    machine.stage("2");
    for reboots in 1..=2 {
        assert_eq!(machine.boot(), "2");
        machine.verdict(Some(FAILED), "exit-code/1");
        assert_eq!(machine.reboots(), reboots);
    }
    assert_eq!(machine.boot(), "1", "the boot loader went back by itself");
    machine.start();
    let status = machine.status();
    let Some(UpdateOutcome::TakenBack { version, part, reason, tries, dismissed, .. }) = &status.last else {
        panic!("{status:?}");
    };
    assert_eq!((version.as_str(), *part, *tries, *dismissed), ("2", Some(GatePart::Stream), 2, false));
    assert_eq!(reason, "the host has no working display");
    assert_eq!(status.other.unwrap().standing, SlotStanding::Bad);
    machine.ask(&Request::Dismiss).unwrap();

    machine.offer("3");
    let status = machine.stage("3");
    assert_eq!(status.refused, None);
    assert_eq!(machine.labels()[2..], ["punktfunk_3_verity", "punktfunk_3"]);
    assert_eq!(machine.entries(), ["punktfunk_1.efi", "punktfunk_3+2-0.efi"]);
}

#[test]
fn an_update_that_was_taken_back_can_be_tried_again() {
    let mut machine = offered("2");
    machine.stage("2");
    for _ in 0..2 {
        machine.boot();
    }
    assert_eq!(machine.boot(), "1");
    machine.start();
    assert!(matches!(machine.status().last, Some(UpdateOutcome::TakenBack { part: None, .. })));
    let status = machine.stage("2");
    assert_eq!((status.refused, status.staged), (None, "2".parse().ok()));
    assert_eq!(machine.entries(), ["punktfunk_1.efi", "punktfunk_2+2-0.efi"]);
}

#[test]
fn a_check_that_hangs_counts_and_one_that_is_cut_short_by_a_shutdown_does_not() {
    let mut machine = offered("2");
    machine.stage("2");
    machine.boot();
    machine.verdict(None, "signal/TERM");
    assert_eq!(machine.reboots(), 0, "the machine is going down already");
    machine.boot();
    machine.verdict(None, "timeout/TERM");
    assert_eq!(machine.reboots(), 1);
    assert_eq!(machine.boot(), "1");
    machine.start();
    let Some(UpdateOutcome::TakenBack { reason, .. }) = machine.status().last else { panic!("taken back") };
    assert!(reason.contains("timeout"), "{reason}");
}

#[test]
fn a_failed_check_on_a_machine_that_was_not_updated_starts_nothing_anew() {
    let mut machine = Machine::new();
    assert_eq!(machine.boot(), "1");
    machine.verdict(Some(FAILED), "exit-code/1");
    assert_eq!(machine.reboots(), 0);
    machine.start();
    assert_eq!(machine.status().last, None);
}

#[test]
fn what_is_not_signed_by_a_trusted_key_is_refused() {
    let machine = offered("2");
    let source = machine.path("source");
    fs::remove_file(source.join("SHA256SUMS.gpg")).unwrap();
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::Unsigned));
    machine.keys.sign(&source, THEIRS);
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::Unsigned));
    machine.keys.sign(&source, OURS);
    let text = fs::read_to_string(source.join("SHA256SUMS")).unwrap();
    fs::write(source.join("SHA256SUMS"), format!("{text}{}  extra_1\n", "00".repeat(32))).unwrap();
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::Unsigned), "a list that was changed after it was signed");
    let stage = machine.ask(&Request::Stage { version: "2".parse().unwrap() });
    assert!(matches!(stage, Err(ClientError::Refused(refusal)) if refusal.code == Code::NotReady));
    is_untouched(&machine);
}

#[test]
fn what_is_older_is_refused_though_it_is_signed_and_what_runs_already_is_nothing_new() {
    let mut machine = offered("0.9");
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::Older));
    machine.offer("1");
    assert_eq!(machine.check(OfferedBy::Source).unwrap().version, None);
    is_untouched(&machine);
    // What was checked is looked at again when it is staged: a source that turns is not followed.
    machine.offer("2");
    machine.check(OfferedBy::Source).unwrap();
    machine.keys.release(&machine.path("state/offer"), "punktfunk", "0.9");
    machine.ask(&Request::Stage { version: "2".parse().unwrap() }).unwrap();
    let status = machine.settled();
    assert!(status.refused.is_some(), "{status:?}");
    machine.start();
    is_untouched(&machine);
}

#[test]
fn an_update_of_another_image_is_refused() {
    let machine = offered("2");
    machine.keys.release(&machine.path("source"), "other", "2");
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::WrongImage));
    is_untouched(&machine);
}

#[test]
fn a_file_that_is_cut_off_changed_or_missing_is_refused_and_nothing_is_written() {
    let machine = offered("2");
    let source = machine.path("source");
    let root = file_like(&source, ".root.raw");
    let whole = fs::read(&root).unwrap();
    let mut changed = whole.clone();
    changed[1_000] ^= 1;
    for content in [Some(&whole[..whole.len() - 1]), Some(&changed[..]), Some(&[][..]), None] {
        match content {
            Some(content) => fs::write(&root, content).unwrap(),
            None => fs::remove_file(&root).unwrap(),
        }
        let status = machine.stage("2");
        let code = status.refused.expect("a reason").code;
        assert_eq!(code, if content.is_some() { Code::Damaged } else { Code::Unreachable });
        is_untouched(&machine);
    }
    fs::write(&root, &whole).unwrap();
    assert_eq!(machine.stage("2").refused, None, "the whole file is taken");
}

#[test]
fn files_that_are_brought_pass_the_same_gate() {
    let machine = offered("1");
    let brought = machine.path("brought");
    machine.keys.release(&brought, "punktfunk", "2");
    assert_eq!(machine.check(OfferedBy::Files), Err(Code::NoSource));
    let bring = |name: &str, bytes: u64| {
        client::put(&machine.socket(), (name, bytes), fs::File::open(brought.join(name)).unwrap())
    };
    let names: Vec<(String, u64)> = fs::read_dir(&brought)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()))
        .collect();
    machine.ask(&Request::Begin).unwrap();
    let root = names.iter().find(|(name, _)| name.ends_with(".root.raw")).unwrap();
    for (name, bytes) in names.iter().filter(|file| *file != root) {
        assert_eq!(bring(name, *bytes).unwrap(), Answer::Done);
    }
    assert_eq!(machine.check(OfferedBy::Files), Err(Code::Damaged), "a file is missing");
    assert_eq!(bring(&root.0, root.1 - 1).unwrap(), Answer::Done);
    assert_eq!(machine.check(OfferedBy::Files), Err(Code::Damaged), "a file is cut off");
    let short = bring(&root.0, root.1 + 1);
    assert!(matches!(short, Err(ClientError::Refused(refusal)) if refusal.code == Code::Damaged), "it broke off");
    assert_eq!(bring(&root.0, root.1).unwrap(), Answer::Done);
    let offer = machine.check(OfferedBy::Files).unwrap();
    assert_eq!((offer.version, offer.by), ("2".parse().ok(), OfferedBy::Files));
    machine.ask(&Request::Stage { version: "2".parse().unwrap() }).unwrap();
    assert_eq!(machine.settled().staged, "2".parse().ok());
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    let machine = offered("1");
    for name in ["../state.json", "/etc/passwd", ".hidden", "a/b", ""] {
        let put = client::put(&machine.socket(), (name, 4), &b"evil"[..]);
        assert!(matches!(put, Err(ClientError::Refused(refusal)) if refusal.code == Code::BadRequest), "{name}");
    }
    assert!(!machine.path("state/offer").exists() || fs::read_dir(machine.path("state/offer")).unwrap().count() == 0);
}

#[test]
fn updates_are_fetched_over_the_network_and_a_source_that_breaks_off_is_refused() {
    let mut machine = offered("2");
    let source = machine.path("source");
    let server = serve(&source);
    fs::write(machine.path("update.toml"), format!("source = \"http://{server}/\"\n")).unwrap();
    machine.start();
    let status = machine.stage("2");
    assert_eq!((status.refused, status.staged), (None, "2".parse().ok()));

    machine.offer("3");
    let root = file_like(&source, ".root.raw");
    // The server says how long it is and sends half of it.
    fs::rename(&root, source.join("half")).unwrap();
    fs::write(source.join("half.name"), root.file_name().unwrap().to_str().unwrap()).unwrap();
    let refused = machine.stage("3").refused.expect("a reason");
    assert_eq!(refused.code, Code::Unreachable, "{refused}");
    fs::write(machine.path("update.toml"), "source = \"http://127.0.0.1:1/\"\n").unwrap();
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::Unreachable));
}

#[test]
fn kill_9_at_any_moment_of_staging_leaves_a_machine_that_boots_and_can_be_updated() {
    let mut machine = offered("2");
    for round in 0..12_u64 {
        machine.check(OfferedBy::Source).unwrap();
        machine.ask(&Request::Stage { version: "2".parse().unwrap() }).unwrap();
        std::thread::sleep(Duration::from_millis(round * 7));
        machine.start();
        let status = machine.status();
        assert_eq!(machine.labels()[..2], ["punktfunk_1_verity", "punktfunk_1"], "what runs is untouched");
        assert!(machine.entries().contains(&"punktfunk_1.efi".to_owned()));
        assert!(status.last.is_none(), "{status:?}");
    }
    let status = machine.stage("2");
    assert_eq!((status.refused, status.staged), (None, "2".parse().ok()));
    assert_eq!(machine.boot(), "2");
}

#[test]
fn requests_that_are_none_are_refused_and_the_service_goes_on() {
    use std::{io::Read as _, os::unix::net::UnixStream};
    let machine = offered("2");
    for wrong in
        [&b"\n"[..], b"{}\n", b"{\"kind\":\"format\"}\n", b"\xff\xff\n", b"{\"kind\":\"stage\",\"version\":\"../2\"}\n"]
    {
        let mut stream = UnixStream::connect(machine.socket()).unwrap();
        stream.write_all(wrong).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("bad_request"), "{answer}");
    }
    let _silent = UnixStream::connect(machine.socket()).unwrap();
    assert!(machine.check(OfferedBy::Source).is_ok());
}

#[test]
fn a_system_that_is_no_image_says_so() {
    let machine = offered("2");
    fs::write(machine.path("os-release"), "ID=debian\n").unwrap();
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::Machine));
    let refused = machine.ask(&Request::Status).unwrap_err();
    assert!(refused.to_string().contains("no image"), "{refused}");
}

fn file_like(folder: &Path, end: &str) -> std::path::PathBuf {
    let mut files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.find(|path| path.to_str().unwrap().ends_with(end)).expect("such a file")
}

/// A web server for the files of `folder`. The file that `half.name` names is sent by half.
fn serve(folder: &Path) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut request).unwrap_or(0) > 2 {}
            let name = request.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let half = fs::read_to_string(folder.join("half.name")).is_ok_and(|half| half == name);
            let body = fs::read(folder.join(if half { "half" } else { name.as_str() }));
            let _ = match body {
                Ok(body) => {
                    let sent = if half { &body[..body.len() / 2] } else { &body[..] };
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
                        .and_then(|()| stream.write_all(sent))
                }
                Err(_) => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            };
        }
    });
    address
}

#[test]
fn a_list_without_its_system_is_no_update() {
    let machine = offered("2");
    let source = machine.path("source");
    fs::remove_file(file_like(&source, ".efi")).unwrap();
    list(&source);
    machine.keys.sign(&source, OURS);
    assert_eq!(machine.check(OfferedBy::Source), Err(Code::WrongImage));
}
