//! An environment, files and a way to scripted servers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tollgate_core::config::Surroundings;
use tollgate_testkit::{Received, Script, ScriptedUpstream};

use super::super::*;
use crate::tasks::Tasks;
use crate::upstream::{EgressConfig, PoolSettings};

/// What a credential is looked for in.
pub struct Scene {
    upstream: Upstream,
    egress: Egress,
    folder: TempDir,
    variables: HashMap<String, String>,
}

/// 2026-11-25 00:00:00 UTC.
pub fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_564_800)
}

impl Scene {
    /// No variable is set but `HOME`, and its folder is empty. Nobody answers where metadata servers would be.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nobody = "http://127.0.0.1:1";
        let variables = [
            ("HOME", folder.path().to_str().unwrap()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", nobody),
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", nobody),
            ("GCE_METADATA_HOST", "127.0.0.1:1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self {
            upstream: Upstream::new(PoolSettings::default(), &Tasks::new()),
            egress: Egress::new(&EgressConfig::default()).unwrap(),
            folder,
            variables,
        }
    }

    pub fn with(mut self, variables: &[(&str, &str)]) -> Self {
        self.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file under `HOME`; its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn at(&self, now: SystemTime) -> Transport<'_> {
        Transport { upstream: &self.upstream, egress: &self.egress, now }
    }

    pub fn now(&self) -> Transport<'_> {
        self.at(noon())
    }
}

impl Surroundings for Scene {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|e| e.to_string())
    }
}

/// The fields of a form.
pub fn form_of(request: &Received) -> HashMap<String, String> {
    let text = std::str::from_utf8(&request.body).unwrap();
    pairs(text)
}

/// The fields of a query.
pub fn query_of(request: &Received) -> HashMap<String, String> {
    pairs(request.target.split_once('?').map_or("", |(_, query)| query))
}

fn pairs(text: &str) -> HashMap<String, String> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (plain(name), plain(value)));
    text.split('&').filter_map(pair).collect()
}

/// Without percent-encoding.
pub fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A token endpoint that gives `token-1`, `token-2` … for an hour to whom `admits` lets in.
pub async fn token_endpoint(admits: impl Fn(&Received) -> bool + Send + Sync + 'static) -> ScriptedUpstream {
    let count = std::sync::atomic::AtomicUsize::new(0);
    ScriptedUpstream::choosing(move |request| {
        if !admits(request) {
            return Script::json(401, r#"{"error":"invalid_client","error_description":"no such client"}"#);
        }
        let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        Script::json(200, format!(r#"{{"access_token":"token-{n}","token_type":"Bearer","expires_in":3600}}"#))
    })
    .await
}

/// What a source gave, or what is said of why not.
pub async fn got<T: Clone + PartialEq + Send>(source: &Renewing<T>, scene: &Scene) -> Result<T, String> {
    source.get(scene.now()).await.map(|(value, _)| value).map_err(|fault| fault.public)
}
