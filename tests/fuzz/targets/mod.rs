//! What is fed. A new target is a file here and a line in the list below:
//!
//! ```text
//! pub(crate) fn corpus() -> Vec<Vec<u8>>   // samples to be bent, some of them valid
//! pub(crate) fn check(input: &[u8]) -> bool   // panics if something does not hold; whether the input is valid
//! ```

mod archive;
#[path = "../../upload/make.rs"]
#[expect(dead_code, reason = "the tests of uploads use all of it")]
mod make;
mod sealed_header;
mod sealed_object;
mod token;
mod upload;
mod webhook;
mod wrap_record;

macro_rules! targets {
    ($($name:ident),* $(,)?) => {$(
        #[test]
        fn $name() {
            crate::runner::fuzz(stringify!($name), &$name::corpus(), $name::check);
        }
    )*};
}

targets! {
    archive,
    sealed_header,
    sealed_object,
    token,
    upload,
    webhook,
    wrap_record,
}
