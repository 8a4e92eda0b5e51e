//! Requests that pages of strangers make in a browser of the house.

use axum::http::HeaderMap;
use serde_json::json;

use super::routes;
use crate::common::{
    bench::{Bench, from, get, in_login, on_the_machine, post, replacing, request, with, with_certificate, with_json},
    fake::{ADMIN_DEVICE, FakeHost, PAIRED},
};

const STRANGE: [&str; 9] = [
    "https://evil.example",
    "null",
    "",
    "http://couch.local:47990",
    "https://couch.local:47991",
    "https://couch.local",
    "https://couch.local:47990.evil.example",
    "https://couch.local:47990/",
    "https://evil.example,https://couch.local:47990",
];

#[tokio::test]
async fn a_page_of_another_origin_cannot_change_anything_with_a_login_or_a_certificate() {
    for route in routes::all().iter().filter(|route| route.method != "GET") {
        for origin in STRANGE {
            let bench = Bench::claimed();
            let login = bench.log_in().await;
            let with_login = with(with(route.request(), "cookie", &login), "origin", origin);
            let with_device = with(from(route.request(), with_certificate(ADMIN_DEVICE)), "origin", origin);
            for request in [with_login, with_device] {
                let answer = bench.send(request).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.code().as_str()),
                    (403, "wrong_origin"),
                    "{route:?} {origin}"
                );
            }
            assert_eq!(bench.host.origins(), [], "{route:?}");
        }
    }
}

#[tokio::test]
async fn a_login_without_an_origin_changes_nothing_and_reads() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    for route in routes::all().iter().filter(|route| route.method != "GET") {
        let answer = bench.send(with(route.request(), "cookie", &login)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "wrong_origin"), "{route:?}");
    }
    assert_eq!(bench.send(with(get("/api/v1/devices"), "cookie", &login)).await.status, 200);
}

#[tokio::test]
async fn what_a_browser_says_of_the_page_counts_where_its_origin_looks_right() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    for site in ["cross-site", "same-site"] {
        let request = with(in_login(request("DELETE", "/api/v1/pairing"), &login), "sec-fetch-site", site);
        assert_eq!(bench.send(request).await.code(), "wrong_origin");
    }
    let own = with(in_login(request("DELETE", "/api/v1/pairing"), &login), "sec-fetch-site", "same-origin");
    assert_eq!(bench.send(own).await.status, 204);
}

#[tokio::test]
async fn programs_without_a_browser_need_no_origin() {
    let bench = Bench::claimed();
    let token = format!("Bearer {}", FakeHost::TOKEN);
    let request = with(from(request("DELETE", "/api/v1/pairing"), on_the_machine()), "authorization", &token);
    assert_eq!(bench.send(request).await.status, 204);
}

#[tokio::test]
async fn a_body_that_a_form_could_send_is_415_on_every_route_but_the_devices_logs() {
    let kinds =
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"];
    for route in routes::all().iter().filter(|route| route.method != "GET" && route.operation != "send_client_logs") {
        for kind in kinds {
            let bench = Bench::claimed();
            let login = bench.log_in().await;
            let request = replacing(in_login(with_json(route.request(), &json!({})), &login), "content-type", kind);
            let answer = bench.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (415, "not_json"), "{route:?} {kind}");
            assert_eq!(bench.host.origins(), [], "{route:?}");
        }
    }
    let bench = Bench::claimed();
    let unnamed = with(request("POST", "/api/v1/restart"), "content-length", "2");
    assert_eq!(bench.send(from(unnamed, with_certificate(ADMIN_DEVICE))).await.code(), "not_json");
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_421_on_every_route_and_page() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    for host in ["evil.example", "evil.example:47990", "couch.local.evil.example", "couch@evil.example", ""] {
        for route in routes::all() {
            let origin = format!("https://{host}");
            let request = with(with(route.request(), "cookie", &login), "origin", &origin);
            let answer = bench.send(replacing(request, "host", host)).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (421, "unknown_host_name"),
                "{route:?} {host}"
            );
        }
        assert_eq!(bench.send(replacing(get("/"), "host", host)).await.code(), "unknown_host_name");
    }
    assert_eq!(bench.host.origins(), []);
    let mut nameless = get("/health");
    *nameless.headers_mut() = HeaderMap::new();
    assert_eq!(bench.send(nameless).await.code(), "unknown_host_name");
    assert_eq!(bench.send(with(get("/health"), "host", "couch.local:47990")).await.code(), "unknown_host_name");
    assert_eq!(bench.send(request("GET", "http://evil.example/health")).await.code(), "unknown_host_name");
    for host in ["localhost", "192.168.1.5:47990", "[fd00::5]:47990", "COUCH", "couch.local."] {
        assert_eq!(bench.send(replacing(get("/health"), "host", host)).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_browser_that_asks_whether_another_page_may_is_told_nothing() {
    let bench = Bench::claimed();
    let request = with(request("OPTIONS", "/api/v1/restart"), "origin", "https://evil.example");
    let answer = bench.send(with(request, "access-control-request-method", "POST")).await;
    assert_eq!(answer.code(), "wrong_origin");
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{answer:?}");
    let own = bench.send(crate::common::bench::request("OPTIONS", "/api/v1/restart")).await;
    assert_eq!((own.status.as_u16(), own.code().as_str()), (405, "method_not_allowed"));
}

#[tokio::test]
async fn a_device_sends_lines_of_its_own_as_text_or_json_and_nobody_else_writes_any() {
    let bench = Bench::claimed();
    let mut text = with(request("POST", "/api/v1/client-logs"), "content-type", "text/plain; charset=utf-8");
    *text.body_mut() = "the decoder stalled, token=abc".into();
    assert_eq!(bench.send(from(text, with_certificate(PAIRED))).await.status, 204);
    let json = post("/api/v1/client-logs", &json!({ "text": "again" }));
    assert_eq!(bench.send(from(json, with_certificate(PAIRED))).await.status, 204);
    let login = bench.log_in().await;
    let json = post("/api/v1/client-logs", &json!({ "text": "by the owner" }));
    assert_eq!(bench.send(in_login(json, &login)).await.status, 204);
    assert_eq!(bench.host.written_by_devices(), ["the decoder stalled, token=[redacted]", "again"]);
}
