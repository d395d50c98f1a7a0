//! Changes of the configuration file, of the secret files that it names, and of certificates: put in force when their
//! content changes. The folders are watched, since editors and Kubernetes replace files.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tollgate_server::app::Gateway;
use tollgate_server::listen::Certificate;

use crate::configure::Source;

/// Changes come in bursts; this long after the last one the files are read.
const SETTLE: Duration = Duration::from_millis(200);

/// Watches what the configuration is made of; dropping the watcher ends it. `None` where there is nothing to watch.
pub fn watch(gateway: &Gateway, source: &Source, certificate: Option<&Certificate>) -> Option<RecommendedWatcher> {
    let fixed: Vec<PathBuf> = source
        .file()
        .cloned()
        .into_iter()
        .chain(certificate.into_iter().flat_map(|c| [c.files().chain.clone(), c.files().key.clone()]))
        .collect();
    if fixed.is_empty() {
        return None;
    }
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|e| !e.kind.is_access()) {
            // Full means that a reload is due already.
            let _ = tell.try_send(());
        }
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(why) => {
            tracing::warn!(%why, "changes of the configuration are not noticed; send SIGHUP or POST /api/v1/reload");
            return None;
        }
    };
    let files = move |gateway: &Gateway| -> Vec<PathBuf> {
        fixed.iter().cloned().chain(gateway.state().config.files.iter().map(PathBuf::from)).collect()
    };
    let folders: BTreeSet<PathBuf> = files(gateway).iter().filter_map(|file| folder(file)).collect();
    for folder in folders {
        if let Err(why) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%why, folder = %folder.display(), "changes in this folder are not noticed");
        }
    }
    let gateway = gateway.clone();
    let tasks = gateway.tasks().clone();
    tasks.background("watch", async move {
        let mut known = fingerprint(&files(&gateway));
        while told.recv().await.is_some() {
            tokio::time::sleep(SETTLE).await;
            while told.try_recv().is_ok() {}
            let mut fresh = fingerprint(&files(&gateway));
            // A file that is being written is empty for a moment: only what stays as it is counts.
            while fresh != known {
                tokio::time::sleep(SETTLE).await;
                let again = fingerprint(&files(&gateway));
                if again == fresh {
                    known = fresh;
                    reload(&gateway);
                } else {
                    fresh = again;
                }
            }
        }
    });
    Some(watcher)
}

/// Reloads, and says in the log how it went.
pub fn reload(gateway: &Gateway) {
    if let Err(why) = gateway.reload() {
        tracing::error!("the configuration was not reloaded, the old one stays in force:\n{why}");
    }
}

fn folder(file: &Path) -> Option<PathBuf> {
    let parent = file.parent()?;
    Some(if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_path_buf() })
}

fn fingerprint(files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files {
        std::fs::read(file).ok().hash(&mut hasher);
    }
    hasher.finish()
}
