use std::collections::HashSet;

use super::*;
use crate::carriage::Carriage;

#[test]
fn every_record_is_whole() {
    let mut seen = HashSet::new();
    assert!(ALL.len() >= 140, "{}", ALL.len());
    for p in ALL {
        for id in std::iter::once(&p.id).chain(p.aliases) {
            assert!(seen.insert(*id), "{id} comes twice");
        }
        assert!(p.auth == Auth::None || !p.key_variables.is_empty(), "{} has no key variable", p.id);
        assert!(!p.looked_for || !p.url_variables.is_empty(), "{} has no variable to be found under", p.id);
        let of_ways = p.speaks.iter().filter_map(|way| way.base_url);
        for base in of_ways.chain(std::iter::once(p.base_url)) {
            let near = base.starts_with("http://localhost") || base.starts_with("http://127.0.0.1");
            assert!(base.starts_with("https://") || near, "{}: {base}", p.id);
            assert!(!base.ends_with('/') && !base.ends_with("/chat/completions"), "{}: {base}", p.id);
            for name in address::names(base) {
                assert!(address::find(name).is_some(), "{}: {{{name}}}", p.id);
            }
        }
        for way in p.speaks {
            way.carriage.parse::<Carriage>().unwrap();
        }
        for row in p.chat {
            assert_eq!(row.models, row.models.to_ascii_lowercase(), "{}", p.id);
        }
    }
}

#[test]
fn a_local_servers_ways_stand_side_by_side() {
    let ollama = find("ollama").unwrap();
    for base in ["http://box:11434", "http://box:11434/", "http://box:11434/v1", "http://box:11434/v1/"] {
        let ways: Vec<_> = ollama.speaks.iter().map(|way| ollama.beside(way, base).into_owned()).collect();
        assert_eq!(ways, ["http://box:11434", "http://box:11434/v1"], "{base}");
    }
    let vllm = find("vllm").unwrap();
    assert_eq!(vllm.beside(&vllm.speaks[0], "http://box:8000/v1"), "http://box:8000/v1");
}

#[test]
fn makers_are_told_by_names() {
    for (model, maker_id) in [
        ("gpt-5.5", Some("openai")),
        ("claude-sonnet-4-5", Some("anthropic")),
        ("gemini-2.5-flash", Some("google")),
        ("command-a-03-2025", Some("cohere")),
        ("mistral-large-latest", Some("mistral")),
        ("kimi-k2.6", Some("moonshotai")),
        ("nobody-1", None),
    ] {
        assert_eq!(maker(model).map(|p| p.id), maker_id, "{model}");
    }
    assert_eq!(find("vertex_ai").map(|p| p.id), Some("google-vertex"));
    assert!(is_openai_reasoner("openai/gpt-5-mini") && !is_openai_reasoner("gpt-4.1"));
}

#[test]
fn what_users_of_other_gateways_write_is_known() {
    let spellings = "gemini vertex_ai bedrock azure azure_ai cohere_chat together_ai fireworks_ai nvidia_nim dashscope moonshot \
                     deepinfra huggingface databricks snowflake novita vercel_ai_gateway volcengine lambda_ai hyperbolic \
                     nscale gmi friendliai amazon_nova meta_llama featherless_ai codestral wandb watsonx oci sagemaker \
                     github_copilot github hosted_vllm lm_studio ollama_chat llamafile xinference zai minimax ai21 heroku \
                     sambanova v0 morph inception elevenlabs deepgram voyage jina_ai stability replicate fal_ai \
                     black_forest_labs bedrock_mantle litellm_proxy xiaomi_mimo gigachat perplexity publicai crusoe";
    for spelling in spellings.split_whitespace() {
        assert!(find(spelling).is_some(), "{spelling}");
    }
}
