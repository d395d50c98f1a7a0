//! A configured provider, ready to be asked: the ways it can be spoken to, its credentials, the way to it.

use std::sync::{Arc, OnceLock};

use http::uri::InvalidUri;
use http::{HeaderName, HeaderValue, Uri};
use tollgate_core::Map;
use tollgate_core::catalogue::{Capability, Catalogue, Offer};
use tollgate_core::config::{self, Config, Modality, Surroundings};
use tollgate_core::money::{Nanos, Price, Rates};
use tollgate_ir::{Dialect, Fault, FaultKind, MediaKind};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::openai_chat::Takes;
use tollgate_wire::ops::count::Counter;
use tollgate_wire::ops::{embed, rerank};
use tollgate_wire::providers::{self, Auth, Operations};
use tollgate_wire::relay::ControlFields;
use tollgate_wire::target::ModelFacts;

use crate::credentials::{Configured, Credential, Place, configured};
use crate::simulate;
use crate::upstream::{ClientIdentity, Egress, EgressConfig};
use crate::ways;
pub use crate::ways::Way;

/// A provider, ready to be asked.
#[derive(Debug)]
pub struct Provider {
    /// Its id in the configuration.
    pub id: Arc<str>,
    /// It is the built-in simulation.
    pub simulated: bool,
    /// The way there.
    pub egress: Egress,
    /// The same for what leaves HTTP, which HTTP/2 cannot.
    pub upgrades: Egress,
    /// The operator's credentials, in the order of the configuration's keys; never empty.
    pub credentials: Vec<Credential>,
    /// Where the client's own credential stands, where that is asked for.
    pub passthrough: Option<Place>,
    /// How long to wait.
    pub timeouts: config::Timeouts,
    /// Headers on every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What it makes of other gateways' fields.
    pub control: ControlFields,
    /// What happens to parameters that its models do not take.
    pub unsupported: Option<config::Unsupported>,
    /// What it does beside chat.
    pub operations: Operations,
    main: Way,
    ways: Vec<Way>,
    /// The address of the first call, as text and read. It is that of most calls, which need not read theirs.
    usual: OnceLock<(String, Uri)>,
    host: Option<&'static [Takes]>,
    models: Map<String, Model>,
    /// The catalogue, and the id under which it has the provider's models.
    catalogue: (Arc<Catalogue>, Option<&'static str>),
}

#[derive(Clone, Debug, Default)]
struct Model {
    facts: ModelFacts,
    price: Option<Price>,
    dialect: Option<Dialect>,
}

impl Provider {
    /// Builds what the configuration says. A fault names what is wrong with it (a certificate that cannot be read, a
    /// missing region).
    pub fn new(provider: &config::Provider, around: &dyn Surroundings) -> Result<Self, Fault> {
        let known = provider.known.and_then(providers::find);
        let (main, ways) = ways::of(provider, known, around)?;
        let auth = match known {
            Some(known) => known.auth,
            None => Auth::usual(main.dialect),
        };
        let Configured { credentials, passthrough } = configured(provider, auth, around)?;
        Ok(Self {
            id: provider.id.clone(),
            simulated: false,
            egress: egress(provider, around, true)?,
            upgrades: egress(provider, around, false)?,
            credentials,
            passthrough,
            timeouts: provider.timeouts,
            headers: headers(provider, known)?,
            control: known.map_or(ControlFields::Keep, |k| k.control),
            unsupported: provider.unsupported_params,
            operations: known.map_or(Operations::USUAL, |k| Operations::of(k.id)),
            main,
            ways,
            usual: OnceLock::new(),
            host: known.map(|k| k.chat),
            models: provider.models.iter().map(|(name, facts)| (name.clone(), model(facts))).collect(),
            catalogue: (Catalogue::bundled(), provider.catalogued),
        })
    }

    /// The built-in simulation.
    pub fn simulated() -> Result<Self, Fault> {
        let way = Way::plain(Dialect::OpenAiChat, Carriage::Own, String::new());
        Ok(Self {
            id: config::SIMULATED.into(),
            simulated: true,
            egress: Egress::new(&EgressConfig::default())?,
            upgrades: Egress::new(&EgressConfig::default())?,
            credentials: vec![Credential::None],
            passthrough: None,
            timeouts: config::Timeouts::default(),
            headers: Vec::new(),
            control: ControlFields::Cut,
            unsupported: None,
            operations: Operations::USUAL,
            main: way.clone(),
            ways: vec![way],
            usual: OnceLock::new(),
            host: None,
            models: simulate::MODELS.iter().map(|m| (m.name.to_owned(), simulated_model())).collect(),
            catalogue: (Catalogue::bundled(), None),
        })
    }

