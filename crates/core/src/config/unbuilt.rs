//! Keys of the published configuration whose feature is not built yet: refused as such, so that no setting is silently
//! without effect. A feature that is built takes its key from here and adds a field.

/// Raw struct, key.
const UNBUILT: &[(&str, &str)] = &[
    ("RawConfig", "shared"),
    ("RawConfig", "cache"),
    ("RawConfig", "guards"),
    ("RawTeam", "budgets"),
    ("RawTeam", "limits"),
    ("RawTeam", "models"),
    ("RawKey", "limits"),
    ("RawKey", "budgets"),
    ("RawKey", "expires"),
    ("RawPolicy", "cache"),
    ("RawPolicy", "guards"),
    ("RawProvider", "on_disconnect"),
];

/// Whether a key that a struct does not have is one of a feature to come.
pub(super) fn is_unbuilt(raw: &str, key: &str) -> bool {
    UNBUILT.contains(&(raw, key))
}
