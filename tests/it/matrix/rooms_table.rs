//! Contract section 9 as a table of room by trust level, with X-10 and D-31.

/// What asking to join comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A member from now on.
    Joins,
    /// A member already; it changes nothing and is no error.
    IsIn,
    /// No room that exists for anyone to ask for by this name, or not for this one.
    Unauthorized,
    /// A reserved prefix, and nothing known behind it.
    NoSuchRoom,
    /// No name at all.
    NoName,
}

use Cell::{IsIn as I, Joins as J, NoName as B, NoSuchRoom as N, Unauthorized as U};

/// The columns: nobody, a claim of `u1` of `o1`, the tenant `demo1`, and verified: `u1`, `u1` of `o1`,
/// the admin `u1`, `u1` whose token lists project `1` and the rooms `project:2` and `listed-room`.
pub const COLUMNS: usize = 7;

#[rustfmt::skip]
const TABLE: &[(&str, [Cell; COLUMNS])] = &[
    // Never by request.
    ("tenant:demo1",                        [U, U, U, U, U, U, U]),
    ("tenant:demo2",                        [U, U, U, U, U, U, U]),
    ("org:o1",                              [U, U, U, U, U, U, U]),
    ("org:o2",                              [U, U, U, U, U, U, U]),
    ("org:a:dept:b",                        [U, U, U, U, U, U, U]),
    ("kpi:org:o1",                          [U, U, U, U, U, U, U]),
    ("kpi:org:o2",                          [U, U, U, U, U, U, U]),
    ("backlog:org:o1",                      [U, U, U, U, U, U, U]),
    ("attendance:org:o1:dept:d",            [U, U, U, U, U, U, U]),
    ("alerts:org:o1:dept:d:queue:q",        [U, U, U, U, U, U, U]),
    ("notifications:org:o1:queue:q",        [U, U, U, U, U, U, U]),
    ("all:org:o1",                          [U, U, U, U, U, U, U]),
    ("all:org:o2",                          [U, U, U, U, U, U, U]),
    // By being who one is.
    ("global",                              [U, U, U, I, I, I, I]),
    ("user:u1",                             [U, U, U, I, I, I, I]),
    ("user:u2",                             [U, U, U, U, U, U, U]),
    // For the verified, and those their tokens list.
    ("agent:a1",                            [U, U, U, J, J, J, J]),
    ("voice:training",                      [U, U, U, J, J, J, J]),
    ("project:1",                           [U, U, U, J, J, J, J]),
    ("project:2",                           [U, U, U, J, J, J, J]),
    ("project:3",                           [U, U, U, J, J, J, U]),
    ("admin:broadcast",                     [U, U, U, U, U, J, U]),
    ("blueprint-1",                         [U, U, U, J, J, J, U]),
    ("listed-room",                         [U, U, U, J, J, J, J]),
    ("Zimmer 7 \u{e4}\u{1f600}",            [U, U, U, J, J, J, U]),
    ("../",                                 [U, U, U, J, J, J, U]),
    ("../../etc/passwd",                    [U, U, U, J, J, J, U]),
    ("__proto__",                           [U, U, U, J, J, J, U]),
    // For everyone.
    ("dashboard:overview",                  [J, J, J, J, J, J, J]),
    ("clips:analytics",                     [J, J, J, J, J, J, J]),
    ("public:lobby",                        [J, J, J, J, J, J, J]),
    ("public:a:b",                          [J, J, J, J, J, J, J]),
    // Reserved, and nonsense.
    ("tenant:",                             [N, N, N, N, N, N, N]),
    ("user:",                               [N, N, N, N, N, N, N]),
    ("user:../u1",                          [N, N, N, N, N, N, N]),
    ("org:../",                             [N, N, N, N, N, N, N]),
    ("project:",                            [N, N, N, N, N, N, N]),
    ("project:../1",                        [N, N, N, N, N, N, N]),
    ("agent: a",                            [N, N, N, N, N, N, N]),
    ("dashboard:else",                      [N, N, N, N, N, N, N]),
    ("dashboard:overview:x",                [N, N, N, N, N, N, N]),
    ("clips:",                              [N, N, N, N, N, N, N]),
    ("voice:Training",                      [N, N, N, N, N, N, N]),
    ("admin:",                              [N, N, N, N, N, N, N]),
    ("kpi:o1",                              [N, N, N, N, N, N, N]),
    ("kpi:org:",                            [N, N, N, N, N, N, N]),
    ("kpi:org:o1:dept:d:dept:e",            [N, N, N, N, N, N, N]),
    ("all:everything",                      [N, N, N, N, N, N, N]),
    // No names.
    ("",                                    [B, B, B, B, B, B, B]),
    ("public:a\u{0}b",                      [B, B, B, B, B, B, B]),
    ("public:a\nb",                         [B, B, B, B, B, B, B]),
    ("\u{1b}[2J",                           [B, B, B, B, B, B, B]),
];

/// Every row: a name, and what each column may.
pub fn rows() -> Vec<(String, [Cell; COLUMNS])> {
    let long = [
        ("x".repeat(128), [U, U, U, J, J, J, U]),
        ("x".repeat(129), [B; COLUMNS]),
        ("\u{e4}".repeat(128), [U, U, U, J, J, J, U]),
        (format!("public:{}", "y".repeat(121)), [J; COLUMNS]),
        (format!("public:{}", "y".repeat(122)), [B; COLUMNS]),
    ];
    TABLE.iter().map(|(name, cells)| ((*name).to_owned(), *cells)).chain(long).collect()
}