    /// An address there: what stands before the path, and path and query.
    ///
    /// # Errors
    ///
    /// They make no URI.
    pub fn uri(&self, base_url: &str, path: &str) -> Result<Uri, InvalidUri> {
        if let Some((text, uri)) = self.usual.get()
            && text.strip_prefix(base_url) == Some(path)
        {
            return Ok(uri.clone());
        }
        let text = format!("{base_url}{path}");
        let uri = Uri::try_from(text.as_str())?;
        let _ = self.usual.set((text, uri.clone()));
        Ok(uri)
    }

    /// The way to ask for a model: the face's own dialect if it is spoken, so that the call is relayed; else the one
    /// that suits the model best.
    pub fn way(&self, face: Dialect, model: &str) -> Option<&Way> {
        let fits = || self.ways.iter().filter(|way| way.serves(model));
        if let Some(way) = fits().find(|way| way.dialect == face) {
            return Some(way);
        }
        let wanted = self.models.get(model).and_then(|m| m.dialect).or_else(|| {
            // OpenAI's reasoning models keep their reasoning between calls only over Responses.
            providers::is_openai_reasoner(model).then_some(Dialect::OpenAiResponses)
        });
        wanted.and_then(|dialect| fits().find(|way| way.dialect == dialect)).or_else(|| fits().next())
    }

    /// The way to who counts the tokens of chats with a model: a counter of the host's own, which is known to be there;
    /// else the one of the face's dialect, so that the call is relayed; else the one by which such models are asked.
    pub fn counts(&self, face: Dialect, model: &str) -> Option<(&Way, &'static Counter)> {
        let counters = || self.ways.iter().filter(|way| way.serves(model)).filter_map(|way| Some((way, way.counter?)));
        let own = counters().find(|(_, counter)| counter.is_hosts_own());
        let own = own.or_else(|| counters().find(|(way, _)| way.dialect == face));
        own.or_else(|| counters().find(|(way, _)| !way.serves_all())).or_else(|| counters().next())
    }

    /// The way for vectors by a model: in the client's own words if they are spoken there.
    pub fn embeds(&self, face: embed::Protocol, model: &str) -> Option<(&Way, embed::Protocol)> {
        let of = |way: &Way| match self.operations.embed {
            Some(protocol) => (protocol.dialect() == way.dialect).then_some(protocol),
            None => embed::Protocol::of(way.dialect, model),
        };
        self.in_words(face, of)
    }

    /// The way for reranking by a model.
    pub fn reranks(&self, face: rerank::Protocol, model: &str) -> Option<(&Way, rerank::Protocol)> {
        let of = |way: &Way| match self.operations.rerank {
            Some(protocol) => (protocol.dialect() == way.dialect).then_some(protocol),
            None => rerank::Protocol::of(way.dialect, model),
        };
        self.in_words(face, of)
    }

    /// The client's own words if they are spoken, else the first. A host with a dialect of its own has OpenAI's for chat:
    /// what is beside it is asked in its own.
    fn in_words<P: PartialEq>(&self, face: P, of: impl Fn(&Way) -> Option<P>) -> Option<(&Way, P)> {
        use Dialect::{Bedrock, Cohere, Gemini, Ollama};
        let own = self.ways.iter().any(|way| matches!(way.dialect, Bedrock | Cohere | Gemini | Ollama));
        let ways = || self.ways.iter().filter(|way| !own || way.dialect != Dialect::OpenAiChat);
        let all = || ways().filter_map(|way| Some((way, of(way)?)));
        all().find(|(_, protocol)| *protocol == face).or_else(|| all().next())
    }

    /// The way in a dialect, whatever the model: none that only some models are asked by (Claude on Bedrock), since what
    /// has no model does not exist there.
    pub fn way_in(&self, dialect: Dialect) -> Option<&Way> {
        self.ways.iter().find(|way| way.dialect == dialect && way.serves_all())
    }

    /// The way for requests that are handed through as they are.
    pub fn main_way(&self) -> &Way {
        &self.main
    }

    /// What is known of a model: what the operator says, and where nothing, what the catalogue says.
    pub fn facts(&self, model: &str) -> ModelFacts {
        let mut facts = self.models.get(model).map(|m| m.facts.clone()).unwrap_or_default();
        if let Some(offer) = self.offer(model) {
            facts.max_output = facts.max_output.or_else(|| offer.max_output());
            facts.media = facts.media.or_else(|| offered_media(&offer));
            facts.forced_tool = facts.forced_tool.or_else(|| offer.can(Capability::ForcedTool));
        }
        ModelFacts { host: self.host, ..facts }
    }

    /// What a model costs: as the operator says, else as the catalogue.
    pub fn price(&self, model: &str) -> Option<Price> {
        let own = self.models.get(model).and_then(|m| m.price.clone());
        own.or_else(|| self.offer(model)?.price())
    }

