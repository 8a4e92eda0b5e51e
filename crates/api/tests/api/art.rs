//! Pictures of the library, and what is asked for in their place. Nothing is ever fetched.

use std::{collections::BTreeSet, fs, os::unix::fs::symlink, process::Command};

use serde_json::Value;

use crate::common::{
    bench::{Bench, from, get, with_certificate},
    fake::PAIRED,
};

#[tokio::test]
async fn only_pictures_that_lie_in_the_librarys_folder_are_shown() {
    let bench = Bench::claimed();
    let secret = bench.art.path().parent().unwrap().join("punktfunk-art-test-key.png");
    fs::write(bench.art.path().join("key.png"), "-----BEGIN PRIVATE KEY-----").unwrap();
    fs::write(bench.art.path().join("token.jpg"), "fake-token").unwrap();
    symlink("/etc/passwd", bench.art.path().join("link.png")).unwrap();
    symlink(&secret, bench.art.path().join("dangling.png")).unwrap();
    symlink("..", bench.art.path().join("up")).unwrap();
    let names = [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2fkey.png",
        "..",
        "%2fetc%2fpasswd",
        "%2f%2fserver%2fshare",
        "up%2fx.png",
        "key.png",
        "token.jpg",
        "link.png",
        "dangling.png",
        "cover.png%00",
        "cover.png%2f",
        "C:%5ckey.png",
        ".",
        "%20",
        "cover.PNG",
        "file:%2f%2f%2fetc%2fpasswd",
        "http:%2f%2f127.0.0.1%2fx.png",
    ];
    for name in names {
        let path = format!("/api/v1/library/art/{name}");
        let answer = bench.send(from(get(&path), with_certificate(PAIRED))).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "{name}");
        assert!(!answer.text().contains("root:") && !answer.text().contains("PRIVATE"), "{name}");
    }
    for path in ["/api/v1/library/art/../../../etc/passwd", "/api/v1/library/art//server/share", "/api/v1/library/art/"]
    {
        assert_eq!(bench.send(from(get(path), with_certificate(PAIRED))).await.code(), "not_found", "{path}");
    }
    let cover = bench.send(from(get("/api/v1/library/art/cover.png"), with_certificate(PAIRED))).await;
    assert_eq!((cover.status.as_u16(), &cover.headers["content-type"]), (200, &"image/png".parse().unwrap()));
}

/// Case 39: there is nobody to be sent to an address of the machine or the house.
#[test]
fn nothing_that_the_api_is_asked_for_is_ever_fetched() {
    let clients = ["reqwest", "ureq", "curl", "isahc", "surf", "attohttpc", "hyper-rustls", "minreq", "hyper-tls"];
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "-p",
            "punktfunk-api",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--offline",
            "--locked",
            "-f",
            "{p} {f}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("axum v"), "{tree}");
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        assert!(!clients.contains(&name), "{line}");
        let features = line.rsplit(' ').next().unwrap_or_default();
        assert!(
            name != "hyper" && name != "hyper-util" || !features.split(',').any(|f| f.starts_with("client")),
            "{line}"
        );
    }
    let document = serde_json::to_value(punktfunk_api::openapi()).unwrap();
    let mut fields = BTreeSet::new();
    fields_of(&document, &mut fields);
    assert!(fields.contains("password"), "{fields:?}");
    for field in fields {
        let words: Vec<_> = field.split(['_', '-']).collect();
        let about_addresses = ["url", "uri", "webhook", "href", "callback", "endpoint"];
        assert!(!about_addresses.iter().any(|word| words.contains(word)), "{field}");
    }
    assert!(!document.to_string().contains(r#""format":"uri"#));
}

/// Names of the properties and parameters of a schema.
fn fields_of(schema: &Value, fields: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                fields.extend(properties.keys().cloned());
            }
            if let (Some(Value::String(name)), true) = (object.get("name"), object.contains_key("in")) {
                fields.insert(name.clone());
            }
            object.values().for_each(|value| fields_of(value, fields));
        }
        Value::Array(array) => array.iter().for_each(|value| fields_of(value, fields)),
        _ => {}
    }
}
