//! Endpoints on the loopback interface.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod raw;

use std::{net::SocketAddr, time::Duration};

use punktfunk_transport::{Client, ConnectError, Link, Server, ServerOptions, TlsIdentity};

/// Longer than anything here takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A fresh certificate with its key.
pub(crate) fn identity() -> TlsIdentity {
    identity_with(rcgen::CertificateParams::new(["punktfunk".to_owned()]).unwrap())
}

/// A P-256 certificate with these contents.
pub(crate) fn identity_with(contents: rcgen::CertificateParams) -> TlsIdentity {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = contents.self_signed(&key).unwrap();
    TlsIdentity::new(certificate.der().to_vec(), key.serialize_der())
}

pub(crate) fn server(identity: &TlsIdentity) -> (Server, SocketAddr) {
    server_with(identity, ServerOptions::default())
}

pub(crate) fn server_with(identity: &TlsIdentity, options: ServerOptions) -> (Server, SocketAddr) {
    let server = Server::bind(loopback(), identity, options).unwrap();
    let addr = server.local_addr().unwrap();
    (server, addr)
}

pub(crate) async fn connect(addr: SocketAddr, identity: Option<&TlsIdentity>) -> Result<Link, ConnectError> {
    Client::connect(addr, identity, None, PATIENCE).await
}

pub(crate) async fn accept(server: &Server) -> Link {
    tokio::time::timeout(PATIENCE, server.accept())
        .await
        .expect("a link within the patience")
        .expect("a listening host")
}

/// A host and a client that is connected to it: the server, the host's link, the client's link.
pub(crate) async fn pair() -> (Server, Link, Link) {
    let (server, addr) = server(&identity());
    let client = identity();
    let (host_link, client_link) = tokio::join!(accept(&server), connect(addr, Some(&client)));
    (server, host_link, client_link.unwrap())
}
