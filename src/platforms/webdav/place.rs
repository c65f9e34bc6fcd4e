//! Putting a file where it belongs, and taking it away.

use crate::connector::kit::HttpRequest;
use crate::connector::{Expect, FileEntry, FilePath, FileVersion};
use crate::error::{Error, ErrorKind, Result};

use super::account::WebDav;
use super::calls::{Dav, Seen, SeenFile};

/// How often something may come in between before it is given up.
const TRIES: u32 = 3;

/// What became of a `MOVE` or `COPY`.
enum Outcome {
    Done,
    /// A condition does not hold.
    Refused,
}

/// A `MOVE` or `COPY` and what must be true for it.
pub(super) struct Shift<'a> {
    pub(super) operation: &'static str,
    pub(super) method: &'static str,
    pub(super) from: String,
    /// The `ETag` that has to be at `from`.
    pub(super) source: Option<&'a str>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Dav {
    /// Makes the call. `over` is the `ETag` of what may be replaced; `None` replaces nothing.
    async fn shift_once(
        &self,
        shift: &Shift<'_>,
        to: &FilePath,
        over: Option<Over<'_>>,
    ) -> Result<Outcome> {
        let destination = self.url(to);
        let mut request = HttpRequest::new(shift.method, shift.from.as_str())
            .header("destination", destination.as_str())
            .header("overwrite", if over.is_some() { "T" } else { "F" });
        let mut condition = String::new();
        if let Some(etag) = shift.source {
            condition.push_str(&format!("<{}> ([{etag}])", shift.from));
        }
        if let Some(Over::Version(etag)) = over {
            if !condition.is_empty() {
                condition.push(' ');
            }
            condition.push_str(&format!("<{destination}> ([{etag}])"));
        }
        if !condition.is_empty() && self.profile.takes_conditions() {
            request = request.header("if", condition);
        }
        for (name, value) in &shift.headers {
            request = request.header(*name, value.as_str());
        }
        let answer = self.act(shift.operation, request, &[412]).await?;
        Ok(if answer.status() == 412 {
            Outcome::Refused
        } else {
            Outcome::Done
        })
    }

    /// As [`shift_once`](Self::shift_once), with the folder of `to` made where it is missing.
    async fn shift(
        &self,
        shift: &Shift<'_>,
        to: &FilePath,
        over: Option<Over<'_>>,
    ) -> Result<Outcome> {
        match self.shift_once(shift, to, over).await {
            // What became of it is not known. Should it have been the folder, for which Apache says 500, it is looked for
            // at the next try.
            Err(error) if error.is_retryable() => {
                self.forget_folder_of(to);
                Err(error)
            }
            // Servers agree on no word for a folder that is not there: 403, 404 and 409 were seen.
            Err(error) if may_lack_folder(&error) && self.ensure_folder_of(to).await? => {
                self.shift_once(shift, to, over).await
            }
            other => other,
        }
    }

    /// Puts a file at `to`, as `expect` allows. Nothing but a file is ever replaced.
    pub(super) async fn place(
        &self,
        shift: &Shift<'_>,
        to: &FilePath,
        expect: &Expect,
        same: &(dyn Fn(&FileVersion, &FileVersion) -> bool + Send + Sync),
    ) -> Result<()> {
        let operation = shift.operation;
        let _turn = self.turn(to).await;
        if let Some(folder) = to.parent() {
            self.ensure_folder(&FilePath::parse(folder.to_owned())?)
                .await?;
        }
        if !matches!(expect, Expect::Version(_)) {
            match (self.shift(shift, to, None).await?, expect) {
                (Outcome::Done, _) => return Ok(()),
                (Outcome::Refused, Expect::Absent) => return Err(exists(operation, to)),
                (Outcome::Refused, _) => {}
            }
        }
        for _ in 0..TRIES {
            let there = match self.look(operation, to).await? {
                Seen::Folder if matches!(expect, Expect::Version(_)) => {
                    return Err(conflict(operation, to));
                }
                Seen::Folder => return Err(exists(operation, to)),
                Seen::Nothing if matches!(expect, Expect::Version(_)) => {
                    return Err(conflict(operation, to));
                }
                Seen::Nothing => match self.shift(shift, to, None).await? {
                    Outcome::Done => return Ok(()),
                    Outcome::Refused => continue,
                },
                Seen::File(there) => *there,
            };
            if let Expect::Version(expected) = expect
                && !same(expected, &there.entry.version)
            {
                return Err(conflict(operation, to));
            }
            if self.replace(shift, to, &there).await? {
                return Ok(());
            }
        }
        Err(conflict(operation, to))
    }

    /// Replaces exactly what was seen; `false` if something came in between.
    async fn replace(&self, shift: &Shift<'_>, to: &FilePath, there: &SeenFile) -> Result<bool> {
        let over = there.etag.as_deref().map_or(Over::Anything, Over::Version);
        if let Outcome::Done = self.shift(shift, to, Some(over)).await? {
            return Ok(true);
        }
        // What was looked at right before is still there, so the server does not know such a condition.
        let now = self.look(shift.operation, to).await?.file();
        let is_same = now.is_some_and(|now| now.entry.version == there.entry.version);
        if !is_same {
            return Ok(false);
        }
        let bare = Shift {
            operation: shift.operation,
            method: shift.method,
            from: shift.from.clone(),
            source: None,
            headers: shift.headers.clone(),
        };
        let outcome = self.shift(&bare, to, Some(Over::Anything)).await?;
        Ok(matches!(outcome, Outcome::Done))
    }

    /// Moves a file on its way to where it shall appear. When the answer is lost, looks whether it did: nobody else knows
    /// the name that it was moved from.
    pub(super) async fn appear(
        &self,
        temp: &FilePath,
        headers: Vec<(&'static str, String)>,
        to: &FilePath,
        size: u64,
        expect: &Expect,
        same: &(dyn Fn(&FileVersion, &FileVersion) -> bool + Send + Sync),
    ) -> Result<FileEntry> {
        let operation = "webdav.finish";
        let shift = Shift {
            operation,
            method: "MOVE",
            from: self.url(temp),
            source: None,
            headers,
        };
        let moved = self.place(&shift, to, expect, same).await;
        if let Err(error) = moved {
            if !error.is_retryable()
                || !matches!(self.look(operation, temp).await, Ok(Seen::Nothing))
            {
                return Err(error);
            }
            let there = self.look(operation, to).await?.file();
            let ours = there.filter(|there| there.entry.version.size == size);
            return ours.map(|ours| ours.entry).ok_or(error);
        }
        self.appeared(operation, to).await
    }

    /// The entry of a file that has just been put there.
    pub(super) async fn appeared(
        &self,
        operation: &'static str,
        path: &FilePath,
    ) -> Result<FileEntry> {
        let there = self.look(operation, path).await?.file();
        there.map(|there| there.entry).ok_or_else(|| {
            let message = "the file went away right after it was written";
            Error::new(ErrorKind::NotFound, operation, message).with_context("path", path)
        })
    }
}

