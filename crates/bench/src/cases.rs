//! What is measured: cases, and in each the lanes that take turns.

use std::time::Duration;

use crate::subjects::Subject;
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
        }
    }

    /// What stands between.
    pub const fn subject(self) -> Subject {
        match self {
            Self::Direct => Subject::Direct,
            Self::Nginx => Subject::Nginx,
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

impl Case {
    /// How long it is measured: of calls that last, long enough for several.
    pub fn spans(&self, usual: Spans) -> Spans {
        let lasts = if self.model == "s-50-20000" { PACED } else { Duration::ZERO };
        Spans { warm: usual.warm.max(lasts + lasts / 4), count: usual.count.max(lasts * 4) }
    }
}

const THROUGH: [Lane; 4] = [Lane::Nginx, Lane::Relay, Lane::ToAnthropic, Lane::ToChat];

/// Whole calls of every size, and small ones over few and many connections.
pub fn calls() -> Vec<Case> {
    let mut all = Vec::new();
    for payload in [Payload::Small, Payload::Talk, Payload::Document, Payload::Tools, Payload::Image] {
        let mut lanes = THROUGH.to_vec();
        if payload == Payload::Small {
            lanes.push(Lane::ToGemini);
        }
        let name = format!("call {}", payload.title());
        let connections = if payload == Payload::Image { 8 } else { 64 };
        all.push(Case { name, lanes, payload, model: "w-300", connections, rate: 0 });
    }
    for connections in [1, 8, 256] {
        let name = format!("connections {connections}");
        let lanes = vec![Lane::Direct, Lane::Nginx, Lane::Relay];
        all.push(Case { name, lanes, payload: Payload::Small, model: "w-300", connections, rate: 0 });
    }
    all
}

/// Streams: flooding, and paced as models speak.
pub fn streams() -> Vec<Case> {
    let case = |name: &str, lanes: Vec<Lane>, model, connections| Case {
        name: name.to_owned(),
        lanes,
        payload: Payload::Small,
        model,
        connections,
        rate: 0,
    };
    let mut paced = vec![Lane::Direct];
    paced.extend(THROUGH);
    vec![case("stream flood", THROUGH.to_vec(), "s-200-0", 16), case("stream paced", paced, "s-50-20000", 100)]
}

/// The open loop, at a rate that is known only once the maximum is.
pub fn latency(name: &str, lanes: &[Lane], rate: u64) -> Case {
    let (name, lanes) = (name.to_owned(), lanes.to_vec());
    Case { name, lanes, payload: Payload::Small, model: "w-300", connections: 128, rate }
}
