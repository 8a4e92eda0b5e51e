//! The routes as the document lists them, each with a request that succeeds.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::common::{
    bench::{request, with, with_json},
    fake::{FakeHost, PAIRED},
};

/// A route of the document.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) lane: String,
    pub(crate) operation: String,
}

/// Every route. The document is made from the table that the router is made from.
pub(crate) fn all() -> Vec<Route> {
    let document = serde_json::to_value(punktfunk_api::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let text =
                |key: &str| operation[key].as_str().unwrap_or_else(|| panic!("{method} {path}: {key}")).to_owned();
            let (lane, operation) = (text("x-lane"), text("operationId"));
            routes.push(Route { method: method.to_uppercase(), path: path.clone(), lane, operation });
        }
    }
    routes
}

impl Route {
    /// A request that succeeds for who may make it.
    pub(crate) fn request(&self) -> Request<Body> {
        let mut path = self.path.replace("{fingerprint}", &PAIRED.to_string()).replace("{file}", "cover.png");
        path = path.replace("{id}", "1");
        if self.operation == "bring_update_file" {
            path = path.replace("{name}", "SHA256SUMS?offset=0&last=true");
            return with(request(&self.method, &path), "content-type", "application/octet-stream");
        }
        let request = request(&self.method, &path);
        match self.body() {
            Some(body) => with_json(request, &body),
            None => request,
        }
    }

    fn body(&self) -> Option<Value> {
        let password = json!({ "password": FakeHost::PASSWORD });
        Some(match self.operation.as_str() {
            "claim" => json!({ "code": "AAAA-AAAA", "password": FakeHost::PASSWORD }),
            "log_in" | "confirm_login" | "change_password" => password,
            "send_client_logs" => json!({ "text": "the decoder stalled" }),
            "arm_pairing" | "approve_pending" => json!({}),
            "type_moonlight_pin" => json!({ "pin": "1234" }),
            "change_device" => json!({ "name": "Den" }),
            "change_settings" => json!({ "changes": { "network.mdns": false } }),
            "back_up" => json!({ "passphrase": "a long passphrase" }),
            "check_update" => json!({ "from": "source" }),
            "stage_update" => json!({ "version": "2" }),
            "restore" => json!({ "file": "QUdF", "passphrase": "a long passphrase" }),
            _ => return None,
        })
    }

    /// Whether it is about a login and refuses those who need none.
    pub(crate) fn is_about_a_login(&self) -> bool {
        ["confirm_login", "change_password"].contains(&self.operation.as_str())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lane == "open"
    }

    pub(crate) fn is_for_devices(&self) -> bool {
        self.lane == "device"
    }
}
