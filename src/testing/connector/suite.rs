//! The list of all rules.

use super::account::Account;
use super::{
    changes, contacts, expectations, galleries, links, listings, moves, names, presets, publisher,
    reads, uploads, webhooks,
};

/// Runs rules, each on an account of its own.
macro_rules! hold {
    ($make:ident: $($rule:path),* $(,)?) => {
        $(
            let account = $make().await;
            tracing::debug!(rule = stringify!($rule), "conformance");
            $rule(&account).await;
        )*
    };
}

/// Holds a connector to the promises of [`connector`](crate::connector): every rule gets an empty
/// account of its own from `make`.
///
/// A rule is passed over only where the account's own facts say that it cannot apply: no such facet,
/// no token, no time kept, no hashes reported, or nobody has said how to move its clock or to make a
/// delivery. Files of a few mebibytes are written at most, unless
/// the account asks for larger chunks.
///
/// # Panics
/// At the first promise that is not kept. The function it happens in is named after the promise.
///
/// # Example
///
/// ```
/// use garland::platforms::MemoryPlatform;
/// use garland::testing::{Account, connector};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// connector(async || {
///     let platform = MemoryPlatform::default();
///     Account::new(platform.clone(), platform)
/// })
/// .await;
/// # }
/// ```
pub async fn connector(make: impl AsyncFn() -> Account) {
    hold!(make:
        reads::what_was_put_reads_back,
        reads::an_empty_file_reads_back,
        reads::a_file_of_several_chunks_reads_back,
        reads::a_range_gives_exactly_its_bytes,
        reads::another_version_than_asked_for_is_not_read,
        reads::what_is_missing_is_not_found,
        reads::what_was_deleted_is_gone,
        reads::reported_hashes_are_those_of_the_content,
        reads::modified_times_are_kept_as_finely_as_stated,
    );
    hold!(make:
        listings::an_empty_account_lists_nothing,
        listings::a_listing_has_every_file_once_and_in_the_stated_order,
        listings::a_listing_tells_what_stat_tells,
        listings::garlands_own_files_are_not_listed,
    );
    hold!(make:
        uploads::nothing_is_seen_before_finish,
        uploads::an_aborted_upload_leaves_nothing,
        uploads::an_upload_goes_on_by_its_token_in_another_process,
        uploads::an_upload_that_was_finished_or_aborted_has_expired,
        uploads::a_foreign_token_is_refused,
        uploads::chunks_keep_to_the_stated_rules,
        uploads::a_chunk_of_another_size_changes_nothing,
        uploads::an_upload_with_bytes_missing_is_not_finished,
        uploads::a_file_over_the_stated_size_is_refused,
        uploads::uploads_of_different_paths_run_at_once,
    );
    hold!(make:
        expectations::an_upload_over_anything_replaces_it,
        expectations::an_upload_that_expects_nothing_never_replaces,
        expectations::an_upload_over_a_version_replaces_only_that,
        expectations::what_is_expected_is_checked_at_the_end,
        expectations::of_two_uploads_that_expect_nothing_one_wins,
        expectations::a_delete_of_a_version_deletes_only_that,
        expectations::a_rename_of_a_version_moves_only_that,
    );
    hold!(make:
        moves::a_rename_moves_the_file_and_nothing_else,
        moves::a_rename_never_replaces,
        moves::a_file_keeps_its_id_when_renamed,
        moves::a_copy_is_a_file_of_its_own,
        moves::a_copy_keeps_to_what_is_expected,
        moves::a_file_and_a_folder_of_one_name_never_harm_each_other,
    );
    hold!(make:
        names::case_tells_names_apart_as_stated,
        names::spellings_tell_names_apart_as_stated,
        names::every_name_that_is_allowed_comes_back,
        names::a_name_that_is_not_allowed_is_refused,
    );
    hold!(make:
        changes::a_feed_without_changes_is_empty,
        changes::every_change_after_the_cursor_is_told,
        changes::an_old_cursor_goes_on_where_it_was,
        changes::a_cursor_that_ran_out_has_expired,
        links::a_link_is_made_listed_and_revoked,
        links::a_link_to_nothing_is_refused,
    );
    hold!(make:
        galleries::a_gallery_is_made_once_for_a_key,
        galleries::every_gallery_and_item_is_on_one_page,
        galleries::a_gallery_becomes_what_it_is_told,
        galleries::a_file_is_in_a_gallery_once,
        galleries::items_stand_in_the_order_they_are_given,
        galleries::a_removed_item_is_gone_and_the_others_stay,
        galleries::a_gallery_is_published_and_hidden_again,
        galleries::a_gallery_is_never_more_open_than_asked_for,
        galleries::a_gallery_ends_at_its_time_and_opens_again_when_told,
        galleries::favourites_are_told_where_there_are_some,
        galleries::a_gallery_that_is_not_there_is_not_found,
    );
    hold!(make:
        presets::a_job_is_handed_in_once_for_a_key,
        presets::a_job_ends_with_an_outcome_for_each_file,
        presets::a_cancelled_job_stays_so,
        presets::a_job_without_its_files_is_refused,
        publisher::a_post_is_published_once_for_a_key,
        publisher::a_post_that_does_not_fit_is_told_and_refused,
        publisher::a_source_of_media_that_is_not_taken_is_refused,
        publisher::a_post_waits_for_its_time_and_can_be_stopped,
        publisher::a_post_that_is_not_there_is_not_found,
    );
    hold!(make:
        contacts::the_books_are_told_from_the_beginning_to_the_end,
        contacts::a_record_of_the_books_is_what_is_told_of_it,
        contacts::a_cursor_of_the_books_that_is_foreign_or_ran_out_is_refused,
        webhooks::a_subscription_is_made_once_for_a_key,
        webhooks::a_subscription_lasts_until_its_end_and_longer_when_renewed,
        webhooks::a_genuine_delivery_is_read_the_same_every_time,
        webhooks::a_delivery_that_was_touched_is_refused,
        webhooks::a_delivery_that_is_not_proven_is_refused,
    );
}
