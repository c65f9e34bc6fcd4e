//! Clients, jobs and dates of a studio's books.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};

use super::ids::opaque;

opaque! {
    /// A platform's name for a client.
    ClientId;
    /// A platform's name for a job, project or booking.
    JobId;
    /// A place in the books' feed of changes. Opaque; made and read by one connector.
    ContactCursor;
}

/// A day of the calendar, without a time zone. Prints and parses as `YYYY-MM-DD`.
///
/// # Example
///
/// ```
/// use garland::connector::CalendarDay;
///
/// let day: CalendarDay = "2026-02-28".parse()?;
/// assert_eq!(day.to_string(), "2026-02-28");
/// assert!("2026-02-29".parse::<CalendarDay>().is_err());
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CalendarDay(jiff::civil::Date);

impl fmt::Display for CalendarDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CalendarDay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let error = || {
            Error::new(ErrorKind::InvalidInput, "calendar_day.parse", "not a day")
                .with_context("day", text)
        };
        let day = jiff::civil::Date::strptime("%Y-%m-%d", text)
            .map(Self)
            .map_err(|cause| error().with_source(cause))?;
        // One spelling for one day.
        if day.to_string() == text {
            Ok(day)
        } else {
            Err(error())
        }
    }
}

impl TryFrom<String> for CalendarDay {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<CalendarDay> for String {
    fn from(day: CalendarDay) -> Self {
        day.to_string()
    }
}

/// Somebody the studio works for. What names a person is not printed.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Client {
    /// The platform's name for them.
    pub id: ClientId,
    /// What they are called.
    pub name: String,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// Where a call reaches them, as the platform writes it.
    pub phone: Option<String>,
}

impl Client {
    /// Makes the record of a client.
    #[must_use]
    pub fn new(id: ClientId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            email: None,
            phone: None,
        }
    }

    /// Sets [`Client::email`].
    #[must_use]
    pub fn with_email(mut self, email: impl Into<Option<String>>) -> Self {
        self.email = email.into();
        self
    }

    /// Sets [`Client::phone`].
    #[must_use]
    pub fn with_phone(mut self, phone: impl Into<Option<String>>) -> Self {
        self.phone = phone.into();
        self
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How far a job is. Each platform has stages of its own ([`Job::stage`]); these are what they come to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// Somebody asks.
    #[default]
    Lead,
    /// It will take place.
    Booked,
    /// It is done.
    Completed,
    /// It will not take place.
    Lost,
}

/// A day that matters to a job: the wedding, a meeting, a delivery that is due.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct JobDate {
    /// What happens, in the platform's own word.
    pub label: Box<str>,
    /// On which day, where it happens.
    pub day: CalendarDay,
    /// When it begins, if the platform knows more than the day.
    pub starts: Option<Timestamp>,
    /// Where.
    pub place: Option<String>,
}

impl JobDate {
    /// Makes a date.
    #[must_use]
    pub fn new(label: impl Into<Box<str>>, day: CalendarDay) -> Self {
        Self {
            label: label.into(),
            day,
            starts: None,
            place: None,
        }
    }

    /// Sets [`JobDate::starts`].
    #[must_use]
    pub fn with_starts(mut self, starts: impl Into<Option<Timestamp>>) -> Self {
        self.starts = starts.into();
        self
    }

    /// Sets [`JobDate::place`].
    #[must_use]
    pub fn with_place(mut self, place: impl Into<Option<String>>) -> Self {
        self.place = place.into();
        self
    }
}

/// A piece of work for clients: a wedding, a session.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Job {
    /// The platform's name for it.
    pub id: JobId,
    /// What people call it. It mostly holds their names, so it is not printed.
    pub title: String,
    /// How far it is.
    pub state: JobState,
    /// How far it is, in the platform's own word. May be empty.
    pub stage: Box<str>,
    /// For whom, the main client first.
    pub clients: Vec<ClientId>,
    /// Its days, in order.
    pub dates: Vec<JobDate>,
}

impl Job {
    /// Makes the record of a lead.
    #[must_use]
    pub fn new(id: JobId, title: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            state: JobState::default(),
            stage: "".into(),
            clients: Vec::new(),
            dates: Vec::new(),
        }
    }

    /// Sets [`Job::state`] and [`Job::stage`].
    #[must_use]
    pub fn with_state(mut self, state: JobState, stage: impl Into<Box<str>>) -> Self {
        self.state = state;
        self.stage = stage.into();
        self
    }

    /// Sets [`Job::clients`].
    #[must_use]
    pub fn with_clients(mut self, clients: Vec<ClientId>) -> Self {
        self.clients = clients;
        self
    }

    /// Sets [`Job::dates`].
    #[must_use]
    pub fn with_dates(mut self, dates: Vec<JobDate>) -> Self {
        self.dates = dates;
        self
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("stage", &self.stage)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

/// One change of the books.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ContactChange {
    /// The client is now so.
    Client(Client),
    /// The job is now so.
    Job(Job),
    /// The client is gone.
    ClientGone(ClientId),
    /// The job is gone.
    JobGone(JobId),
}

/// A part of the books.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ContactPage {
    /// What is now so, in order. Several changes of one record may have become one.
    pub changes: Vec<ContactChange>,
    /// Where to go on. To be stored only after the changes have been taken in.
    pub next: ContactCursor,
    /// Whether more is waiting already.
    pub more: bool,
}

impl ContactPage {
    /// Makes a page.
    #[must_use]
    pub fn new(changes: Vec<ContactChange>, next: ContactCursor, more: bool) -> Self {
        Self {
            changes,
            next,
            more,
        }
    }
}

/// The books of one account: clients, jobs and their dates. garland reads them and never writes.
///
/// # For implementors
/// Platforms that tell changes only to the second, or by a modified time, answer with some records
/// once more rather than with one too few. A platform that tells no deletions never says
/// [`ContactChange::JobGone`]; nothing may be concluded from a record that is not on a page.
#[async_trait]
pub trait ContactBook: fmt::Debug + Send + Sync {
    /// Returns what has changed since `since`, or all that is there, from the beginning.
    ///
    /// # Errors
    /// - [`ErrorKind::Expired`]: the platform no longer knows the cursor; start from the beginning.
    /// - [`ErrorKind::InvalidInput`]: not a cursor of this connector.
    async fn contact_changes(&self, since: Option<&ContactCursor>) -> Result<ContactPage>;

    /// Returns a client.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such client.
    async fn client(&self, id: &ClientId) -> Result<Client>;

    /// Returns a job.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such job.
    async fn job(&self, id: &JobId) -> Result<Job>;
}
