//! Every lane's credentials on every route.

use punktfunk_proto::units::Fingerprint;

use super::routes;
use crate::common::{
    bench::{Answer, Bench, HOUSE, from, in_login, on_the_machine, with, with_certificate},
    fake::{ADMIN_DEVICE, DECLARED, FakeHost, PAIRED},
};

const UNKNOWN: Fingerprint = Fingerprint::from_bytes([0x77; 32]);

fn bearer() -> String {
    format!("Bearer {}", FakeHost::TOKEN)
}

/// The answer let somebody through: it is a success, or only about what they asked for.
fn assert_let_through(route: &routes::Route, answer: &Answer) {
    if answer.status == 409 && route.is_about_a_login() {
        return assert_eq!(answer.code(), "refused", "{route:?}");
    }
    // The code that is sent is made up, and the host is claimed.
    if route.operation == "claim" {
        return assert_eq!(answer.code(), "claimed", "{route:?}");
    }
    assert!(answer.status.is_success(), "{route:?}: {answer:?}");
}

fn assert_refused(route: &routes::Route, answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code.to_owned()), "{route:?}");
}

#[tokio::test]
async fn a_stranger_gets_open_routes_and_401_for_the_rest() {
    for route in routes::all() {
        for peer in [HOUSE, with_certificate(UNKNOWN), on_the_machine()] {
            let bench = Bench::claimed();
            let answer = bench.send(from(route.request(), peer)).await;
            if route.is_open() {
                assert_let_through(&route, &answer);
            } else {
                assert_refused(&route, &answer, 401, "not_authenticated");
                assert_eq!(answer.headers["www-authenticate"], "Bearer");
                assert_eq!(bench.host.origins(), [], "{route:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_paired_certificate_gets_device_routes_and_403_for_every_route_of_administrators() {
    for route in routes::all() {
        for device in [PAIRED, DECLARED] {
            let bench = Bench::claimed();
            let answer = bench.send(from(route.request(), with_certificate(device))).await;
            if route.is_open() || route.is_for_devices() {
                assert_let_through(&route, &answer);
            } else {
                assert_refused(&route, &answer, 403, "administrators_only");
                assert_eq!(bench.host.origins(), [], "{route:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_with_the_admin_grant_a_token_and_a_fresh_login_get_everything() {
    for route in routes::all() {
        let bench = Bench::claimed();
        let answer = bench.send(from(route.request(), with_certificate(ADMIN_DEVICE))).await;
        assert_let_through(&route, &answer);

        let bench = Bench::claimed();
        let answer = bench.send(with(from(route.request(), on_the_machine()), "authorization", &bearer())).await;
        assert_let_through(&route, &answer);

        let bench = Bench::claimed();
        let login = bench.log_in().await;
        assert_let_through(&route, &bench.send(in_login(route.request(), &login)).await);
    }
}

#[tokio::test]
async fn a_login_of_an_hour_ago_needs_the_password_again_for_what_is_sensitive_and_for_nothing_else() {
    for route in routes::all() {
        let bench = Bench::claimed();
        let login = bench.stale_login().await;
        let answer = bench.send(in_login(route.request(), &login)).await;
        if route.lane == "admin!" {
            assert_refused(&route, &answer, 403, "password_needed");
            assert_eq!(bench.host.origins(), [], "{route:?}");
        } else {
            assert_let_through(&route, &answer);
        }
    }
}

#[tokio::test]
async fn an_authorization_header_that_is_empty_blank_doubled_or_wrong_is_401_even_beside_a_paired_certificate() {
    let good = bearer();
    let padded = format!("Bearer  {}", FakeHost::TOKEN);
    let lists: [&[&str]; 11] = [
        &[""],
        &[" "],
        &["Bearer"],
        &["Bearer "],
        &["Bearer \t"],
        &["Bearer wrong"],
        &[&padded],
        &["Basic ZmFrZS10b2tlbg=="],
        &[FakeHost::TOKEN],
        &[&good, &good],
        &[&good, "Bearer wrong"],
    ];
    for route in routes::all().iter().filter(|route| !route.is_open()) {
        for list in lists {
            let bench = Bench::claimed();
            let peer = punktfunk_api::Peer { certificate: Some(ADMIN_DEVICE), ..on_the_machine() };
            let request =
                list.iter().fold(from(route.request(), peer), |request, value| with(request, "authorization", value));
            let answer = bench.send(request).await;
            assert_refused(route, &answer, 401, "not_authenticated");
            assert_eq!(bench.host.origins(), [], "{route:?} {list:?}");
        }
    }
}

#[tokio::test]
async fn the_token_counts_from_this_machine_only_whatever_a_header_says_of_the_source() {
    let forged = ["x-forwarded-for", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"];
    for route in routes::all().iter().filter(|route| !route.is_open()) {
        let bench = Bench::claimed();
        let request = with(from(route.request(), HOUSE), "authorization", &bearer());
        let mut request = with(request, "forwarded", "for=127.0.0.1;host=localhost");
        for name in forged {
            request = with(request, name, "127.0.0.1");
        }
        assert_refused(route, &bench.send(request).await, 401, "not_authenticated");
    }
}

#[tokio::test]
async fn a_made_up_an_ended_and_a_doubled_login_are_401() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    let doubled = format!("{login}; {login}");
    let made_up = format!("__Host-punktfunk={}", "0".repeat(64));
    let shorter = &login[..login.len() - 1];
    let logins = ["__Host-punktfunk=", "__Host-punktfunk", &made_up, &doubled, shorter];
    for route in routes::all().iter().filter(|route| !route.is_open()) {
        for login in logins {
            assert_refused(route, &bench.send(in_login(route.request(), login)).await, 401, "not_authenticated");
        }
    }
    let logout = crate::common::bench::request("DELETE", "/api/v1/login");
    assert_eq!(bench.send(in_login(logout, &login)).await.status, 204);
    for route in routes::all().iter().filter(|route| !route.is_open()) {
        assert_refused(route, &bench.send(in_login(route.request(), &login)).await, 401, "not_authenticated");
    }
}

#[tokio::test]
async fn an_unclaimed_host_answers_nothing_but_health_claim_and_the_consoles_files() {
    for route in routes::all() {
        for peer in [HOUSE, on_the_machine(), with_certificate(PAIRED), with_certificate(ADMIN_DEVICE)] {
            let bench = Bench::unclaimed();
            let mut request = from(route.request(), peer);
            if peer == on_the_machine() {
                request = with(request, "authorization", &bearer());
            }
            let answer = bench.send(request).await;
            match route.operation.as_str() {
                "health" | "health_short" => assert_eq!(answer.status, 200),
                "claim" => assert_refused(&route, &answer, 401, "wrong"),
                _ => assert_refused(&route, &answer, 403, "unclaimed"),
            }
            assert_eq!(bench.host.origins(), [], "{route:?}");
        }
    }
    let answer = Bench::unclaimed().send(crate::common::bench::get("/devices")).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "the console"));
}

/// The table's type has no route without a lane; this holds that nothing is routed past the table.
#[test]
fn every_route_is_made_by_the_table_and_has_a_lane() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![sources.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path != sources.join("table.rs") && !path.starts_with(sources.join("server")) {
                let text = std::fs::read_to_string(&path).unwrap();
                let past = [".route(", ".route_service(", ".nest(", ".nest_service(", ".merge("];
                assert!(!past.iter().any(|call| text.contains(call)), "{} routes past the table", path.display());
            }
        }
    }
    let routes = routes::all();
    assert!(routes.len() >= 48, "{}", routes.len());
    assert!(routes.iter().all(|route| ["open", "device", "admin", "admin!"].contains(&route.lane.as_str())));
    let open: Vec<_> = routes.iter().filter(|route| route.is_open()).map(|route| route.operation.as_str()).collect();
    assert_eq!(open, ["claim", "health", "log_in", "health_short"]);
}

#[tokio::test]
async fn the_audit_log_hears_who_changed_something_and_from_where() {
    let bench = Bench::claimed();
    let login = bench.log_in().await;
    let arm = || routes::all().into_iter().find(|route| route.operation == "arm_pairing").unwrap().request();
    bench.send(in_login(arm(), &login)).await;
    bench.send(with(from(arm(), on_the_machine()), "authorization", &bearer())).await;
    bench.send(from(arm(), with_certificate(ADMIN_DEVICE))).await;
    let origins: Vec<_> = bench.host.origins().iter().map(|by| serde_json::to_value(by).unwrap()).collect();
    let kinds: Vec<_> = origins.iter().map(|by| by["actor"]["kind"].as_str().unwrap()).collect();
    let sources: Vec<_> = origins.iter().map(|by| by["source"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["console", "token", "device"]);
    assert_eq!(sources, ["192.168.1.9", "127.0.0.1", "192.168.1.9"]);
    let token = login.split_once('=').unwrap().1;
    assert!(!serde_json::to_string(&origins).unwrap().contains(token));
}
