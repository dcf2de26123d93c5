//! What every store must do, whatever is behind it. A second implementation brings a [`Place`] and a line
//! of [`contract!`], and runs the same tests.

mod audit;
mod backup;
mod crash;
mod disk;
mod journal;
mod leads;
mod search;
mod sqlite;
mod tenants;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchboard::Settings;
use switchboard::config::TenantRecord;
use switchboard::domain::id::Id;
use switchboard::domain::lead::{Lead, LeadChange, LeadDraft, LeadEdits, NewLead};
use switchboard::domain::time::Timestamp;
use switchboard::store::{
    AuditEntry, AuditKind, Begin, Begun, Effect, LeadQuery, Record, SearchText, Settle, Store,
};

/// Where a store can be opened, closed and opened again. Removed when dropped.
trait Place {
    fn new() -> Self;
    /// Opens it with the tenants `a` and `b`; the store of another call must have been dropped.
    fn open(&self) -> Arc<dyn Store>;
    /// Opens it with room for a few hundred leads only.
    fn open_small(&self) -> Arc<dyn Store>;
    fn backup_dir(&self) -> PathBuf;
    /// Copies of this backup, whole files of their kind, that are not what was written: a lead is missing, has a
    /// status there is not, another's id, or more text than one can have; there are no leads at all.
    fn spoiled(&self, backup: &Path) -> Vec<PathBuf>;
    /// Changes the audit trail behind the store's back, by whoever may do so.
    fn tamper(&self, with: Tamper);
}

#[derive(Clone, Copy)]
enum Tamper {
    /// Another value in this column of this row.
    Field(u64, &'static str),
    Remove(u64),
    /// Two rows change places, hashes and all.
    Swap(u64, u64),
    /// All rows from this one on, and nothing else.
    Cut(u64),
    /// The same, and the head that is kept beside them set to fit.
    CutAndMend(u64),
}

/// Journal rows live this long.
const TTL: i64 = 1_000_000;
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.millis() + millis)
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

/// The two tenants of most tests, and one that nobody knows.
fn tenants() -> [Id; 3] {
    [id("a"), id("b"), id("nobody")]
}

fn records(keys: &str) -> Vec<TenantRecord> {
    Settings::from_map(&[("TENANT_KEYS", keys)]).unwrap().tenants
}

fn draft(name: &str) -> LeadDraft {
    LeadDraft { name: Some(name.into()), email: Some("e@example.com".into()), ..LeadDraft::default() }
}

/// A lead of this id and name, created `millis` after the beginning.
fn lead(number: u64, name: &str, millis: i64) -> Lead {
    let new = NewLead::new(draft(name), "voice").unwrap();
    Lead::new(id(&format!("lead-{number}")), new, at(millis))
}

fn change(edits: &str) -> LeadChange {
    LeadChange::new(serde_json::from_str::<LeadEdits>(edits).unwrap()).unwrap()
}

/// Stores a lead and nothing else.
fn add(store: &dyn Store, tenant: &Id, lead: &Lead) {
    store.create_lead(tenant, lead, Record::default(), lead.created_at).unwrap();
}

fn names(store: &dyn Store, tenant: &Id, query: &LeadQuery) -> Vec<String> {
    store.leads(tenant, query).unwrap().leads.into_iter().map(|lead| lead.name).collect()
}

/// The names of the tenant's leads that have these words, the newest first.
fn found(store: &dyn Store, tenant: &Id, text: &str) -> Vec<String> {
    let text = Some(SearchText::parse(text).unwrap());
    names(store, tenant, &LeadQuery { text, ..LeadQuery::newest(1000) })
}

fn begin(key: &str, effect: Effect) -> Begin {
    Begin::new(key, "body", "create_lead", effect)
}

/// How a command of this key stands for whoever asks with the same body.
fn stands(store: &dyn Store, tenant: &Id, key: &str) -> Begun {
    store.begin(tenant, &begin(key, Effect::Inside), at(1)).unwrap()
}

fn done(key: &str, answer: &str) -> Record {
    let settle = Some(Settle::Done { key: key.into(), answer: answer.into() });
    Record { settle, audit: None }
}

fn entry(action: &str, success: bool) -> AuditEntry {
    let (actor, details) = ("socket-1".to_owned(), "{}".to_owned());
    AuditEntry { kind: AuditKind::Command, action: action.into(), actor, success, details }
}

