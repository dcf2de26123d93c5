-- Every table but the audit trail begins its key with the tenant; times are milliseconds since 1970.

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    name   TEXT,
    -- Whether the settings still name it.
    listed INTEGER NOT NULL,
    -- Three characters that stand for the tenant in the index of texts: one trigram.
    tag    TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant_keys (
    tenant     TEXT NOT NULL REFERENCES tenants,
    digest     BLOB NOT NULL,
    active     INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    tenant TEXT NOT NULL REFERENCES tenants,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE leads (
    -- The order of storing, and what the index of texts knows a lead by.
    seq        INTEGER PRIMARY KEY,
    tenant     TEXT NOT NULL REFERENCES tenants,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    email      TEXT NOT NULL,
    company    TEXT,
    phone      TEXT,
    notes      TEXT,
    source     TEXT NOT NULL,
    status     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
-- Each ends, as every index does, with `seq`.
CREATE INDEX leads_by_time ON leads (tenant, created_at);
CREATE INDEX leads_by_status ON leads (tenant, status, created_at);
CREATE INDEX leads_by_source ON leads (tenant, source, status, created_at);

-- The texts themselves stand in `leads` alone.
CREATE VIRTUAL TABLE leads_text USING fts5 (
    tag, name, email, company, phone, notes,
    content = '', contentless_delete = 1, tokenize = 'trigram'
);
CREATE TRIGGER leads_text_insert AFTER INSERT ON leads BEGIN
    INSERT INTO leads_text (rowid, tag, name, email, company, phone, notes) VALUES (
        new.seq, (SELECT tag FROM tenants WHERE tenant = new.tenant),
        new.name, new.email, new.company, new.phone, new.notes);
END;
CREATE TRIGGER leads_text_delete AFTER DELETE ON leads BEGIN
    DELETE FROM leads_text WHERE rowid = old.seq;
END;
CREATE TRIGGER leads_text_update AFTER UPDATE OF name, email, company, phone, notes ON leads BEGIN
    DELETE FROM leads_text WHERE rowid = old.seq;
    INSERT INTO leads_text (rowid, tag, name, email, company, phone, notes) VALUES (
        new.seq, (SELECT tag FROM tenants WHERE tenant = new.tenant),
        new.name, new.email, new.company, new.phone, new.notes);
END;

CREATE TABLE journal (
    tenant  TEXT NOT NULL REFERENCES tenants,
    key     TEXT NOT NULL,
    body    BLOB NOT NULL,
    command TEXT NOT NULL,
    -- Whether the effect takes place outside of this file.
    outside INTEGER NOT NULL,
    -- Of which process it is, or was; empty after a restore.
    run     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    -- NULL while it is pending.
    answer  TEXT,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_by_time ON journal (tenant, at);

-- One chain over all tenants, so that none can be taken out of it.
CREATE TABLE audit_log (
    row     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    tenant  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    action  TEXT NOT NULL,
    actor   TEXT NOT NULL,
    success INTEGER NOT NULL,
    details TEXT NOT NULL,
    hash    BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_tenant ON audit_log (tenant, kind, at, action, success);

CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    row  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_head VALUES (1, 0, zeroblob(32));

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN
    SELECT raise(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN
    SELECT raise(ABORT, 'the audit trail is append-only');
END;
-- Also refuses INSERT OR REPLACE, which fires no trigger for what it deletes.
CREATE TRIGGER audit_log_next_row BEFORE INSERT ON audit_log
WHEN new.row IS NOT (SELECT row + 1 FROM audit_head) BEGIN
    SELECT raise(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_log_moves_head AFTER INSERT ON audit_log BEGIN
    UPDATE audit_head SET row = new.row, hash = new.hash;
END;
CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head BEGIN
    SELECT raise(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_head_no_insert BEFORE INSERT ON audit_head BEGIN
    SELECT raise(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head
WHEN new.row IS NOT old.row + 1 OR new.hash IS NOT (SELECT hash FROM audit_log WHERE row = new.row) BEGIN
    SELECT raise(ABORT, 'the audit trail is append-only');
END;
