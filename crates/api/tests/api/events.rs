//! Streams of events.

use std::{future::poll_fn, pin::Pin, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    http::Response,
};
use punktfunk_api::{HostEvent, Topic};

use crate::common::{
    bench::{Bench, from, get, in_login, on_the_machine, request, with, with_certificate},
    fake::{ADMIN_DEVICE, FakeHost, PAIRED, samples},
};

/// The next piece of a stream; `None` at its end.
async fn next(body: &mut Body) -> Option<String> {
    let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

/// What comes until a piece holds `text`; `None` if the stream ends before.
pub(crate) async fn read_until(body: &mut Body, text: &str) -> Option<String> {
    let mut all = String::new();
    while !all.contains(text) {
        all += &next(body).await?;
    }
    Some(all)
}

async fn open(bench: &Bench) -> Response<Body> {
    bench.open(from(get("/api/v1/events"), with_certificate(ADMIN_DEVICE))).await
}

#[tokio::test]
async fn who_listens_hears_what_changed_and_lines_of_the_log_only_if_asked() {
    let bench = Bench::claimed();
    let response = open(&bench).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut quiet = response.into_body();
    let with_logs = from(get("/api/v1/events?logs=true"), with_certificate(ADMIN_DEVICE));
    let mut loud = bench.open(with_logs).await.into_body();
    bench.host.log("something happened");
    bench.host.tell(HostEvent::Samples(samples(1, 1_790_000_000_000, 1)));
    bench.host.tell(HostEvent::Changed(Topic::Pending));
    let heard = read_until(&mut quiet, "pending").await.unwrap();
    assert!(heard.starts_with("event: samples\ndata: [{\"session\":1,"), "{heard}");
    assert!(heard.ends_with("event: changed\ndata: {\"topic\":\"pending\"}\n\n"), "{heard}");
    let heard = read_until(&mut loud, "pending").await.unwrap();
    assert!(heard.starts_with("event: log\n") && heard.contains("something happened"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_misses_events_is_told_how_many_and_stalls_nobody() {
    let bench = Bench::claimed();
    let mut slow = open(&bench).await.into_body();
    let mut quick = open(&bench).await.into_body();
    for _ in 0..2_000 {
        bench.host.tell(HostEvent::Changed(Topic::Devices));
        read_until(&mut quick, "devices").await.unwrap();
    }
    let (mut events, mut dropped) = (0, 0);
    while dropped == 0 {
        let piece = next(&mut slow).await.unwrap();
        events += u64::from(piece.contains("event: changed"));
        if let Some(count) = piece.split("{\"count\":").nth(1) {
            dropped = count.split('}').next().unwrap().parse().unwrap();
        }
        bench.host.tell(HostEvent::Changed(Topic::Health));
        read_until(&mut quick, "health").await.unwrap();
    }
    assert!(events <= 65, "the queue held {events}");
    assert!(dropped >= 2_000 - 65, "{dropped}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_for_a_minute_is_given_up() {
    let bench = Bench::claimed();
    let body = open(&bench).await.into_body();
    tokio::task::yield_now().await;
    assert_eq!(bench.host.listeners(), 1);
    for _ in 0..100 {
        bench.host.tell(HostEvent::Changed(Topic::Devices));
    }
    tokio::time::sleep(Duration::from_secs(75)).await;
    assert_eq!(bench.host.listeners(), 0);
    drop(body);
}

#[tokio::test]
async fn streams_of_one_login_are_eight_and_a_closed_one_makes_room() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    let listen = || in_login(get("/api/v1/events"), &login);
    let mut open = Vec::new();
    for _ in 0..8 {
        let response = bench.open(listen()).await;
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    let refused = bench.send(listen()).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "too_many"));
    let other =
        with(from(get("/api/v1/events"), on_the_machine()), "authorization", &format!("Bearer {}", FakeHost::TOKEN));
    assert_eq!(bench.open(other).await.status(), 200);
    drop(open.pop());
    while bench.host.listeners() > 8 {
        tokio::task::yield_now().await;
    }
    // The place is given back right after the listener is.
    while bench.open(listen()).await.status() != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_soon_after_the_login_or_the_right_that_it_was_opened_with() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    let mut by_login = bench.open(in_login(get("/api/v1/events"), &login)).await.into_body();
    let mut by_device = open(&bench).await.into_body();
    assert_eq!(bench.send(in_login(request("DELETE", "/api/v1/login"), &login)).await.status, 204);
    while next(&mut by_login).await.is_some() {}
    let revoke = request("DELETE", &format!("/api/v1/devices/{ADMIN_DEVICE}"));
    assert_eq!(bench.send(from(revoke, with_certificate(ADMIN_DEVICE))).await.status, 200);
    while next(&mut by_device).await.is_some() {}
    let denied = bench.send(from(get("/api/v1/events"), with_certificate(PAIRED))).await;
    assert_eq!(denied.status, 403);
}
