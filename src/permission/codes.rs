//! What all codes have in common: a stable spelling.

/// Declares an enum of stable codes, to which later versions may add; with `all` behind its name also the list of them.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident, all: $($(#[$of:meta])* $variant:ident = $text:literal,)+) => {
        $crate::permission::codes::codes! { $(#[$doc])* $name: $($(#[$of])* $variant = $text,)+ }

        impl $name {
            /// All of them, in their order.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];
        }
    };
    ($(#[$doc:meta])* $name:ident: $($(#[$of:meta])* $variant:ident = $text:literal,)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Returns the stable code.
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
    };
}

pub(crate) use codes;
