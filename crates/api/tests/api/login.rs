//! The claim, logins and the password.

use std::{collections::HashSet, time::Duration};

use serde_json::json;

use crate::common::{
    bench::{Bench, HOUSE, from, get, in_login, post, request, with_json},
    fake::FakeHost,
};

fn log_in(password: &str) -> axum::http::Request<axum::body::Body> {
    post("/api/v1/login", &json!({ "password": password }))
}

#[tokio::test]
async fn a_login_is_a_cookie_that_scripts_and_other_sites_never_see() {
    let bench = Bench::claimed();
    let answer = bench.send(log_in(FakeHost::PASSWORD)).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let mut parts: Vec<_> = cookie.split("; ").collect();
    let value = parts.remove(0).strip_prefix("__Host-punktfunk=").unwrap();
    assert!(value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "{cookie}");
    assert_eq!(
        parts.into_iter().collect::<HashSet<_>>(),
        HashSet::from(["Path=/", "Secure", "HttpOnly", "SameSite=Strict"])
    );
    assert!(!answer.text().contains(value));
}

#[tokio::test]
async fn of_two_who_race_for_an_unclaimed_host_only_the_holder_of_the_code_wins() {
    let bench = Bench::unclaimed();
    let code = bench.host.owner().claim_code().unwrap();
    let claim = |code: &str, last: u8| {
        let peer = punktfunk_api::Peer { source: ([192, 168, 1, last], 1).into(), ..HOUSE };
        from(post("/api/v1/claim", &json!({ "code": code, "password": "a password of mine" })), peer)
    };
    let (stranger, owner) = tokio::join!(bench.send(claim("0000-0000", 66)), bench.send(claim(&code, 9)));
    assert_eq!(stranger.status, if stranger.code() == "claimed" { 409 } else { 401 });
    assert_eq!(owner.status, 200, "{owner:?}");
    assert_eq!(bench.send(in_login(get("/api/v1/devices"), &owner.login())).await.status, 200);
    assert_eq!(bench.send(claim(&code, 66)).await.code(), "claimed");
    assert_eq!(bench.host.owner().claim_code(), None);
}

#[tokio::test]
async fn a_claim_with_a_weak_password_says_so_before_the_code_is_looked_at() {
    let bench = Bench::unclaimed();
    let code = bench.host.owner().claim_code().unwrap();
    let claim = |code: &str| post("/api/v1/claim", &json!({ "code": code, "password": "short" }));
    let (right, wrong) = (bench.send(claim(&code)).await, bench.send(claim("0000-0000")).await);
    assert_eq!((right.code().as_str(), right.body), ("invalid", wrong.body));
}

#[tokio::test]
async fn wrong_passwords_read_the_same_whatever_is_wrong_with_them() {
    let mut bodies = HashSet::new();
    for password in ["", "x", "wrong but long enough", &"x".repeat(300), "correct horsf"] {
        let answer = Bench::claimed().send(log_in(password)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "wrong"));
        assert!(!answer.headers.contains_key("set-cookie"));
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn who_tries_too_often_is_told_when_to_come_back_and_the_owner_is_heard_then() {
    let bench = Bench::claimed();
    assert_eq!(bench.send(log_in("a wrong password")).await.code(), "wrong");
    let refused = bench.send(log_in(FakeHost::PASSWORD)).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "too_many"));
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(refused.json()["retry_after_seconds"], seconds);
    assert!((1..=60).contains(&seconds), "{seconds}");
    bench.host.owner().advance(Duration::from_secs(seconds));
    assert_eq!(bench.send(log_in(FakeHost::PASSWORD)).await.status, 200);
}

#[tokio::test]
async fn a_thousand_logins_at_once_leave_places_for_everybody_else() {
    let bench = std::sync::Arc::new(Bench::claimed());
    let login = bench.log_in().await;
    let flood: Vec<_> = (0..1_000u16)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            let peer = punktfunk_api::Peer { source: ([10, 0, high, low], 1).into(), ..HOUSE };
            let (bench, request) = (bench.clone(), from(log_in("a wrong password"), peer));
            tokio::spawn(async move { bench.send(request).await })
        })
        .collect();
    assert_eq!(bench.send(in_login(get("/api/v1/devices"), &login)).await.status, 200);
    for answer in flood {
        let answer = answer.await.unwrap();
        assert!(["wrong", "too_many", "busy"].contains(&answer.code().as_str()), "{answer:?}");
    }
}

#[tokio::test]
async fn the_password_proven_again_makes_the_login_fresh_under_a_new_cookie_and_the_old_one_is_void() {
    let bench = Bench::claimed();
    let stale = bench.stale_login().await;
    let show = |login: &str| in_login(get("/api/v1/login"), login);
    assert_eq!(bench.send(show(&stale)).await.json(), json!({ "password_fresh": false }));
    let confirm =
        |login: &str, password: &str| in_login(post("/api/v1/login/confirm", &json!({ "password": password })), login);
    let answer = bench.send(confirm(&stale, FakeHost::PASSWORD)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(bench.send(show(&answer.login())).await.json(), json!({ "password_fresh": true }));
    assert_eq!(bench.send(show(&stale)).await.code(), "not_authenticated");
}

#[tokio::test]
async fn a_stolen_login_is_no_way_to_guess_the_password() {
    let bench = Bench::claimed();
    let stolen = bench.stale_login().await;
    let guess = |bench: &Bench, password: &str| {
        let request = in_login(post("/api/v1/login/confirm", &json!({ "password": password })), &stolen);
        bench.host.owner().advance(Duration::from_secs(61));
        request
    };
    for _ in 0..5 {
        assert_eq!(bench.send(guess(&bench, "a wrong password")).await.code(), "wrong");
    }
    assert_eq!(bench.send(guess(&bench, FakeHost::PASSWORD)).await.code(), "not_authenticated");
}

#[tokio::test]
async fn a_new_password_ends_every_other_login() {
    let bench = Bench::claimed();
    let (mine, other) = (bench.log_in().await, bench.log_in().await);
    let change = with_json(request("PUT", "/api/v1/password"), &json!({ "password": "another password" }));
    let answer = bench.send(in_login(change, &mine)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for ended in [&mine, &other] {
        assert_eq!(bench.send(in_login(get("/api/v1/devices"), ended)).await.code(), "not_authenticated");
    }
    assert_eq!(bench.send(in_login(get("/api/v1/devices"), &answer.login())).await.status, 200);
    assert_eq!(bench.send(log_in(FakeHost::PASSWORD)).await.code(), "wrong");
}
