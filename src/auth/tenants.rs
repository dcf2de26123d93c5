//! Tenant keys: whose a key is, by its SHA-256 (contract D-01).

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{KeyDigest, MAX_KEY_BYTES, TenantRecord};
use crate::domain::id::Id;
use crate::domain::tenant::{Permissions, Tenant};

/// Every key that opens a door. Bounded by the settings it is made of.
pub struct Tenants {
    holders: HashMap<KeyDigest, Holder>,
}

/// Whose a key is, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub tenant: Arc<Tenant>,
    pub permissions: Arc<Permissions>,
}

impl Tenants {
    pub fn from_records(records: &[TenantRecord]) -> Tenants {
        let holders = records.iter().flat_map(|record| {
            let tenant = Arc::new(tenant(record));
            let active = record.keys.iter().filter(|key| key.active);
            active.map(move |key| {
                let permissions = Arc::new(permissions(key.permissions.as_deref()));
                (key.digest, Holder { tenant: Arc::clone(&tenant), permissions })
            })
        });
        Tenants { holders: holders.collect() }
    }

    /// Whose key this is. An inactive key is as unknown as one that never was.
    ///
    /// The time this takes tells nothing of a key: what is compared are hashes, and who cannot invert
    /// SHA-256 cannot choose them.
    pub fn find(&self, key: &[u8]) -> Option<Holder> {
        if key.len() > MAX_KEY_BYTES {
            return None;
        }
        self.holders.get(&KeyDigest::of(key)).cloned()
    }
}

fn tenant(record: &TenantRecord) -> Tenant {
    let id = |text: &str| Id::parse(text).expect("the settings refuse what is no id");
    Tenant {
        id: id(&record.id),
        name: record.name.as_deref().map(Arc::from),
        organization: record.organization_id.as_deref().map(id),
        max_connections: record.max_connections,
        messages_per_second: record.messages_per_second,
    }
}

