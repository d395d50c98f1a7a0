//! Changes of the configuration file, of the secret files that it names, and of certificates: put in force when their
//! content changes. The folders are watched, since editors and Kubernetes replace files.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
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
    let files = move |gateway: &Gateway| -> Vec<PathBuf> {
        fixed.iter().cloned().chain(gateway.state().config.files.iter().map(PathBuf::from)).collect()
    };
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let linked = names(&files(gateway));
    let named = gateway.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let state = named.state();
        let files = state.config.files.iter().filter_map(|file| Path::new(file).file_name());
        if event.is_ok_and(|event| concerns(&event, |name| linked.contains(name) || files.clone().any(|n| n == name))) {
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

/// Whether a change may be one of these files. What is made, moved or removed beside them may be a link that stands
/// before them; what is written beside them, such as a log, is not.
fn concerns(event: &Event, names: impl Fn(&OsStr) -> bool) -> bool {
    match event.kind {
        EventKind::Access(_) => false,
        EventKind::Modify(ModifyKind::Data(_)) => event.paths.iter().filter_map(|path| path.file_name()).any(names),
        _ => true,
    }
}

/// The names of files, and of those that they are links to.
fn names(files: &[PathBuf]) -> BTreeSet<OsString> {
    let meant = files.iter().filter_map(|file| file.canonicalize().ok());
    let all: Vec<PathBuf> = files.iter().cloned().chain(meant).collect();
    all.iter().filter_map(|file| file.file_name()).map(OsString::from).collect()
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

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange};

    use super::*;

    #[test]
    fn a_log_beside_the_configuration_is_no_change_of_it() {
        let names = names(&[PathBuf::from("/etc/tollgate/tollgate.yaml")]);
        let written = |path: &str| {
            let kind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
            concerns(&Event::new(kind).add_path(path.into()), |name| names.contains(name))
        };
        assert!(written("/etc/tollgate/tollgate.yaml"));
        assert!(!written("/etc/tollgate/tollgate.log"));
        // Kubernetes changes a folder of links by a new one.
        let made = Event::new(EventKind::Create(CreateKind::Any)).add_path("/etc/tollgate/..data".into());
        assert!(concerns(&made, |name| names.contains(name)));
    }
}