    /// What the catalogue knows of a model.
    pub fn offer(&self, model: &str) -> Option<Offer<'_>> {
        let (catalogue, known) = &self.catalogue;
        catalogue.offer_of((*known)?, model)
    }

    /// The models that the configuration names.
    pub fn model_names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }
}

fn egress(provider: &config::Provider, around: &dyn Surroundings, http2: bool) -> Result<Egress, Fault> {
    let variable = |names: [&str; 2]| names.iter().find_map(|n| around.variable(n)).filter(|v| !v.is_empty());
    let read = |path: &str| {
        around
            .file(path)
            .map(String::into_bytes)
            .map_err(|e| misconfigured(provider, &format!("`{path}` cannot be read: {e}")))
    };
    let own = provider.proxy.as_ref().map(|p| p.expose().to_owned());
    let identity = provider
        .client_cert
        .as_ref()
        .map(|files| Ok::<_, Fault>(ClientIdentity { chain: read(&files.cert)?, key: read(&files.key)? }))
        .transpose()?;
    Egress::new(&EgressConfig {
        https_proxy: own.clone().or_else(|| variable(["HTTPS_PROXY", "https_proxy"])),
        http_proxy: own.or_else(|| variable(["HTTP_PROXY", "http_proxy"])),
        no_proxy: variable(["NO_PROXY", "no_proxy"]).unwrap_or_default(),
        extra_ca: provider.ca.as_deref().map(read).transpose()?,
        identity,
        http2,
        ..EgressConfig::default()
    })
}

/// The record's headers, unless the operator sets them, and the operator's.
fn headers(
    provider: &config::Provider,
    known: Option<&'static providers::Provider>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Fault> {
    let usual = known.map_or(&[][..], |known| known.headers).iter();
    let usual = usual.filter(|(name, _)| !provider.headers.iter().any(|(own, _)| own == name));
    let usual = usual.map(|(name, value)| Ok((HeaderName::from_static(name), HeaderValue::from_static(value))));
    let own = provider.headers.iter().map(|(name, value)| {
        let bad = || misconfigured(provider, &format!("`headers.{name}` is no valid header"));
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| bad())?;
        value.set_sensitive(true);
        Ok((name.parse().map_err(|_| bad())?, value))
    });
    usual.chain(own).collect()
}

fn model(facts: &config::ModelFacts) -> Model {
    let media = facts.modalities.as_ref().map(|all| all.iter().filter_map(|m| media(*m)).collect());
    let forced = facts.capabilities.iter().find(|(capability, _)| *capability == Capability::ForcedTool);
    Model {
        facts: ModelFacts { max_output: facts.max_output, media, forced_tool: forced.map(|(_, can)| *can), host: None },
        price: facts.price.clone(),
        dialect: facts.dialect,
    }
}

/// The media that an offer takes. Who reads pictures reads documents, which sources often leave out.
fn offered_media(offer: &Offer<'_>) -> Option<Vec<MediaKind>> {
    let mut all: Vec<MediaKind> = offer.input()?.into_iter().filter_map(media).collect();
    if all.contains(&MediaKind::Image) && !all.contains(&MediaKind::Document) {
        all.push(MediaKind::Document);
    }
    Some(all)
}

/// One dollar a million tokens in, two out: so that costs are seen, and easy to check by head.
fn simulated_model() -> Model {
    let dollars = |n: i64| Nanos(n * 1_000_000_000);
    let rates = Rates { input: dollars(1), output: dollars(2), ..Rates::default() };
    Model { price: Some(Price { rates, ..Price::default() }), ..Model::default() }
}

const fn media(modality: Modality) -> Option<MediaKind> {
    match modality {
        Modality::Text => None,
        Modality::Image => Some(MediaKind::Image),
        Modality::Document => Some(MediaKind::Document),
        Modality::Audio => Some(MediaKind::Audio),
        Modality::Video => Some(MediaKind::Video),
    }
}

fn misconfigured(provider: &config::Provider, why: &str) -> Fault {
    Fault::new(FaultKind::ConfigInvalid, format!("providers.{}: {why}", provider.id))
}

/// All providers of a configuration, or all that is wrong with them.
pub fn all(config: &Config, around: &dyn Surroundings) -> Result<Map<Arc<str>, Provider>, Vec<Fault>> {
    let mut ready = Map::default();
    let mut faults = Vec::new();
    for provider in &config.providers {
        let made = if config.simulated && *provider.id == *config::SIMULATED {
            Provider::simulated()
        } else {
            Provider::new(provider, around)
        };
        match made {
            Ok(mut made) => {
                made.catalogue.0 = Arc::clone(&config.catalogue);
                ready.insert(provider.id.clone(), made);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(ready) } else { Err(faults) }
}
