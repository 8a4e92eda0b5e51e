//! The console of a real host under attack.

use std::process::Command;

use punktfunk_tools::rogue::{
    Victim,
    attack::{console, leaks},
    program,
};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_and_slow_heads_leave_a_stream_and_the_console_usable() {
    console::idle_connections(&mut Victim::start("").unwrap(), 10_000).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_wrong_passwords_from_one_address_or_from_many_do_not_lock_the_owner_out() {
    console::wrong_passwords(&mut Victim::start("").unwrap()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_race_to_claim_only_who_has_the_code_wins() {
    console::race_to_claim(&mut Victim::start("").unwrap()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_command_line_an_environment_a_readable_file_a_log_or_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let configuration = leaks::configuration(dir.path()).unwrap();
    let command = Command::new(program("punktfunk-host").unwrap());
    let mut victim = Victim::run(dir.path(), command, &configuration).unwrap().unwrap();
    leaks::secrets(&mut victim).await.unwrap().hold();
}
