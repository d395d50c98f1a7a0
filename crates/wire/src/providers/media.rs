//! Providers of speech, pictures, embeddings and ranking: they speak none of the dialects for chat. What they offer is
//! handed through under `/{provider}/…` with their credential, or served by its own operation.

use super::auth::Auth;
use super::record::{Provider, Speaks, plain};

const NOTHING: &[Speaks] = &[];

/// A host that takes its key in a bearer.
const fn row(id: &'static str, name: &'static str, base_url: &'static str, key: &'static [&'static str]) -> Provider {
    Provider { speaks: NOTHING, ..plain(id, name, base_url, key) }
}

const fn sends(auth: Auth, row: Provider) -> Provider {
    Provider { auth, ..row }
}

pub(super) const ROWS: &[Provider] = &[
    sends(Auth::Scheme("Token"), row("deepgram", "Deepgram", "https://api.deepgram.com/v1", &["DEEPGRAM_API_KEY"])),
    sends(
        Auth::Header("xi-api-key"),
        row("elevenlabs", "ElevenLabs", "https://api.elevenlabs.io/v1", &["ELEVENLABS_API_KEY", "XI_API_KEY"]),
    ),
    sends(
        Auth::Header("authorization"),
        row("assemblyai", "AssemblyAI", "https://api.assemblyai.com", &["ASSEMBLYAI_API_KEY"]),
    ),
    Provider {
        aliases: &["stability"],
        ..row("stability-ai", "Stability AI", "https://api.stability.ai", &["STABILITY_API_KEY"])
    },
    row("replicate", "Replicate", "https://api.replicate.com/v1", &["REPLICATE_API_TOKEN", "REPLICATE_API_KEY"]),
    Provider {
        aliases: &["black_forest_labs", "bfl"],
        ..sends(
            Auth::Header("x-key"),
            row("black-forest-labs", "Black Forest Labs", "https://api.bfl.ai/v1", &["BFL_API_KEY"]),
        )
    },
    Provider {
        aliases: &["fal_ai", "fal-ai"],
        ..sends(Auth::Scheme("Key"), row("fal", "fal", "https://queue.fal.run", &["FAL_KEY", "FAL_AI_API_KEY"]))
    },
    row("runwayml", "Runway", "https://api.dev.runwayml.com/v1", &["RUNWAYML_API_SECRET", "RUNWAYML_API_KEY"]),
    row("recraft", "Recraft", "https://external.api.recraft.ai/v1", &["RECRAFT_API_TOKEN", "RECRAFT_API_KEY"]),
    Provider {
        aliases: &["voyageai", "voyage-ai"],
        makes: &["voyage-", "rerank-2"],
        ..row("voyage", "Voyage AI", "https://api.voyageai.com/v1", &["VOYAGE_API_KEY"])
    },
    Provider {
        aliases: &["jina_ai", "jina-ai"],
        makes: &["jina-"],
        ..row("jina", "Jina AI", "https://api.jina.ai/v1", &["JINA_API_KEY", "JINA_AI_API_KEY"])
    },
];
