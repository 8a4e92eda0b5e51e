//! What leaves the host in logs and reports holds nothing secret.

use serde_json::json;

use crate::common::{
    bench::{Bench, from, get, in_login, post, with, with_certificate},
    fake::{ADMIN_DEVICE, FakeHost, PAIRED},
};

/// Lines that a careless program could have written.
fn careless(login: &str) -> Vec<String> {
    vec![
        "pairing armed, PIN: 4711".into(),
        format!("request with Authorization: Bearer {}", FakeHost::TOKEN),
        format!("Cookie: theme=dark; {login}"),
        format!("{login} was refused"),
        format!(r#"body {{"password":"{}","code":"x"}}"#, FakeHost::PASSWORD),
        "webhook_secret=whsec_123456 loaded".into(),
        "follow punktfunk://pair?token=linktoken77".into(),
        "passphrase: 'open sesame twelve'".into(),
        "claim code: ABCD-EFGH is shown".into(),
        "api_token = Some(\"tok_abcdef\")".into(),
    ]
}

#[tokio::test]
async fn logs_events_and_reports_hold_no_pin_token_password_cookie_or_webhook_secret() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    let mut events = bench.open(in_login(get("/api/v1/events?logs=true"), &login)).await.into_body();
    for line in careless(&login) {
        bench.host.log(&line);
    }
    let mut texts = vec![super::events::read_until(&mut events, "api_token").await.unwrap()];
    for path in ["/api/v1/report", "/api/v1/logs", "/metrics", "/api/v1/overview", "/api/v1/settings"] {
        texts.push(bench.send(in_login(get(path), &login)).await.text());
    }
    let cookie = login.split_once('=').unwrap().1;
    let secrets = [
        "4711",
        FakeHost::TOKEN,
        FakeHost::PASSWORD,
        cookie,
        "whsec_123456",
        "linktoken77",
        "open sesame",
        "ABCD-EFGH",
        "tok_abcdef",
    ];
    for text in &texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert!(texts.iter().any(|text| text.contains("webhook_secret=[redacted] loaded")), "{texts:?}");
}

#[tokio::test]
async fn a_report_names_no_device_and_no_fingerprint_of_one() {
    let bench = Bench::claimed();
    bench.host.log(&format!("Living room ({}) connected", PAIRED.short()));
    bench.host.log(&format!("{PAIRED} has a new name"));
    let answer = bench.send(from(get("/api/v1/report"), with_certificate(ADMIN_DEVICE))).await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let report = answer.text();
    for private in ["Living room", "Tablet", "Laptop", &PAIRED.short(), "couch"] {
        assert!(!report.contains(private), "{private} in {report}");
    }
    assert!(report.contains("[device 1]") && report.contains("the host is ready"), "{report}");
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_not_repeated_in_the_answer() {
    let bench = Bench::claimed();
    let body = json!({ "password": FakeHost::PASSWORD, "hunter2hunter2": "x" });
    let answer = bench.send(post("/api/v1/login", &body)).await;
    assert_eq!(answer.code(), "invalid");
    assert!(!answer.text().contains("hunter2") && !answer.text().contains(FakeHost::PASSWORD), "{}", answer.text());
    let odd = with(get("/api/v1/devices"), "authorization", "Bearer s3cr3t-token");
    assert!(!bench.send(odd).await.text().contains("s3cr3t"));
}
