//! Which test stands against which attack: those that have worked on servers like ours, by their
//! CVE where they have one, and those that our own ways could invite.

use std::fs;
use std::path::Path;

/// An attack, and the tests: `file::function`, the file below `tests/it`.
#[rustfmt::skip] // A row is a line, or two.
const ATTACKS: &[(&str, &[&str])] = &[
    // Frames.
    ("a frame that is an error and is never consumed",
        &["proto_properties/websocket_attacks::a_frame_of_eight_bytes_that_is_an_error_is_consumed",
          "attacks/frames::a_broken_frame_is_answered_with_its_close_code_whole_or_byte_by_byte"]),
    ("a length of nearly 2^63", &["proto_properties/websocket_attacks::a_header_that_announces_the_world_allocates_nothing"]),
    ("a message over the limits",
        &["attacks/frames::a_message_over_the_soft_limit_is_refused_and_the_connection_kept",
          "attacks/frames::who_sends_too_much_and_reads_only_afterwards_finds_the_close_frame"]),
    ("a flood of pings", &["attacks/frames::a_flood_of_pings_gets_as_many_pongs_as_its_bucket_holds"]),
    ("who broke the protocol stays and sends on", &["attacks/frames::who_broke_the_protocol_and_stays_is_cut_off_a_second_later"]),
    // Fragments.
    ("one million 1-byte fragments, CVE-2026-48779",
        &["proto_properties/websocket_attacks::a_million_fragments_of_one_byte_hold_no_more_than_the_message",
          "attacks/frames::a_million_fragments_of_one_byte_are_one_message_and_judged_by_size"]),
    ("empty fragments without end",
        &["proto_properties/websocket_attacks::a_flood_of_empty_fragments_ends_in_1009",
          "attacks/frames::empty_fragments_without_end_are_ended"]),
    ("messages that are never finished, by many", &["slow_clients::unfinished_messages_of_all_clients_together_are_bounded"]),
    // Compression.
    ("a compressed message that inflates a thousandfold",
        &["proto_properties/deflate_attacks::a_message_that_inflates_a_thousandfold_is_dropped_before_it_fills_the_memory",
          "proto_properties/deflate_attacks::a_thousandfold_text_keeps_its_start_and_no_more",
          "attacks/compression::a_message_that_inflates_a_thousandfold_is_refused_or_ends_the_connection"]),
    ("a compressed message in a million fragments",
        &["proto_properties/deflate_attacks::a_compressed_message_in_a_million_fragments_holds_no_more_than_its_bytes",
          "proto_properties/deflate_attacks::empty_fragments_of_a_compressed_message_without_end_end_in_1009",
          "attacks/compression::a_compressed_message_in_a_hundred_thousand_fragments_is_one_message"]),
    ("many tiny compressed messages",
        &["proto_properties/deflate_attacks::many_tiny_compressed_messages_take_no_memory_each",
          "attacks/compression::many_tiny_compressed_messages_are_held_to_the_rate_like_any_others"]),
    ("a deflate stream of empty blocks", &["proto_properties/deflate_attacks::empty_blocks_without_end_make_a_message_of_nothing_in_linear_steps"]),
    ("a truncated or corrupt deflate stream",
        &["proto_properties/deflate_attacks::a_truncated_stream_is_never_taken_for_a_message",
          "proto_properties/deflate_attacks::a_corrupt_stream_ends_the_connection_and_does_not_spoil_the_next",
          "attacks/compression::a_broken_stream_ends_its_connection_alone"]),
    ("RSV1 without negotiation, on a continuation, on a control frame",
        &["proto_properties/deflate_attacks::a_compressed_message_that_was_not_negotiated_is_a_violation",
          "proto_properties/deflate_attacks::the_bit_of_compression_stands_on_the_first_frame_of_a_message_alone",
          "attacks/compression::a_broken_stream_ends_its_connection_alone"]),
    ("offers that are huge, malformed or repeated",
        &["proto_properties/deflate_attacks::huge_malformed_and_repeated_offers_are_passed_over_and_cost_nothing",
          "attacks/compression::offers_that_are_huge_malformed_or_repeated_are_passed_over"]),
    ("a broadcast that cannot be made smaller",
        &["proto_properties/websocket_deflate::what_cannot_be_made_smaller_leaves_nothing_to_the_next",
          "attacks/compression::broadcasts_that_cannot_be_made_smaller_end_nothing"]),
    // Attachments.
    ("10,000 attachments announced, CVE-2026-33151",
        &["socketio_properties/attacks::a_count_of_ten_thousand_attachments_is_refused_at_the_header",
          "attacks/attachments::thousands_of_announced_attachments_end_the_connection_at_once"]),
    ("a count without attachments",
        &["socketio_properties/attacks::an_announced_attachment_that_never_comes_holds_its_header_and_no_more",
          "attacks/attachments::a_count_without_attachments_holds_up_nobody_but_its_author",
          "attacks/attachments::unfinished_messages_of_many_cost_the_greediest_his_connection"]),
    ("a placeholder out of range, CVE-2022-2421",
        &["socketio_properties/attacks::a_placeholder_number_that_is_none_is_refused",
          "socketio_properties/attacks::a_placeholder_that_two_clients_would_read_differently_is_refused",
          "attacks/attachments::a_placeholder_that_stands_for_no_attachment_ends_the_connection"]),
    ("an attachment without a header, CVE-2023-32695",
        &["socketio_properties/attacks::an_attachment_without_a_header_is_refused",
          "attacks/attachments::an_attachment_without_a_packet_ends_the_connection"]),
    ("one attachment named a thousand times",
        &["socketio_properties/attacks::one_attachment_named_a_thousand_times_does_not_fill_the_memory",
          "attacks/attachments::one_attachment_named_a_thousand_times_does_not_become_a_thousand"]),
    ("a placeholder beside buffers", &["socketio_properties/attacks::a_plain_client_cannot_smuggle_a_placeholder_beside_a_buffer"]),
    // Payloads.
    ("a POST of 100,000 packets, CVE-2020-36048",
        &["engineio_properties/codec_cases::a_push_of_100_000_packets_costs_time_linear_in_its_bytes",
          "attacks/payloads::a_push_of_a_hundred_thousand_packets_is_heard_in_order_and_in_bounds",
          "attacks/payloads::a_push_of_a_hundred_thousand_commands_is_held_to_the_rate",
          "attacks/payloads::others_are_served_while_a_push_of_many_packets_is_heard"]),
    ("base64 without end", &["attacks/payloads::base64_without_end_is_decoded_within_the_bounds"]),
    ("10,000-deep JSON",
        &["socketio_properties/attacks::a_hundred_thousand_brackets_need_no_stack",
          "attacks/payloads::ten_thousand_levels_are_refused_and_the_connection_kept",
          "attacks/messages::ten_thousand_levels_are_refused_wherever_they_stand"]),
    ("bodies that come slowly, or for nobody",
        &["attacks/payloads::slow_bodies_are_given_up_after_half_a_minute",
          "attacks/payloads::pushes_for_a_session_that_is_gone_are_not_read"]),
    ("a flood of namespaces",
        &["attacks/namespaces::a_flood_of_namespaces_is_held_to_the_rate_and_ended",
          "attacks/namespaces::a_flood_of_namespaces_in_one_push_makes_no_socket"]),
    ("ids of acknowledgements that overflow",
        &["socketio_properties/attacks::ids_that_overflow_are_refused_and_all_others_kept",
          "attacks/namespaces::ack_ids_that_overflow_end_the_connection"]),
    ("reserved names", &["attacks/namespaces::reserved_names_end_the_connection_and_reach_nobody"]),
    ("`__proto__` and `constructor` as keys",
        &["socketio_properties/attacks::prototype_names_are_names_like_any_other",
          "attacks/messages::names_with_a_meaning_elsewhere_mean_nothing_here",
          "attacks/namespaces::keys_with_a_meaning_elsewhere_give_no_rights"]),
    ("invalid UTF-8 in every text position",
        &["proto_properties/websocket_attacks::bad_text_is_refused_before_its_frame_has_arrived",
          "proto_properties/websocket_deflate::what_is_inflated_must_be_utf8_too",
          "attacks/texts::a_frame_that_is_no_text_closes_its_websocket_alone",
          "attacks/texts::a_push_that_is_no_text_ends_its_session_alone",
          "attacks/texts::a_url_or_header_that_is_no_text_is_refused"]),
    // Handshakes and upgrades.
    ("a crafted handshake, CVE-2022-21676, CVE-2022-41940, CVE-2023-31125",
        &["attacks/queries::names_that_every_object_has_are_no_transport_version_or_sid",
          "attacks/queries::a_crafted_target_reaches_no_engine",
          "attacks/queries::a_handshake_that_is_reset_while_it_is_answered_leaves_its_session_to_the_timers",
          "attacks/handshake::a_request_that_is_no_handshake_is_refused_with_a_reason"]),
    ("huge or countless headers, a head that never ends, CVE-2024-37890",
        &["attacks/handshake::huge_and_countless_headers_are_refused",
          "attacks/handshake::a_head_that_never_ends_is_given_up"]),
    ("an upgrade abandoned at every step",
        &["engineio_properties/upgrades::an_upgrade_abandoned_at_any_step_leaves_a_session_that_polls_and_beats",
          "socketio/abandoned::an_upgrade_given_up_at_any_step_leaves_the_polls_as_they_were",
          "attacks/upgrades::a_thousand_abandoned_upgrades_leave_nothing"]),
    ("WebSockets and polls without end for one session",
        &["attacks/upgrades::websockets_without_end_for_one_session_are_turned_away",
          "attacks/upgrades::parked_polls_without_end_end",
          "attacks/upgrades::a_thousand_aborted_polls_leave_nothing"]),
    ("garbage where an upgrade should begin",
        &["attacks/upgrades::garbage_behind_the_handshake_of_an_upgrade_ends_the_upgrade_alone",
          "socketio/abandoned::a_huge_beginning_drops_the_websocket"]),
    ("guessed session ids", &["attacks/upgrades::guessed_sids_open_nothing"]),
];

#[test]
fn every_attack_has_the_tests_that_are_named_for_it() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for (attack, named) in ATTACKS {
        assert!(!named.is_empty(), "{attack}");
        for name in *named {
            let (file, function) = name.split_once("::").unwrap();
            let text = fs::read_to_string(tests.join(file).with_extension("rs")).unwrap();
            let is_test = text.split("\n#[").any(|part| {
                part.lines().nth(1).is_some_and(|line| line.contains(&format!("fn {function}()")))
                    && part.contains("test]")
            });
            assert!(is_test, "{attack}: there is no test {name}");
        }
    }
}
