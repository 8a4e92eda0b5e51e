//! Which machine a request was meant for. A name that is not ours is how a stranger's page reaches this machine from
//! a browser in the house (DNS rebinding).

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::{extract::Request, http::header};

use crate::{
    options::ApiOptions,
    problem::{Problem, ProblemCode},
};

/// The Host header, with its port as it was sent, if it names this machine.
///
/// # Errors
/// There is none, there are several, or it names another machine.
pub(super) fn check(request: &Request, options: &ApiOptions) -> Result<String, Problem> {
    let mut values = request.headers().get_all(header::HOST).iter();
    let first = values.next().and_then(|value| value.to_str().ok());
    let host = first.filter(|_| values.next().is_none()).ok_or_else(unknown)?;
    // A request line with a whole address names the machine once more.
    let authority = request.uri().authority();
    if authority.is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) || !is_ours(host, options) {
        return Err(unknown());
    }
    Ok(host.to_owned())
}

/// Addresses cannot be rebound, so any of them will do, whichever of this machine's it is seen under.
fn is_ours(host: &str, options: &ApiOptions) -> bool {
    let Some(name) = without_port(host) else { return false };
    if let Some(literal) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return literal.parse::<Ipv6Addr>().is_ok();
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let known = || options.names.iter().any(|known| known.eq_ignore_ascii_case(name));
    name.parse::<Ipv4Addr>().is_ok() || name.eq_ignore_ascii_case("localhost") || known()
}

/// Any port will do: one that is forwarded to ours has another number.
fn without_port(host: &str) -> Option<&str> {
    let colon = match host.rfind(']') {
        Some(bracket) if bracket + 1 == host.len() => None,
        Some(bracket) => Some(bracket + 1),
        None => host.find(':'),
    };
    let Some(colon) = colon else { return Some(host) };
    let port = host[colon..].strip_prefix(':')?;
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_port.then(|| &host[..colon])
}

fn unknown() -> Problem {
    let detail = "this address names another machine: use the name or the address of this host, or add the name to \
                  console.names";
    Problem::new(ProblemCode::UnknownHostName, detail)
}

#[cfg(test)]
mod tests {
    use super::is_ours;
    use crate::options::ApiOptions;

    #[test]
    fn addresses_and_own_names_are_ours_with_any_port() {
        let options = ApiOptions { names: vec!["Couch".into(), "couch.local".into()], ..ApiOptions::default() };
        let ours = ["localhost", "LOCALHOST:47990", "127.0.0.1", "192.168.1.5:47990", "[::1]", "[fe80::1]:47990"];
        for host in ours.into_iter().chain(["couch", "COUCH.local.:8443", "couch:1"]) {
            assert!(is_ours(host, &options), "{host}");
        }
        let odd =
            ["", ":", ":80", "couch:", "couch:x", "couch:99999", "couch:80:80", "[::1", "[couch]", "::1", "[::1]x"];
        let others = ["evil.example", "couch.evil.example", "127.0.0.1.evil.example", "localhost.evil", "0x7f.1", "1"];
        for host in odd.into_iter().chain(others).chain(["user@couch", "couch..", "couch/", "127.1"]) {
            assert!(!is_ours(host, &options), "{host}");
        }
    }
}
