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
    bots: bot_is_found_by_token_hash_after_reopening,
        a_bot_writes_under_its_name,
        webhook_target_survives_reopening_until_its_key_goes,
        a_bot_is_limited_to_rooms_that_exist,
        revoked_token_stays_invalid,
        new_bot_has_nothing_unread,
        bots_are_listed_newest_first;
    log: the_lobby_exists_from_the_first_open,
        the_epoch_and_the_log_outlive_reopening,
        entries_after_cursor_are_the_rest,
        a_repeat_gets_the_first_seq,
        a_repeat_is_recognised_after_reopening,
        a_repeat_in_the_same_batch_is_recognised,
        a_repeat_keeps_the_first_ones_room,
        same_cmid_of_another_person_is_another_write,
        room_time_goes_back_only_with_the_clock,
        write_with_unknown_room_or_person_is_refused,
        refused_write_harms_no_other_of_its_batch,
        closed_store_answers_queued_and_refuses_later_writes;
    concurrency: seqs_are_contiguous_under_many_writers,
        stream_keeps_commit_order_and_contiguous_rooms,
        calls_are_committed_in_call_order,
        a_concurrent_repeat_writes_once,
        readers_see_whole_batches_while_writers_write,
        write_is_committed_without_a_waiter;
    memory: load_during_writes_misses_nothing,
        cache_keeps_only_the_newest_messages_unchanged,
        cached_data_is_not_read_again;
    looks: alike_names_are_marked,
        a_bots_name_may_look_like_a_persons,
        an_initial_is_kept_with_its_name;
    messages: edit_replaces_text_and_keeps_place,
        delete_redacts_text_in_projection_and_log,
        deleted_message_cannot_be_edited_or_deleted,
        only_the_author_may_edit_or_delete,
        edit_with_used_cmid_is_a_repeat,
        other_entries_cannot_be_edited_deleted_or_answered,
        a_deleted_message_may_be_answered,
        any_text_comes_back_as_it_went_in,
        headers_survive_edits_and_reopening_until_delete;
    pages: snapshot_holds_newest_messages_at_head,
        a_page_before_is_the_nearest_older_messages,
        a_page_after_is_the_nearest_newer_messages,
        page_around_fills_up_from_longer_side,
        a_page_reflects_edits_up_to_its_head,
        invented_seq_reads_as_end_of_log,
        an_unknown_room_has_no_page;
    places: last_kept_place_survives_reopening,
        a_place_needs_its_room_and_its_reader,
        a_place_is_found_before_it_is_durable,
        place_moved_longest_ago_is_evicted;
    people: login_is_found_by_token_hash_alone,
        a_taken_id_or_token_is_refused,
        only_unused_rooms_close,
        a_new_name_is_on_old_entries_too,
        unread_counts_messages_of_others_that_stand,
        newcomer_has_nothing_unread,
        unread_is_counted_up_to_a_thousand,
        read_marker_never_regresses_or_passes_the_head,
        a_read_marker_outlives_reopening,
        rooms_are_listed_by_activity_with_the_lobby,
        a_room_opens_with_its_first_entry,
        rooms_are_bounded,
        a_store_is_ready;
    together: several_writes_are_made_in_order,
        one_refused_write_leaves_none_of_several,
        a_refused_transaction_leaves_no_newcomers_row,
        place_is_kept_only_with_its_transaction;
}
