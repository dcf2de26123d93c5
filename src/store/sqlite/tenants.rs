//! Tenants, keys and settings as rows.

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{of_tenant, unsigned};
use crate::config::TenantRecord;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::store::{KeyAge, StoreError};

pub fn mirror(to: &Connection, tenants: &[TenantRecord], now: Timestamp) -> Result<(), StoreError> {
    to.execute("UPDATE tenants SET listed = 0 WHERE listed", [])?;
    to.execute("UPDATE tenant_keys SET active = 0 WHERE active", [])?;
    for tenant in tenants {
        let count: i64 = to.query_row("SELECT count(*) FROM tenants", [], |row| row.get(0))?;
        let sql = "INSERT INTO tenants (tenant, name, listed, tag) VALUES (?1, ?2, 1, ?3)
                   ON CONFLICT (tenant) DO UPDATE SET name = excluded.name, listed = 1";
        to.prepare_cached(sql)?.execute(params![tenant.id, tenant.name, tag(unsigned(count))])?;
        for key in &tenant.keys {
            let sql = "INSERT INTO tenant_keys (tenant, digest, active, first_seen) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (tenant, digest) DO UPDATE SET active = excluded.active";
            let row = params![tenant.id, key.digest.as_bytes(), key.active, now.millis()];
            to.prepare_cached(sql)?.execute(row)?;
        }
    }
    Ok(())
}

/// Three characters of the private use area, that have no case and stand in no text of note. Tenants are
/// never removed, so their number is free.
fn tag(number: u64) -> String {
    let digit = |place: u32| {
        let digit = u32::try_from((number >> (12 * place)) & 0xfff).expect("twelve bits");
        char::from_u32(0xE000 + digit).expect("U+E000 to U+EFFF are characters")
    };
    [digit(2), digit(1), digit(0)].iter().collect()
}

/// For what no foreign key holds.
pub fn must_exist(from: &Connection, tenant: &Id) -> Result<(), StoreError> {
    let exists = from.prepare_cached("SELECT 1 FROM tenants WHERE tenant = ?1")?.exists([tenant.as_str()])?;
    if exists { Ok(()) } else { Err(StoreError::UnknownTenant(tenant.to_string())) }
}

pub fn keys(from: &Connection, tenant: &Id) -> Result<Vec<KeyAge>, StoreError> {
    let sql = "SELECT lower(hex(substr(digest, 1, 4))), active, first_seen FROM tenant_keys
               WHERE tenant = ?1 ORDER BY first_seen, digest";
    let mut keys = from.prepare_cached(sql)?;
    let keys = keys.query_map([tenant.as_str()], |row| {
        let first_seen = Timestamp::from_millis(row.get(2)?);
        Ok(KeyAge { fingerprint: row.get(0)?, active: row.get(1)?, first_seen })
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}

pub fn setting(from: &Connection, tenant: &Id, name: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM settings WHERE tenant = ?1 AND name = ?2";
    let value = from.prepare_cached(sql)?.query_row(params![tenant.as_str(), name], |row| row.get(0));
    Ok(value.optional()?)
}

pub fn set_setting(to: &Connection, tenant: &Id, name: &str, value: Option<&str>) -> Result<(), StoreError> {
    let done = match value {
        Some(value) => to
            .prepare_cached("INSERT OR REPLACE INTO settings (tenant, name, value) VALUES (?1, ?2, ?3)")?
            .execute(params![tenant.as_str(), name, value]),
        None => to
            .prepare_cached("DELETE FROM settings WHERE tenant = ?1 AND name = ?2")?
            .execute(params![tenant.as_str(), name]),
    };
    done.map(|_| ()).map_err(|error| of_tenant(error, tenant.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tenants_share_a_tag() {
        let numbers = (0..10_000).chain([1 << 24, (1 << 36) - 1]);
        let tags: std::collections::BTreeSet<String> = numbers.map(tag).collect();
        assert_eq!(tags.len(), 10_002);
        assert!(tags.iter().all(|tag| tag.chars().count() == 3));
    }
}