fn audited(action: &str, success: bool) -> Record {
    Record { settle: None, audit: Some(entry(action, success)) }
}

/// Texts that mean something to SQL, to FTS5, to `LIKE`, to JSON, to a terminal or to nobody.
const HOSTILE: &[&str] = &[
    "'; DROP TABLE leads; --",
    "Robert'); DELETE FROM leads WHERE ('1'='1",
    "\" OR name MATCH \"x",
    "NEAR(one two, 5)",
    "AND OR NOT",
    "name: x* ^first -notes:y {name email} : z",
    "100% _under_ \\back\\slash %_",
    "((((((((((",
    "👩‍👩‍👧‍👦 naïve café 🏳️‍🌈",
    "שלום עולם \u{202e}abc\u{202c}",
    "Ünïcödé ÆØÅ ß İstanbul ǅ",
    "?1 :name @x $y ?",
    "null NULL undefined",
    "<script>alert(1)</script>",
];

/// Runs every test of the contract over a place.
macro_rules! contract {
    ($name:ident, $place:ty: $($module:ident { $($test:ident,)+ })+) => {
        mod $name {
            $(mod $module {
                $(#[test]
                fn $test() {
                    super::super::$module::$test::<$place>();
                })+
            })+
        }
    };
}

contract! { on_sqlite, crate::store_contract::sqlite::SqlitePlace:
    leads {
        a_lead_is_read_as_it_was_stored,
        a_change_is_stored_and_told_with_what_goes_with_it,
        a_lead_that_is_not_there_is_not_changed,
        no_tenant_reaches_anothers_leads,
        an_id_is_taken_once_per_tenant,
        filters_must_all_hold_and_the_newest_come_first,
        a_page_is_bounded_in_leads_and_bytes,
        leads_are_counted_by_status_and_time,
        an_unknown_tenant_is_refused_and_has_nothing,
        threads_write_and_read_at_once,
    }
    search {
        parts_of_words_are_found_in_every_field_in_any_case,
        every_word_must_occur_somewhere,
        hostile_texts_are_found_by_their_own_words_and_mean_nothing,
        short_words_have_no_wildcards,
        the_index_follows_changes,
        a_search_can_be_narrowed,
        no_tenant_finds_anothers_leads,
        a_nul_is_in_no_lead,
    }
    journal {
        a_command_is_first_then_pending_then_replayed,
        another_body_is_a_conflict,
        looking_begins_nothing_and_sees_how_a_key_stands,
        what_was_withdrawn_may_be_begun_with_any_body,
        keys_are_the_tenants_own,
        an_effect_and_its_answer_are_stored_together_or_not_at_all,
        of_threads_that_begin_at_once_one_is_first,
        of_threads_that_run_the_same_command_one_has_an_effect,
        a_row_is_forgotten_when_it_is_due,
        hostile_keys_and_answers_are_kept_to_the_letter,
    }
    crash {
        a_pending_effect_in_the_store_did_not_happen_and_may_be_begun_again,
        a_pending_effect_outside_is_unknown,
        what_was_answered_is_still_there,
    }
    audit {
        an_untouched_trail_is_sound_and_grows,
        whoever_changes_a_field_is_found_at_its_row,
        whoever_removes_or_moves_a_row_is_found,
        a_tail_cut_off_is_missed,
        a_noted_head_is_held_against_the_trail,
        an_entry_and_what_it_tells_of_are_written_together,
        commands_are_counted_by_tenant_and_time,
        a_long_entry_is_cut_and_a_hostile_one_kept,
        threads_append_one_chain,
    }
    backup {
        a_restore_brings_back_every_row_and_touches_nobody_else,
        progress_goes_from_0_to_100,
        a_backup_is_of_one_moment_and_keeps_nobody_from_writing,
        two_in_a_millisecond_are_two_files,
        of_a_day_the_first_and_the_newest_nine_are_kept,
        a_place_that_cannot_be_written_to_is_named_and_nothing_is_lost,
        what_is_no_backup_changes_nothing,
        a_pending_command_comes_back_as_that_of_another_process,
        an_unknown_tenant_has_no_backups,
        a_thousand_leads_come_back_in_order,
    }
    disk {
        a_full_disk_has_a_name_and_nothing_is_lost,
        a_full_disk_leaves_no_half_of_a_command,
    }
    tenants {
        a_key_keeps_its_age,
        a_tenant_that_is_no_longer_set_keeps_its_data,
        settings_are_the_tenants_own,
    }
}
