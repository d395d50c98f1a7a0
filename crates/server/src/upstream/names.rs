//! Addresses of providers' names, kept between connections: the system's resolver tells no lifetimes and may take seconds.
//!
//! Invariant: a name that is in use is asked anew in the background, and its answer holds up no call: calls wait for a name's
//! first answer, and when its addresses do not answer or could not be renewed for long.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connect::resolve;
use crate::tasks::Tasks;

/// Older answers are asked for anew: half the lifetime that large providers give theirs.
const FRESH: Duration = Duration::from_secs(30);

/// What could not be renewed for so long is waited for.
const OLD: Duration = Duration::from_secs(600);

/// A name that nobody used for so long is forgotten.
const UNUSED: Duration = Duration::from_secs(3600);

type Answer = io::Result<Vec<SocketAddr>>;
type Resolver = dyn Fn(String, u16) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync;

/// The names. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(super) struct Names {
    inner: Arc<Inner>,
}

struct Inner {
    known: Mutex<HashMap<(String, u16), Known>>,
    resolver: Box<Resolver>,
    tasks: Tasks,
}

struct Known {
    addresses: Vec<SocketAddr>,
    since: Instant,
    used: Instant,
    asking: bool,
}

/// Where a name leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) addresses: Vec<SocketAddr>,
    /// It was known before.
    pub(super) kept: bool,
}

impl Names {
    /// As the system's resolver says.
    pub(super) fn new(tasks: &Tasks) -> Self {
        Self::by(tasks, |host, port| Box::pin(async move { resolve(&host, port).await }))
    }

    fn by(
        tasks: &Tasks,
        resolver: impl Fn(String, u16) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner { known: Mutex::default(), resolver: Box::new(resolver), tasks: tasks.clone() };
        Self { inner: Arc::new(inner) }
    }

    /// The addresses of a host.
    ///
    /// # Errors
    ///
    /// The resolver's, if nothing is known.
    pub(super) async fn get(&self, host: &str, port: u16) -> io::Result<Found> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Found { addresses: vec![SocketAddr::new(address, port)], kept: false });
        }
        if let Some(addresses) = self.kept(host, port) {
            return Ok(Found { addresses, kept: true });
        }
        Ok(Found { addresses: self.ask(host, port).await?, kept: false })
    }

    /// Asks anew, whatever is known.
    pub(super) async fn ask(&self, host: &str, port: u16) -> Answer {
        let answer = (self.inner.resolver)(host.to_owned(), port).await;
        let mut known = self.known();
        let entry = known.get_mut(&(host.to_owned(), port));
        match (&answer, entry) {
            (Ok(addresses), Some(entry)) => {
                entry.addresses.clone_from(addresses);
                (entry.since, entry.asking) = (Instant::now(), false);
            }
            (Ok(addresses), None) => {
                let now = Instant::now();
                let entry = Known { addresses: addresses.clone(), since: now, used: now, asking: false };
                known.insert((host.to_owned(), port), entry);
            }
            (Err(_), Some(entry)) => entry.asking = false,
            (Err(_), None) => {}
        }
        answer
    }

    /// Begins to ask for what is no longer fresh, and forgets what nobody uses.
    pub(super) fn renew(&self) {
        let mut stale = Vec::new();
        self.known().retain(|name, known| {
            if known.since.elapsed() >= FRESH && !known.asking {
                known.asking = true;
                stale.push(name.clone());
            }
            known.used.elapsed() < UNUSED
        });
        for (host, port) in stale {
            let names = self.clone();
            self.inner.tasks.background("dns", async move {
                if let Err(error) = names.ask(&host, port).await {
                    tracing::debug!(host, %error, "the name could not be asked anew; its last addresses are used");
                }
            });
        }
    }

    fn kept(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let mut known = self.known();
        let entry = known.get_mut(&(host.to_owned(), port))?;
        entry.used = Instant::now();
        (entry.since.elapsed() < OLD).then(|| entry.addresses.clone())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(String, u16), Known>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("known", &self.known().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use super::*;

    /// Takes a second for each answer; the address's port counts the answers. Above `fails_after`, it fails.
    fn slow(fails_after: u16) -> (Names, Arc<AtomicU16>) {
        let asked = Arc::new(AtomicU16::new(0));
        let count = Arc::clone(&asked);
        let names = Names::by(&Tasks::new(), move |_, _| {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if number > fails_after {
                    return Err(io::Error::other("no answer"));
                }
                Ok(vec![SocketAddr::from(([10, 0, 0, 1], number))])
            })
        });
        (names, asked)
    }

    /// The answer's number, and how long it took.
    async fn get(names: &Names) -> (u16, Duration) {
        let began = Instant::now();
        let found = names.get("provider.example", 443).await.unwrap();
        (found.addresses[0].port(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_asked_anew_while_calls_go_on() {
        let (names, asked) = slow(u16::MAX);
        assert_eq!(get(&names).await, (1, Duration::from_secs(1)));
        names.renew();
        assert_eq!(get(&names).await, (1, Duration::ZERO));
        assert_eq!(asked.load(Ordering::Relaxed), 1, "it is fresh");
        tokio::time::sleep(FRESH).await;
        names.renew();
        names.renew();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(get(&names).await, (1, Duration::ZERO), "nobody waits for the resolver");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(get(&names).await, (2, Duration::ZERO));
        assert_eq!(asked.load(Ordering::Relaxed), 2, "it is asked once at a time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_resolver_that_fails_takes_no_address_away_for_long() {
        let (names, _) = slow(1);
        get(&names).await;
        tokio::time::sleep(FRESH).await;
        names.renew();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(get(&names).await, (1, Duration::ZERO));
        tokio::time::sleep(OLD).await;
        assert!(names.get("provider.example", 443).await.is_err());
        tokio::time::sleep(UNUSED).await;
        names.renew();
        assert!(names.known().is_empty());
    }

    #[tokio::test]
    async fn addresses_are_nobodys_question() {
        let (names, asked) = slow(0);
        for (host, expected) in [("127.0.0.1", "127.0.0.1:7"), ("[::1]", "[::1]:7")] {
            let found = names.get(host, 7).await.unwrap();
            assert_eq!(found, Found { addresses: vec![expected.parse().unwrap()], kept: false });
        }
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }
}
