//! What is measured: cases, and in each the lanes that take turns.

use std::time::Duration;

use crate::subjects::{Running, Subject};
use crate::window::Spans;
use tollgate_bench::payload::{Face, Payload};

/// A way from client to upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// No proxy.
    Direct,
    /// nginx.
    Nginx,
    /// The gateway, the same dialect on both sides.
    Relay,
    /// The gateway, an OpenAI client and an Anthropic provider.
    ToAnthropic,
    /// The gateway, an Anthropic client and an OpenAI provider.
    ToChat,
    /// The gateway, an OpenAI client and a Gemini provider.
    ToGemini,
    /// nginx, the upstream under TLS.
    NginxTls,
    /// The gateway, the same dialect on both sides, HTTP/1.1 under TLS.
    RelayTls,
    /// The same over HTTP/2.
    RelayH2,
    /// The gateway, an OpenAI client and an Anthropic provider over HTTP/2.
    ToAnthropicH2,
}

impl Lane {
    /// Its name in results and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Relay => "relay",
            Self::ToAnthropic => "chat→anthropic",
            Self::ToChat => "anthropic→chat",
            Self::ToGemini => "chat→gemini",
            Self::NginxTls => "nginx, TLS",
            Self::RelayTls => "relay, TLS",
            Self::RelayH2 => "relay, h2",
            Self::ToAnthropicH2 => "chat→anthropic, h2",
        }
    }

    /// The port of a subject that it goes by.
    pub const fn port(self, running: &Running) -> u16 {
        match self {
            Self::NginxTls => running.tls_port,
            _ => running.port,
        }
    }

    /// The upstream is asked over HTTP/2.
    pub const fn is_h2(self) -> bool {
        matches!(self, Self::RelayH2 | Self::ToAnthropicH2)
    }

    /// What stands between.
    pub const fn subject(self) -> Subject {
        match self {
            Self::Direct => Subject::Direct,
            Self::Nginx | Self::NginxTls => Subject::Nginx,
            _ => Subject::Gateway,
        }
    }

    /// The client's dialect.
    pub const fn face(self) -> Face {
        match self {
            Self::ToChat => Face::Anthropic,
            _ => Face::Chat,
        }
    }

    /// The provider in the model's name; the upstream reads past it where there is no gateway.
    pub const fn provider(self) -> &'static str {
        match self {
            Self::ToAnthropic => "claude",
            Self::ToGemini => "gem",
            Self::RelayTls => "up-tls",
            Self::RelayH2 => "up-h2",
            Self::ToAnthropicH2 => "claude-h2",
            _ => "up",
        }
    }
}

/// One row of the report.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name in results.
    pub name: String,
    /// Who takes turns.
    pub lanes: Vec<Lane>,
    /// What is asked.
    pub payload: Payload,
    /// What is answered.
    pub model: &'static str,
    /// How many connections.
    pub connections: usize,
    /// Calls due a second; 0 is a closed loop.
    pub rate: u64,
}

/// How long a paced stream lasts.
const PACED: Duration = Duration::from_millis(1_000);

/// Paced streams that begin each second; as many are under way, evenly spread as those of many clients are. The rate is prime, as
/// that of other cases that wait: one that divides a second's milliseconds would meet whatever counts those at the same point.
const BEGIN: u64 = 101;

/// In the open loop, what the first second does is the rush of its connections.
const SETTLED: Duration = Duration::from_millis(1_500);

/// So many calls a second leave each processor idle for most of the time.
const CALM: u64 = 1_100;

const PACED_MODEL: &str = "s-50-20000";

impl Case {
    fn new(name: &str, lanes: &[Lane], payload: Payload, model: &'static str, connections: usize) -> Self {
        Self { name: name.to_owned(), lanes: lanes.to_vec(), payload, model, connections, rate: 0 }
    }

    /// Calls due so many times a second.
    fn at(self, rate: u64) -> Self {
        Self { rate, ..self }
    }

