//! What all words of the trade have in common: one exact spelling, and sets of a few bits.

/// Declares an enum whose variants have one exact spelling each, in the order of the table they come from.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($(#[$of:meta])* $variant:ident = $text:literal,)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
        #[expect(clippy::exhaustive_enums, reason = "the table of the trade is complete")]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All of them, in the order of the table.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// Returns the exact spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        /// Exact: case matters, and nothing is trimmed.
        impl std::str::FromStr for $name {
            type Err = $crate::error::Error;

            fn from_str(text: &str) -> $crate::error::Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::error::Error::new(
                        $crate::error::ErrorKind::InvalidInput,
                        "wedding.parse",
                        concat!("this is no ", $what),
                    )
                    .with_context("found", text)),
                }
            }
        }
    };
}

/// Declares a set of such words as bits, in the order of their table.
macro_rules! word_set {
    ($(#[$doc:meta])* $name:ident($bits:ty) of $word:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
        pub struct $name($bits);

        impl $name {
            /// Nothing.
            pub const EMPTY: Self = Self(0);

            /// Returns the set of these.
            #[must_use]
            pub const fn of(words: &[$word]) -> Self {
                let (mut set, mut rest) = (Self::EMPTY, words);
                while let [first, tail @ ..] = rest {
                    set = set.with(*first);
                    rest = tail;
                }
                set
            }

            /// Returns the set of those words of a list that are known; the others match nothing.
            #[must_use]
            pub fn known<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
                words.into_iter().filter_map(|word| word.parse().ok()).collect()
            }

            /// Returns the set with `word` in it.
            #[must_use]
            pub const fn with(self, word: $word) -> Self {
                Self(self.0 | 1 << word as u32)
            }

            /// Whether `word` is in it.
            #[must_use]
            pub const fn contains(self, word: $word) -> bool {
                self.0 >> word as u32 & 1 == 1
            }

            /// Whether the two have a word in common.
            #[must_use]
            pub const fn meets(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Whether there is none in it.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Returns those in it, in the order of the table.
            pub fn iter(self) -> impl Iterator<Item = $word> {
                $word::ALL.into_iter().filter(move |word| self.contains(*word))
            }

            /// Returns the bits; the lowest is the first word of the table.
            #[must_use]
            pub const fn bits(self) -> $bits {
                self.0
            }
        }

        impl FromIterator<$word> for $name {
            fn from_iter<I: IntoIterator<Item = $word>>(words: I) -> Self {
                words.into_iter().fold(Self::EMPTY, Self::with)
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

pub(crate) use {word_set, words};
