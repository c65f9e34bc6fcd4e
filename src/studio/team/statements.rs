//! The organization's own statements of who may do what.

use futures_util::stream::BoxStream;
use serde_json::Value;

use crate::error::Result;
use crate::storage::{Precondition, Versioned};

use super::check::check_statement;
use super::directory::Directory;
use super::kind::STATEMENT;
use super::records::Written;

impl Directory {
    /// Adds or replaces a statement of rights, as [`Statement::read`](crate::permission::rights::Statement::read) reads it:
    /// an object with `id`, `effect`, `subject`, `verbs`, `object`, and if wanted `condition`. It counts beside the default
    /// tables, from the next snapshot on.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): a part of it cannot be read, which is named; else as
    /// [`Directory::put_member`].
    ///
    /// # Cancel safety
    ///
    /// As [`Directory::put_member`].
    pub async fn put_statement(
        &self,
        statement: &Value,
        expected: Precondition,
    ) -> Result<Written> {
        let id = check_statement(statement)?;
        let make = |_: Option<&Value>| Ok(statement.clone());
        self.write(&STATEMENT, id, expected, make).await
    }

    /// Removes a statement.
    ///
    /// # Errors
    /// As [`Directory::remove_member`].
    ///
    /// # Cancel safety
    ///
    /// As [`Directory::put_member`].
    pub async fn remove_statement(
        &self,
        statement: &str,
        expected: Precondition,
    ) -> Result<Written> {
        self.remove(&STATEMENT, statement, expected).await
    }

    /// Returns a statement as stored.
    ///
    /// # Errors
    /// As [`Directory::member`].
    pub async fn statement(&self, id: &str) -> Result<Option<Versioned<Value>>> {
        self.get(&STATEMENT, id).await
    }

    /// Returns all statements by id, page by page. A refusal or a failure is the last item.
    #[must_use]
    pub fn statements(&self) -> BoxStream<'static, Result<Versioned<Value>>> {
        self.list(&STATEMENT)
    }
}
