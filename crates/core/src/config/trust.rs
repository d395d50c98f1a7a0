//! Who may reach what by the addresses and keys alone (decisions.md 23), and what a reload cannot change (26).

use tollgate_ir::{Fault, FaultKind};

use super::Config;

/// How the data plane tells who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Whoever reaches it: loopback without keys. Credentials that come are ignored; Host must be a loopback name and
    /// Origin absent or allowed.
    Loopback,
    /// Who has a declared key.
    Keys,
    /// Nobody, until a key exists: off loopback with an admin key alone.
    Nobody,
}

/// How the data plane tells who may call.
pub fn trust(config: &Config) -> Trust {
    match (config.keys.is_empty(), config.server.listen.ip().is_loopback()) {
        (false, _) => Trust::Keys,
        (true, true) => Trust::Loopback,
        (true, false) => Trust::Nobody,
    }
}

/// Whether the admin API is served at all: with an admin key, or on loopback without any keys.
pub fn serves_admin(config: &Config) -> bool {
    let address = config.server.admin.unwrap_or(config.server.listen);
    !config.admin_keys.is_empty() || config.keys.is_empty() && address.ip().is_loopback()
}

/// Refuses to open what nothing protects.
pub fn check_bind(config: &Config) -> Result<(), Fault> {
    let unprotected = |address: std::net::SocketAddr| {
        Err(Fault::new(
            FaultKind::UnsafeBind,
            format!(
                "{address} can be reached from other machines; set `keys` or `admin` (TOLLGATE_KEYS, TOLLGATE_ADMIN_KEY), \
                 or listen on 127.0.0.1"
            ),
        ))
    };
    let listen = config.server.listen;
    if !listen.ip().is_loopback() && config.keys.is_empty() && config.admin_keys.is_empty() {
        return unprotected(listen);
    }
    match config.server.admin {
        Some(admin) if !admin.ip().is_loopback() && config.admin_keys.is_empty() => unprotected(admin),
        _ => Ok(()),
    }
}

/// What differs between two configurations and yet stays as it was until a restart.
pub fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let mut found = Vec::new();
    if old.server.listen != new.server.listen {
        found.push("server.listen");
    }
    if old.server.admin != new.server.admin {
        found.push("server.admin");
    }
    if old.server.tls.is_some() != new.server.tls.is_some() {
        found.push("server.tls");
    }
    if old.server.reuse_port != new.server.reuse_port {
        found.push("server.reuse_port");
    }
    found
}