fn permissions(names: Option<&[String]>) -> Permissions {
    names.map_or(Permissions::ALL, |names| {
        Permissions::only(names).expect("the settings refuse longer names and lists")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::domain::tenant::{MAX_PERMISSION, MAX_PERMISSIONS};
    use sha2::{Digest, Sha256};

    /// The settings with this `TENANTS_FILE`, if they are good.
    fn settings(name: &str, file: &str) -> Option<Settings> {
        let name = format!("auth-tenants-{}-{name}.json", std::process::id());
        let path = std::env::current_exe().unwrap().with_file_name(name);
        std::fs::write(&path, file).unwrap();
        let settings = Settings::from_map(&[("TENANTS_FILE", path.to_str().unwrap())]);
        std::fs::remove_file(&path).unwrap();
        settings.ok()
    }

    #[test]
    fn a_key_leads_to_its_tenant_and_its_rights() {
        let file = r#"[
            {"id": "a", "name": "A", "organization_id": "org_1",
             "limits": {"max_connections": 2, "messages_per_second": 3},
             "keys": [
                {"key": "all", "active": true},
                {"key": "some", "active": true, "permissions": ["get_leads"]},
                {"key": "nothing", "active": true, "permissions": []},
                {"key": "revoked", "active": false}
             ]},
            {"id": "b", "name": "B", "keys": [{"key": "other", "active": true}]}
        ]"#;
        let tenants = Tenants::from_records(&settings("holders", file).unwrap().tenants);
        let find = |key: &str| tenants.find(key.as_bytes());

        let (all, some, other) = (find("all").unwrap(), find("some").unwrap(), find("other").unwrap());
        let a = Tenant {
            id: Id::parse("a").unwrap(),
            name: Some("A".into()),
            organization: Id::parse("org_1"),
            max_connections: Some(2),
            messages_per_second: std::num::NonZeroU32::new(3),
        };
        assert_eq!(*all.tenant, a);
        assert!(Arc::ptr_eq(&all.tenant, &some.tenant), "one tenant, however many keys");
        assert_eq!(other.tenant.id.as_str(), "b");
        assert_eq!((other.tenant.max_connections, &other.tenant.organization), (None, &None));
        assert!(all.permissions.allows("get_leads") && all.permissions.allows("backup"));
        assert!(some.permissions.allows("get_leads") && !some.permissions.allows("backup"));
        assert!(!find("nothing").unwrap().permissions.allows("get_leads"));
    }

    #[test]
    fn unknown_and_inactive_keys_are_refused_alike() {
        let long = "k".repeat(MAX_KEY_BYTES);
        let file = format!(
            r#"[{{"id": "a", "name": "A", "keys": [
                {{"key": "good", "active": true}}, {{"key": "revoked", "active": false}},
                {{"key": "{long}", "active": true}}]}}]"#
        );
        let tenants = Tenants::from_records(&settings("refused", &file).unwrap().tenants);

        assert!(tenants.find(b"good").is_some() && tenants.find(long.as_bytes()).is_some());
        let too_long = long + "k";
        let digest = KeyDigest::of(b"good");
        for key in ["", "revoked", "Good", "good ", "goo", "a", &too_long, &format!("{digest:?}")] {
            assert_eq!(tenants.find(key.as_bytes()), None, "{key}");
        }
        // The hash of `good`: whoever reads the file has no key.
        let hash = "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c";
        assert_eq!(tenants.find(hash.as_bytes()), None);
        assert_eq!(tenants.find(b"\xff\x00"), None);
    }

    #[test]
    fn a_key_beyond_the_bound_is_not_looked_at() {
        let opens = |length: usize| {
            let key = "k".repeat(length);
            let hash: String = Sha256::digest(&key).iter().map(|byte| format!("{byte:02x}")).collect();
            let key_of_file = serde_json::json!({"sha256": hash, "active": true});
            let file = serde_json::json!([{"id": "t", "name": "T", "keys": [key_of_file]}]).to_string();
            let tenants = Tenants::from_records(&settings("bound", &file).unwrap().tenants);
            tenants.find(key.as_bytes()).is_some()
        };
        assert!(opens(MAX_KEY_BYTES) && !opens(MAX_KEY_BYTES + 1));
    }

    #[test]
    fn the_demo_keys_open_in_development() {
        let tenants = Tenants::from_records(&Settings::default().tenants);
        let id = |key: &str| tenants.find(key.as_bytes()).map(|holder| holder.tenant.id.to_string());

        assert_eq!(id("demo-tenant-key-1").as_deref(), Some("demo1"));
        assert_eq!(id("demo-tenant-key-1-long-enough-for-secure").as_deref(), Some("demo1"));
        assert_eq!(id("demo-tenant-key-2").as_deref(), Some("demo2"));
        assert_eq!(id("demo-tenant-key-3"), None);
    }

    #[test]
    fn the_settings_take_the_ids_that_the_domain_takes() {
        for character in (0..=0x17f).filter_map(char::from_u32) {
            let id = format!("a{character}");
            let file = serde_json::json!([{"id": id, "name": "T", "organization_id": id, "keys": []}]);
            let taken = settings("ids", &file.to_string()).map(|settings| settings.tenants);
            assert_eq!(taken.is_some(), Id::parse(&id).is_some(), "{id:?}");
            // Does not panic.
            Tenants::from_records(&taken.unwrap_or_default());
        }
    }

    #[test]
    fn the_settings_take_the_permissions_that_the_domain_takes() {
        let cases = [
            (MAX_PERMISSIONS, MAX_PERMISSION, true),
            (MAX_PERMISSIONS + 1, 3, false),
            (1, MAX_PERMISSION + 1, false),
        ];
        for (count, length, is_good) in cases {
            let names: Vec<String> = (0..count).map(|number| format!("{number:p>length$}")).collect();
            let key = serde_json::json!({"key": "k", "active": true, "permissions": names});
            let file = serde_json::json!([{"id": "t", "name": "T", "keys": [key]}]).to_string();
            let taken = settings("permissions", &file).map(|settings| settings.tenants);
            assert_eq!((taken.is_some(), Permissions::only(&names).is_some()), (is_good, is_good), "{count}");
            let tenants = Tenants::from_records(&taken.unwrap_or_default());
            assert!(tenants.find(b"k").is_none_or(|holder| holder.permissions.allows(&names[0])));
        }
    }
}
