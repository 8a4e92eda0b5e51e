//! Requests and responses as text.

use std::fmt;

/// The longest request that is read, in bytes; the longest seen is 1.7 KiB.
pub const MAX_REQUEST: usize = 16 * 1024;
/// Header lines of a request.
const MAX_HEADERS: usize = 32;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Whether anybody is there.
    Options,
    /// What the host can do.
    Describe,
    /// The port of one stream.
    Setup,
    /// What the client wants.
    Announce,
    /// Go.
    Play,
    /// One that no client sends here.
    Other,
}

/// One request. Borrows the text it was read from.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What is asked for.
    pub method: Method,
    /// Of what: a URL, or `streamid=audio/0/0`.
    pub target: &'a str,
    /// The number to repeat in the response.
    pub cseq: u32,
    headers: Vec<(&'a str, &'a str)>,
    /// What follows the headers.
    pub body: &'a str,
}

/// Why bytes are no request. The client's fault, or no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not UTF-8.
    #[error("the request is not text")]
    NotText,
    /// The first line is not `METHOD TARGET RTSP/1.0`.
    #[error("the request's first line is none")]
    FirstLine,
    /// A header without colon, or too many of them, or no blank line.
    #[error("the request's headers are damaged")]
    Headers,
    /// No `CSeq`, or one that is no number.
    #[error("the request has no number")]
    Number,
    /// The body is shorter than announced.
    #[error("the request's body is cut off")]
    Body,
}

impl<'a> Request<'a> {
    /// Reads a whole request.
    ///
    /// # Errors
    /// [`RequestError`]; nothing of it may be acted on.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(bytes).map_err(|_| RequestError::NotText)?;
        let (head, body) = text.split_once(END_OF_HEAD).ok_or(RequestError::Headers)?;
        let mut lines = head.split("\r\n");
        let (method, target) = first_line(lines.next().unwrap_or_default()).ok_or(RequestError::FirstLine)?;
        let headers = lines.map(header).collect::<Option<Vec<_>>>().ok_or(RequestError::Headers)?;
        if headers.len() > MAX_HEADERS {
            return Err(RequestError::Headers);
        }
        let mut request = Self { method, target, cseq: 0, headers, body };
        request.cseq = request.header("CSeq").and_then(|number| number.parse().ok()).ok_or(RequestError::Number)?;
        if let Some(length) = request.header("Content-length") {
            let length: usize = length.parse().map_err(|_| RequestError::Body)?;
            request.body = body.get(..length).ok_or(RequestError::Body)?;
        }
        Ok(request)
    }

    /// The value of a header; names are compared without case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn first_line(line: &str) -> Option<(Method, &str)> {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if version != "RTSP/1.0" || words.next().is_some() {
        return None;
    }
    let method = match method {
        "OPTIONS" => Method::Options,
        "DESCRIBE" => Method::Describe,
        "SETUP" => Method::Setup,
        "ANNOUNCE" => Method::Announce,
        "PLAY" => Method::Play,
        _ => Method::Other,
    };
    Some((method, target))
}

fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name, value.trim()))
}

const END_OF_HEAD: &str = "\r\n\r\n";

/// One response. The client reads it until the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    code: Status,
    cseq: u32,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What became of a request. Any but [`Status::Ok`] ends the client's attempt; it shows the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok,
    /// The client asked for what cannot be: 400.
    BadRequest,
    /// The client asked for what it may not, or left out encryption: 403.
    Forbidden,
    /// No such stream or method: 404.
    NotFound,
    /// A display or an encoder could not be had: 500.
    Failed,
    /// Every place for a session is taken: 503.
    Busy,
}

impl Status {
    fn parts(self) -> (u16, &'static str) {
        match self {
            Self::Ok => (200, "OK"),
            Self::BadRequest => (400, "Bad Request"),
            Self::Forbidden => (403, "Forbidden"),
            Self::NotFound => (404, "Not Found"),
            Self::Failed => (500, "Internal Server Error"),
            Self::Busy => (503, "Service Unavailable"),
        }
    }
}

impl Response {
    /// A response to the request of this number, without headers of its own.
    pub fn new(code: Status, cseq: u32) -> Self {
        Self { code, cseq, headers: Vec::new(), body: String::new() }
    }

    /// With one header more. `value` must not be empty nor hold a line break: clients would misread what follows.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn with_body(mut self, body: String) -> Self {
        self.body = body;
        self
    }

    /// What became of the request.
    pub fn status(&self) -> Status {
        self.code
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, words) = self.code.parts();
        write!(f, "RTSP/1.0 {code} {words}\r\nCSeq: {}\r\n", self.cseq)?;
        self.headers.iter().try_for_each(|(name, value)| write!(f, "{name}: {value}\r\n"))?;
        f.write_str("\r\n")?;
        f.write_str(&self.body)
    }
}
