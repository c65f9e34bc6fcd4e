//! What the comparisons share: trees to work on, programs to run, and how a figure is printed.
//!
//! `ratio NAME FIGURE` compares two programs of the same run; `figure NAME VALUE UNIT` is garland's own. Wall times are
//! the least of the rounds, which are interleaved, so that a busy minute of the machine meets all alike.

pub mod garland;
pub mod measure;
pub mod peers;
pub mod tree;

/// What a bin reports with.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Command line of a bin: `--name value` pairs and plain words.
#[derive(Debug)]
pub struct Arguments(Vec<String>);

impl Arguments {
    /// Takes the words after the program's name.
    #[must_use]
    pub fn of_process() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Whether `word` stands there.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|own| own == word)
    }

    /// The word after `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|own| own == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    /// The number after `name`, or `default`.
    ///
    /// # Errors
    /// What stands there is no number.
    pub fn number(&self, name: &str, default: usize) -> Result<usize> {
        Ok(self.value(name).map_or(Ok(default), str::parse)?)
    }
}
