//! Copies on the server.

use std::time::Duration;

use tokio::time::sleep;

use crate::connector::kit::HttpRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Bucket as _, Guard, Object};

use super::container::{Container, guarded};
use super::model::lacks;

/// How long between two looks at a copy that takes its time.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a copy is looked at before the caller is told that it goes on.
const LOOKS: u32 = 60;

impl Container {
    /// Copies a blob; within a storage account that is done when the call is answered, or soon after.
    pub(super) async fn copy_blob(
        &self,
        from: &str,
        source: &Object,
        to: &str,
        guard: &Guard,
    ) -> Result<Object> {
        let mut call =
            guarded(HttpRequest::put(self.at(to)), guard).header("x-ms-copy-source", self.at(from));
        if let Some(etag) = &source.version.revision {
            call = call.header("x-ms-source-if-match", format!("\"{etag}\""));
        }
        let answer = self.api.call("azure.copy", call).await?;
        let status = answer.header("x-ms-copy-status").unwrap_or("success");
        let etag = answer.header("etag").ok_or_else(|| lacks("ETag"))?;
        if status != "success" {
            return self.copied(to).await;
        }
        self.written(to, etag, source.version.size).await
    }

    /// Waits for the end of a copy.
    async fn copied(&self, key: &str) -> Result<Object> {
        for _ in 0..LOOKS {
            sleep(PAUSE).await;
            let call = HttpRequest::new("HEAD", self.at(key));
            let answer = self.api.call("azure.look", call).await?;
            match answer.header("x-ms-copy-status") {
                Some("pending") => {}
                Some("success") | None => {
                    let copy = self.look(key).await?;
                    return copy.ok_or_else(|| failed(ErrorKind::Unavailable, "gone"));
                }
                Some(other) => return Err(failed(ErrorKind::Unavailable, other)),
            }
        }
        Err(failed(ErrorKind::Timeout, "pending"))
    }
}

fn failed(kind: ErrorKind, status: &str) -> Error {
    let message = "the platform has not finished the copy";
    Error::new(kind, "azure.copy", message).with_context("status", status)
}
