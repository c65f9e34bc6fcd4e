//! The head of a message, as it came and as it is passed on.

use std::io;

use super::framing::{Chunked, Framing};

/// How long a head may be, in bytes.
pub(super) const LONGEST: usize = 256 << 10;
const MOST_HEADERS: usize = 256;

/// A head: its first line and its headers, with their spelling and order.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) first: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

/// The head of a request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) head: Head,
    pub(super) method: String,
    pub(super) target: String,
}

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) status: u16,
}

impl Head {
    fn new(bytes: &[u8], headers: &[httparse::Header<'_>]) -> Self {
        let first = bytes
            .split(|byte| *byte == b'\n')
            .find(|line| !line.trim_ascii().is_empty());
        Self {
            first: first.unwrap_or_default().trim_ascii().to_vec(),
            headers: headers
                .iter()
                .map(|header| (header.name.to_owned(), header.value.to_vec()))
                .collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(&found.1).ok()
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into_bytes()));
    }

    pub(super) fn has(&self, name: &str, word: &str) -> bool {
        let values = self.get(name).unwrap_or_default();
        values
            .split(',')
            .any(|value| value.trim().eq_ignore_ascii_case(word))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.first.clone();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes
    }

    /// How the body is framed, if the message itself tells.
    fn framing(&self) -> io::Result<Option<Framing>> {
        if self.has("transfer-encoding", "chunked") {
            return Ok(Some(Framing::Chunked(Chunked::Size)));
        }
        match self.get("content-length") {
            None => Ok(None),
            Some(text) => match text.trim().parse() {
                Ok(length) => Ok(Some(Framing::Length(length))),
                Err(cause) => Err(io::Error::new(io::ErrorKind::InvalidData, cause)),
            },
        }
    }
}

impl Request {
    /// Reads the head of a request; `None` if more has to come. The number is its length.
    pub(super) fn parse(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = request.parse(bytes).map_err(invalid)? else {
            return Ok(None);
        };
        let method = request.method.unwrap_or_default().to_owned();
        let target = request.path.unwrap_or_default().to_owned();
        let head = Head::new(bytes, request.headers);
        let request = Self {
            head,
            method,
            target,
        };
        Ok(Some((request, length)))
    }

    pub(super) fn framing(&self) -> io::Result<Framing> {
        Ok(self.head.framing()?.unwrap_or(Framing::EMPTY))
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Whether the client waits for leave before it sends the body.
    pub(super) fn waits(&self) -> bool {
        self.head.has("expect", "100-continue")
    }
}

impl Answer {
    /// Reads the head of an answer; `None` if more has to come. The number is its length.
    pub(super) fn parse(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = answer.parse(bytes).map_err(invalid)? else {
            return Ok(None);
        };
        let status = answer.code.unwrap_or_default();
        let head = Head::new(bytes, answer.headers);
        Ok(Some((Self { head, status }, length)))
    }

    pub(super) fn framing(&self, request: &Request) -> io::Result<Framing> {
        if request.is_head() || matches!(self.status, 204 | 304) {
            return Ok(Framing::EMPTY);
        }
        Ok(self.head.framing()?.unwrap_or(Framing::UntilClosed))
    }

    /// Whether another answer to the same request follows.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

fn invalid(cause: httparse::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}