/// What may be replaced.
#[derive(Clone, Copy)]
enum Over<'a> {
    Anything,
    Version(&'a str),
}

impl WebDav {
    /// Tells whether a version is the one that was expected.
    pub(super) fn is_same(&self, expected: &FileVersion, now: &FileVersion) -> bool {
        let precision = self.facts.time_precision.unwrap_or_default();
        !expected.as_ref().changed(now.as_ref(), precision)
    }

    /// Looks at a file that something is to be done to.
    async fn expected(
        &self,
        operation: &'static str,
        path: &FilePath,
        expect: &Expect,
    ) -> Result<SeenFile> {
        let there = self.dav.look(operation, path).await?.file();
        let there = there.ok_or_else(|| not_found(operation, path))?;
        let holds = match expect {
            Expect::Anything => true,
            Expect::Absent => false,
            Expect::Version(expected) => self.is_same(expected, &there.entry.version),
        };
        if holds {
            Ok(there)
        } else {
            Err(conflict(operation, path))
        }
    }

    pub(super) async fn remove(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let operation = "webdav.delete";
        for _ in 0..TRIES {
            let there = self.expected(operation, path, expect).await?;
            let mut request = HttpRequest::delete(self.dav.url(path));
            let etag = there.etag.filter(|_| *expect != Expect::Anything);
            let is_bound = etag.is_some() && self.dav.profile.takes_conditions();
            if let Some(etag) = etag.filter(|_| is_bound) {
                request = request.header("if-match", etag);
            }
            let answer = self.dav.act(operation, request, &[412]).await?;
            if answer.status() != 412 {
                return Ok(());
            }
            let now = self.expected(operation, path, expect).await?;
            if is_bound && now.entry.version == there.entry.version {
                // As in `replace`: a strong comparison never holds for a weak mark.
                let request = HttpRequest::delete(self.dav.url(path));
                return self.dav.act(operation, request, &[]).await.map(|_| ());
            }
        }
        Err(conflict(operation, path))
    }

