//! What answers carry, and that every failure is a problem.

use axum::body::Body;
use serde_json::json;

use super::routes;
use crate::common::{
    bench::{Bench, from, get, in_login, post, request, with, with_certificate},
    fake::ADMIN_DEVICE,
};

#[tokio::test]
async fn every_answer_forbids_frames_inline_scripts_sniffing_and_referrers() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    let mut requests: Vec<_> = routes::all().iter().map(routes::Route::request).collect();
    requests.extend(routes::all().iter().map(|route| in_login(route.request(), &login)));
    requests.extend([
        get("/"),
        get("/assets/x.js"),
        get("/api/none"),
        request("PUT", "/"),
        request("PATCH", "/health"),
    ]);
    for request in requests {
        let what = format!("{} {}", request.method(), request.uri());
        let headers = bench.open(request).await.headers().clone();
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in
            ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        assert!(!policy.contains("unsafe-") && !policy.contains('*') && !policy.contains("http"), "{what}: {policy}");
        assert_eq!(headers["x-frame-options"], "DENY", "{what}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{what}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{what}");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin", "{what}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{what}");
        assert!(!headers.contains_key("strict-transport-security"), "{what}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{what}");
    }
}

#[tokio::test]
async fn no_answer_sends_a_browser_to_another_address_whatever_it_asks_for() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    for next in
        ["//evil.example", "/%5Cevil.example", "/%09/evil.example", "https://evil.example", "%2f%2fevil.example"]
    {
        for parameter in ["next", "redirect", "return_to"] {
            let mut paths: Vec<_> = routes::all().iter().map(|route| route.request().uri().path().to_owned()).collect();
            paths.extend(["/".into(), "/login".into(), format!("/{next}")]);
            for path in paths.iter().filter(|path| path.as_str() != "/api/v1/events") {
                let request = in_login(get(&format!("{path}?{parameter}={next}")), &login);
                let answer = bench.send(request).await;
                assert!(!answer.status.is_redirection(), "{path}: {answer:?}");
                assert!(!answer.headers.contains_key("location") && !answer.headers.contains_key("refresh"), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn answers_of_the_api_are_not_kept_by_browsers() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    for route in routes::all().iter().filter(|route| route.operation != "show_art" && route.operation != "log_out") {
        let headers = bench.open(in_login(route.request(), &login)).await.headers().clone();
        let control = headers["cache-control"].to_str().unwrap();
        assert!(["no-store", "no-cache"].contains(&control), "{route:?}: {control}");
    }
    assert!(!bench.send(get("/index.html")).await.headers.contains_key("cache-control"));
}

#[tokio::test]
async fn every_failure_is_a_problem_with_a_code() {
    let bench = Bench::claimed();
    let admin = |request| from(request, with_certificate(ADMIN_DEVICE));
    let malformed = |body: &'static str| {
        let mut request = post("/api/v1/pairing", &json!({}));
        *request.body_mut() = Body::from(body);
        request
    };
    let long = format!("/api/v1/logs?contains={}", "a".repeat(3_000));
    for (request, status, code) in [
        (get("/api/v1/none"), 404, "not_found"),
        (get("/api"), 404, "not_found"),
        (request("POST", "/"), 404, "not_found"),
        (get("/api/v1/library/art/none.png"), 404, "not_found"),
        (request("DELETE", "/api/v1/sessions/999"), 404, "not_found"),
        (request("PUT", "/api/v1/devices"), 405, "method_not_allowed"),
        (request("TRACE", "/api/v1/devices"), 405, "method_not_allowed"),
        (request("DELETE", "/api/v1/sessions/x"), 400, "bad_request"),
        (request("DELETE", "/api/v1/sessions/-1"), 400, "bad_request"),
        (request("DELETE", "/api/v1/sessions/18446744073709551616"), 400, "bad_request"),
        (request("DELETE", "/api/v1/devices/xyz"), 400, "bad_request"),
        (request("DELETE", "/api/v1/devices/%ff"), 400, "bad_request"),
        (get("/api/v1/logs?limit=0"), 400, "bad_request"),
        (get("/api/v1/logs?limit=x"), 400, "bad_request"),
        (get("/api/v1/logs?none=1"), 400, "bad_request"),
        (get("/api/v1/logs?level=loud"), 400, "bad_request"),
        (get("/api/v1/audit?limit=501"), 400, "bad_request"),
        (get(&long), 414, "address_too_long"),
        (get(&format!("/{}", "a".repeat(1_100))), 414, "address_too_long"),
        (malformed(""), 400, "bad_request"),
        (malformed("{"), 400, "bad_request"),
        (malformed("{}{}"), 400, "bad_request"),
        (malformed("[]"), 422, "invalid"),
        (malformed("null"), 422, "invalid"),
        (malformed("[\"pin\"]"), 422, "invalid"),
        (malformed("[,]"), 400, "bad_request"),
        (malformed(r#"{"by":"magic"}"#), 422, "invalid"),
        (malformed(r#"{"more":1}"#), 422, "invalid"),
        (malformed(r#"{"expires":"forever"}"#), 422, "invalid"),
        (post("/api/v1/backup", &json!({})), 422, "invalid"),
        (post("/api/v1/pairing", &json!({ "access": "x".repeat(70_000) })), 413, "too_large"),
        (post("/api/v1/restore", &json!({ "file": "x".repeat(1 << 20), "passphrase": "x" })), 413, "too_large"),
        (post("/api/v1/restore", &json!({ "file": "x".repeat(1 << 19), "passphrase": "x" })), 422, "invalid"),
    ] {
        let what = format!("{} {:.60}", request.method(), request.uri());
        let answer = bench.send(admin(request)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{what}");
        let problem = answer.json();
        assert_eq!(problem["type"], "about:blank");
        assert!(!problem["title"].as_str().unwrap().is_empty() && !problem["detail"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn json_that_nests_without_end_is_refused_and_costs_no_stack() {
    let mut request = post("/api/v1/settings", &json!({}));
    *request.method_mut() = axum::http::Method::PATCH;
    *request.body_mut() = Body::from(format!(r#"{{"changes":{{"a":{}"#, "[".repeat(60_000)));
    let answer = Bench::claimed().send(from(request, with_certificate(ADMIN_DEVICE))).await;
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[tokio::test]
async fn a_method_that_is_not_taken_says_which_are() {
    let answer = Bench::claimed().send(request("PUT", "/api/v1/pairing")).await;
    let allow = answer.headers["allow"].to_str().unwrap();
    assert!(["GET", "POST", "DELETE"].iter().all(|method| allow.contains(method)), "{allow}");
}

#[tokio::test]
async fn settings_that_cannot_be_are_listed_and_none_is_stored() {
    let bench = Bench::claimed();
    let change =
        json!({ "changes": { "network.mdns": 7, "pairing.policy": "open", "no.key": 1, "network.name": "den" } });
    let mut request = post("/api/v1/settings", &change);
    *request.method_mut() = axum::http::Method::PATCH;
    let answer = bench.send(from(request, with_certificate(ADMIN_DEVICE))).await;
    assert_eq!(answer.code(), "invalid");
    let problems = answer.json()["problems"].clone();
    let keys: Vec<_> = problems.as_array().unwrap().iter().map(|problem| problem["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["network.mdns", "no.key", "pairing.policy"]);
    let settings = bench.send(from(get("/api/v1/settings"), with_certificate(ADMIN_DEVICE))).await.json();
    assert_eq!(settings["restart_needed"], false);
}

#[tokio::test]
async fn health_is_503_when_devices_cannot_stream_and_200_when_something_is_missing() {
    use punktfunk_api::model::HealthState;
    let bench = Bench::claimed();
    for (state, status) in [(HealthState::Ok, 200), (HealthState::Degraded, 200), (HealthState::Failed, 503)] {
        bench.host.fall_into(state);
        for path in ["/health", "/api/v1/health"] {
            let answer = bench.send(get(path)).await;
            assert_eq!(answer.status, status);
            assert!(!answer.json()["faults"][0]["remedy"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn figures_are_openmetrics_text_to_the_end() {
    let answer = Bench::claimed().send(from(get("/metrics"), with_certificate(ADMIN_DEVICE))).await;
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("punktfunk_session_frames_sent_total{session=\"1\"} 7210\n"), "{text}");
    assert!(text.contains("punktfunk_health{punktfunk_health=\"ok\"} 1\n"), "{text}");
    assert!(!text.contains("Living room"), "{text}");
    let families: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(families.iter().any(|family| line.starts_with(family)), "{line}");
        assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test]
async fn a_page_that_reads_only_gets_the_head_of_an_answer_too() {
    let bench = Bench::claimed();
    let head = bench.send(request("HEAD", "/health")).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let odd = bench.send(with(get("/health"), "x-http-method-override", "DELETE")).await;
    assert_eq!(odd.status, 200);
}
