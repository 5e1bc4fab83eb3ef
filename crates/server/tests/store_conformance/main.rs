//! Behaviours of every store, as a list of names. Each is written against the public handle alone,
//! so that a second store runs the same list by giving [`stand::Stand`] another way to open.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod bots;
mod concurrency;
mod log;
mod looks;
mod memory;
mod messages;
mod model;
mod pages;
mod people;
mod places;
mod stand;
mod together;

use stand::Stand;

macro_rules! behaviours {
    ($($module:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $module::$name(Stand::new().await).await;
            }
        )+)+
    };
}

behaviours! {
    bots: a_bot_is_found_by_its_tokens_hash_alone_and_outlives_reopening,
        a_bot_writes_under_its_name,
        a_webhooks_target_outlives_reopening_and_goes_with_its_key,
        a_bot_is_limited_to_rooms_that_exist,
        a_revoked_token_is_nobodys_for_ever,
        to_a_new_bot_nothing_is_unread,
        bots_are_listed_newest_first;
    log: the_lobby_exists_from_the_first_open,
        the_epoch_and_the_log_outlive_reopening,
        entries_after_a_cursor_are_the_rest_of_the_log,
        a_repeat_gets_the_first_seq,
        a_repeat_is_recognised_after_reopening,
        a_repeat_in_the_same_batch_is_recognised,
        a_repeat_keeps_the_first_ones_room,
        the_same_cmid_of_another_person_is_another_write,
        a_rooms_time_goes_back_only_with_the_clock,
        a_write_to_an_unknown_room_or_by_an_unknown_person_is_refused,
        a_refused_write_harms_no_other_of_its_batch,
        a_closed_store_answers_what_was_queued_and_refuses_the_rest;
    concurrency: seqs_are_contiguous_under_many_writers,
        the_stream_is_in_commit_order_and_contiguous_in_each_room,
        calls_are_committed_in_the_order_they_were_made,
        a_concurrent_repeat_writes_once,
        readers_see_whole_batches_while_writers_write,
        a_write_happens_though_nobody_waits_for_it;
    memory: what_is_loaded_while_writers_write_misses_nothing,
        only_the_newest_messages_are_kept_and_they_are_the_same,
        what_is_in_memory_is_not_read;
    looks: names_that_look_alike_say_so,
        a_bots_name_may_look_like_a_persons,
        an_initial_is_kept_with_its_name;
    messages: an_edit_replaces_the_text_and_keeps_the_place,
        a_delete_redacts_every_text_in_projection_and_log,
        a_deleted_message_can_be_neither_edited_nor_deleted,
        only_the_author_may_edit_or_delete,
        an_edit_with_a_used_cmid_is_a_repeat,
        what_is_no_message_cannot_be_edited_deleted_or_answered,
        a_deleted_message_may_be_answered,
        any_text_comes_back_as_it_went_in,
        headers_outlive_edits_and_reopening_and_go_with_the_text;
    pages: a_snapshot_is_the_newest_messages_at_the_head,
        a_page_before_is_the_nearest_older_messages,
        a_page_after_is_the_nearest_newer_messages,
        a_page_around_has_both_sides_and_fills_up_from_the_longer,
        a_page_reflects_edits_up_to_its_head,
        an_invented_seq_reads_as_the_end_of_the_log,
        an_unknown_room_has_no_page;
    places: a_place_is_what_was_kept_last_and_outlives_reopening,
        a_place_needs_its_room_and_its_reader,
        a_place_is_found_before_it_is_durable,
        of_too_many_places_the_one_goes_that_moved_longest_ago;
    people: a_login_is_found_by_its_tokens_hash_alone,
        a_taken_id_or_token_is_refused,
        an_unused_room_closes_and_a_used_one_never,
        a_new_name_is_on_old_entries_too,
        unread_counts_messages_of_others_that_stand,
        to_a_newcomer_nothing_is_unread,
        unread_is_counted_up_to_a_thousand,
        a_read_marker_never_goes_back_nor_beyond_the_head,
        a_read_marker_outlives_reopening,
        rooms_come_most_recently_active_first_with_the_lobby_always,
        a_room_opens_with_its_first_entry,
        rooms_are_bounded,
        a_store_is_ready;
    together: several_writes_are_made_in_order,
        one_refused_write_leaves_none_of_several,
        a_refused_transaction_leaves_no_newcomers_row,
        a_place_is_kept_with_its_transaction_or_not;
}