    /// Processors would fall asleep between its calls. Busy ones do not, and whoever keeps them awake would have its turns.
    pub const fn has_pauses(&self) -> bool {
        0 < self.rate && self.rate <= CALM
    }

    /// How long it is measured: of calls that last, long enough for several.
    pub fn spans(&self, usual: Spans) -> Spans {
        if self.name.starts_with("overload") {
            return Spans { warm: usual.warm.max(SETTLED), count: usual.count.max(SETTLED * 2) };
        }
        let lasts = if self.model == PACED_MODEL { PACED } else { Duration::ZERO };
        Spans { warm: usual.warm.max(lasts + lasts / 4), count: usual.count.max(lasts * 4) }
    }
}

const THROUGH: [Lane; 4] = [Lane::Nginx, Lane::Relay, Lane::ToAnthropic, Lane::ToChat];
const THROUGH_TLS: [Lane; 4] = [Lane::NginxTls, Lane::RelayTls, Lane::RelayH2, Lane::ToAnthropicH2];

/// Whole calls of every size, and small ones over few and many connections.
pub fn calls() -> Vec<Case> {
    let mut all = Vec::new();
    for payload in [Payload::Small, Payload::Talk, Payload::Document, Payload::Tools, Payload::Image] {
        let mut lanes = THROUGH.to_vec();
        if payload == Payload::Small {
            lanes.push(Lane::ToGemini);
        }
        let connections = if payload == Payload::Image { 8 } else { 64 };
        all.push(Case::new(&format!("call {}", payload.title()), &lanes, payload, "w-300", connections));
    }
    let lanes = [Lane::Direct, Lane::Nginx, Lane::Relay];
    for connections in [1, 8, 256] {
        all.push(Case::new(&format!("connections {connections}"), &lanes, Payload::Small, "w-300", connections));
    }
    all
}

/// Streams: flooding; paced as models speak, each beginning in its own time; and a hundred that begin at once.
pub fn streams() -> Vec<Case> {
    let mut paced = vec![Lane::Direct];
    paced.extend(THROUGH);
    vec![
        Case::new("stream flood", &THROUGH, Payload::Small, "s-200-0", 16),
        Case::new("stream paced", &paced, Payload::Small, PACED_MODEL, 400).at(BEGIN),
        Case::new("stream burst", &paced, Payload::Small, PACED_MODEL, 100),
    ]
}

/// The same with an upstream under TLS, which is what production has.
pub fn under_tls() -> Vec<Case> {
    let mut all: Vec<Case> = [Payload::Small, Payload::Talk, Payload::Document]
        .into_iter()
        .map(|payload| Case::new(&format!("tls call {}", payload.title()), &THROUGH_TLS, payload, "w-300", 64))
        .collect();
    all.push(Case::new("tls stream flood", &THROUGH_TLS, Payload::Small, "s-200-0", 16));
    all.push(Case::new("tls stream paced", &THROUGH_TLS, Payload::Small, PACED_MODEL, 400).at(BEGIN));
    all
}

/// The open loop, at a rate that is known only once the maximum is.
pub fn latency(name: &str, lanes: &[Lane], rate: u64) -> Case {
    Case::new(name, lanes, Payload::Small, "w-300", 128).at(rate)
}

/// What a lane can do with such calls at most.
pub fn most(name: &str, lane: Lane) -> Case {
    Case::new(name, &[lane], Payload::Small, "w-300", 64)
}

/// PF01: providers that take 50 ms, so many small calls and so many large ones a second.
pub fn overhead() -> Vec<Case> {
    let lanes = [Lane::Direct, Lane::Nginx, Lane::Relay];
    vec![
        Case::new("overhead 2 kB", &lanes, Payload::Short, "d-300-50000", 256).at(1_009),
        Case::new("overhead 1 MB image", &lanes, Payload::Image, "d-300-50000", 64).at(101),
    ]
}

/// Calls with tools, translated: the gateway is the bottleneck, not the load.
pub fn overload(name: &str, connections: usize, rate: u64) -> Case {
    Case::new(name, &[Lane::ToAnthropic], Payload::Tools, "w-300", connections).at(rate)
}