    pub(super) async fn shift_file(
        &self,
        from: &FilePath,
        expect: &Expect,
        to: &FilePath,
    ) -> Result<FileEntry> {
        let operation = "webdav.rename";
        let there = self.expected(operation, from, expect).await?;
        if from == to {
            return Err(exists(operation, to));
        }
        let source = there
            .etag
            .as_deref()
            .filter(|_| *expect != Expect::Anything);
        let mut shift = Shift {
            operation,
            method: "MOVE",
            from: self.dav.url(from),
            source,
            headers: Vec::new(),
        };
        let same = |expected: &FileVersion, now: &FileVersion| self.is_same(expected, now);
        let moved = self.dav.place(&shift, to, &Expect::Absent, &same).await;
        match moved {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists && source.is_some() => {
                // It was refused for what is at `to`, or for what is at `from`.
                if !matches!(self.dav.look(operation, to).await?, Seen::Nothing) {
                    return Err(error);
                }
                let now = self.expected(operation, from, expect).await?;
                if now.entry.version != there.entry.version {
                    return Err(conflict(operation, from));
                }
                shift.source = None;
                self.dav.place(&shift, to, &Expect::Absent, &same).await?;
            }
            Err(error) => return Err(error),
        }
        self.dav.appeared(operation, to).await
    }

    /// Copies through a name of its own, since servers show a copy while it grows.
    pub(super) async fn duplicate(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<FileEntry> {
        let operation = "webdav.copy";
        let there = self.dav.look(operation, from).await?.file();
        let there = there.ok_or_else(|| not_found(operation, from))?;
        if !self.is_same(version, &there.entry.version) {
            return Err(changed(operation, from));
        }
        self.dav.ensure_uploads().await?;
        let temp = self.dav.temp()?;
        let made = self.copy_to_temp(from, &there, &temp).await;
        let same = |expected: &FileVersion, now: &FileVersion| self.is_same(expected, now);
        let appeared = match made {
            Ok(()) => {
                let size = there.entry.version.size;
                self.dav
                    .appear(&temp, Vec::new(), to, size, expect, &same)
                    .await
            }
            Err(error) => Err(error),
        };
        if appeared.is_err()
            && let Err(left) = self.dav.remove_temp(&temp).await
        {
            tracing::debug!(error = %left, "a copy that failed was not thrown away");
        }
        appeared
    }

    async fn copy_to_temp(&self, from: &FilePath, there: &SeenFile, temp: &FilePath) -> Result<()> {
        let operation = "webdav.copy";
        let mut copy = Shift {
            operation,
            method: "COPY",
            from: self.dav.url(from),
            source: there.etag.as_deref(),
            headers: Vec::new(),
        };
        if let Outcome::Refused = self.dav.shift(&copy, temp, None).await? {
            copy.source = None;
            if let Outcome::Refused = self.dav.shift(&copy, temp, None).await? {
                return Err(exists(operation, temp));
            }
        }
        // Not every server looks at the condition, so that the source is looked at once more.
        let now = self.dav.look(operation, from).await?.file();
        let is_same = now.is_some_and(|now| now.entry.version == there.entry.version);
        if !is_same {
            return Err(changed(operation, from));
        }
        if self.facts.time_precision.is_some() {
            self.dav
                .keep_time(temp, there.entry.version.modified)
                .await?;
        }
        Ok(())
    }
}

impl Dav {
    /// Gives a file another modified time, as Nextcloud and ownCloud take it.
    async fn keep_time(
        &self,
        path: &FilePath,
        modified: Option<crate::clock::Timestamp>,
    ) -> Result<()> {
        let operation = "webdav.copy";
        let copied = self.look(operation, path).await?.file();
        let Some(modified) = modified.filter(|modified| {
            copied.is_some_and(|copied| copied.entry.version.modified != Some(*modified))
        }) else {
            return Ok(());
        };
        let seconds = modified.as_millis().div_euclid(1_000);
        let body = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:lastmodified>{seconds}</d:lastmodified></d:prop></d:set></d:propertyupdate>"#
        );
        let request = HttpRequest::new("PROPPATCH", self.url(path))
            .body("application/xml; charset=utf-8", body);
        // The answer is a 207 in any case; what it did is looked at later.
        self.api.call(operation, request).await.map(|_| ())
    }
}

/// Whether a refusal may mean that the folder is missing.
pub(super) fn may_lack_folder(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Denied | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::InvalidInput
    )
}

pub(super) fn not_found(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such file").with_context("path", path)
}

pub(super) fn exists(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::AlreadyExists, operation, "something is there").with_context("path", path)
}

pub(super) fn conflict(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::Conflict, operation, "another version is there")
        .with_context("path", path)
}

pub(super) fn changed(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::Changed, operation, "the file has changed").with_context("path", path)
}
