//! Embeddings over every pair of protocols, what each reports, and recorded replies in other words.

use tollgate_ir::{EmbedReply, EmbedRequest, Losses, Usage, Vector, VectorForm};
use tollgate_wire::json::Envelope;
use tollgate_wire::ops::embed::{self, Context, Protocol};

use crate::recorded::recordings;

/// Three texts, as a client of each protocol sends them; Titan's clients send one.
fn body(face: Protocol) -> &'static str {
    match face {
        Protocol::Gemini => {
            r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"one"}]},"taskType":"RETRIEVAL_QUERY"},{"model":"models/m","content":{"parts":[{"text":"two"}]},"taskType":"RETRIEVAL_QUERY"},{"model":"models/m","content":{"parts":[{"text":"three"}]},"taskType":"RETRIEVAL_QUERY"}]}"#
        }
        Protocol::Vertex => {
            r#"{"instances":[{"content":"one","task_type":"RETRIEVAL_QUERY"},{"content":"two"},{"content":"three"}]}"#
        }
        Protocol::Cohere | Protocol::CohereV1 => {
            r#"{"model":"m","texts":["one","two","three"],"input_type":"search_query","embedding_types":["float"]}"#
        }
        Protocol::BedrockCohere => r#"{"texts":["one","two","three"],"input_type":"search_query"}"#,
        Protocol::Titan => r#"{"inputText":"one"}"#,
        _ => r#"{"model":"m","input":["one","two","three"]}"#,
    }
}

fn decode(face: Protocol, body: &str) -> (EmbedRequest, Losses) {
    let mut losses = Losses::new(|_| "");
    let request =
        embed::decode_request(face, body.as_bytes(), &mut losses).unwrap_or_else(|f| panic!("{face:?} {body}: {f}"));
    (request, losses)
}

fn vector(seed: usize) -> Vector {
    let float = (0..16).map(|i| f64::from(u32::try_from((seed * 31 + i * 17) % 97).unwrap()) / 97.0 - 0.5);
    Vector { float: Some(float.collect()), ..Vector::default() }
}

fn floats(reply: &EmbedReply) -> Vec<Vec<f64>> {
    reply.vectors.iter().map(|v| v.float.clone().expect("floats")).collect()
}

#[test]
fn every_pair_gives_the_vectors_in_order_and_the_usage() {
    for face in Protocol::ALL {
        for upstream in Protocol::ALL {
            let model = "amazon.titan-embed-text-v2:0";
            let (request, mut losses) = decode(face, body(face));
            let mut replies = Vec::new();
            let mut seed = 0;
            // At most two at a time, so that every pair is split.
            for inputs in request.inputs.chunks(upstream.most_inputs(model).min(2)) {
                let sent = embed::encode_request(face, upstream, &request, inputs, model, &mut losses).unwrap();
                // The provider reads it as what it is.
                let (asked, _) = decode(upstream, std::str::from_utf8(&sent).unwrap());
                assert_eq!(asked.inputs.len(), inputs.len(), "{face:?} {upstream:?}");
                let vectors = (0..inputs.len()).map(|_| {
                    seed += 1;
                    vector(seed)
                });
                let made = EmbedReply {
                    vectors: vectors.collect(),
                    usage: Some(Usage { input: 5, ..Usage::default() }),
                    ..EmbedReply::default()
                };
                let answer = embed::encode_reply(upstream, &asked, &made, &Context::default());
                replies.push(embed::decode_reply(upstream, &request, inputs.len(), &answer).unwrap());
            }
            let parts = replies.len() as u64;
            let reply = embed::join(replies);
            let what = format!("{face:?} before {upstream:?}");
            let wanted: Vec<_> = (1..=request.inputs.len()).map(|n| vector(n).float.unwrap()).collect();
            assert_eq!(floats(&reply), wanted, "{what}");
            if !matches!(upstream, Protocol::Vertex | Protocol::BedrockCohere) {
                assert_eq!(reply.usage.map(|u| u.input), Some(5 * parts), "{what}");
            }
            let context = Context { id: "id".to_owned(), model: "m".to_owned() };
            let told = embed::encode_reply(face, &request, &reply, &context);
            let heard = embed::decode_reply(face, &request, request.inputs.len(), &told).unwrap();
            assert_eq!(floats(&heard), wanted, "{what}: {}", String::from_utf8_lossy(&told));
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of requests")]
fn requests_in_other_words() {
    use Protocol::{BedrockCohere, Cohere, Gemini, Jina, Mistral, OpenAi, Titan, Vertex, Voyage};
    let openai = r#"{"model":"m","input":"hi","dimensions":256,"encoding_format":"base64","user":"u"}"#;
    let cohere =
        r#"{"model":"m","texts":["hi"],"input_type":"clustering","embedding_types":["int8"],"truncate":"NONE"}"#;
    let gemini = r#"{"content":{"parts":[{"text":"hi"}]},"taskType":"SEMANTIC_SIMILARITY","title":"t","outputDimensionality":64}"#;
    for (face, body, upstream, wanted, lost) in [
        (
            OpenAi,
            openai,
            OpenAi,
            r#"{"model":"x","input":"hi","dimensions":256,"encoding_format":"base64","user":"u"}"#,
            "",
        ),
        (
            OpenAi,
            openai,
            Gemini,
            r#"{"requests":[{"model":"models/x","content":{"parts":[{"text":"hi"}]},"outputDimensionality":256}]}"#,
            "user;dropped",
        ),
        (
            OpenAi,
            openai,
            Cohere,
            r#"{"model":"x","texts":["hi"],"input_type":"search_document","embedding_types":["float"],"output_dimension":256}"#,
            "user;dropped input_type;defaulted",
        ),
        (OpenAi, openai, Titan, r#"{"inputText":"hi"}"#, "user;dropped dimensions;dropped"),
        (OpenAi, openai, Mistral, r#"{"model":"x","input":"hi","output_dimension":256}"#, "user;dropped"),
        (
            Cohere,
            cohere,
            BedrockCohere,
            r#"{"texts":["hi"],"input_type":"clustering","embedding_types":["int8"],"truncate":"NONE"}"#,
            "",
        ),
        (
            Cohere,
            cohere,
            Voyage,
            r#"{"model":"x","input":["hi"],"output_dtype":"int8","truncation":false}"#,
            "input_type;adjusted",
        ),
        (
            Cohere,
            cohere,
            Jina,
            r#"{"model":"x","input":["hi"],"task":"separation","truncate":false}"#,
            "embedding_types;adjusted",
        ),
        (
            Gemini,
            gemini,
            Vertex,
            r#"{"instances":[{"content":"hi","task_type":"SEMANTIC_SIMILARITY","title":"t"}],"parameters":{"outputDimensionality":64}}"#,
            "",
        ),
        (
            Gemini,
            gemini,
            Cohere,
            r#"{"model":"x","texts":["hi"],"input_type":"clustering","embedding_types":["float"],"output_dimension":64}"#,
            "title;dropped taskType;adjusted",
        ),
    ] {
        let (request, mut losses) = decode(face, body);
        let sent = embed::encode_request(face, upstream, &request, &request.inputs, "x", &mut losses).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), wanted, "{face:?} before {upstream:?}");
        let found: Vec<_> = losses.all().iter().map(|l| format!("{};{}", l.path, l.reason.as_str())).collect();
        assert_eq!(found.join(" "), lost, "{face:?} before {upstream:?}");
    }
}

#[test]
fn token_ids_and_pictures_go_only_to_who_can_take_them() {
    let tokens = r#"{"model":"m","input":[[1,2,3],[4]]}"#;
    let (request, mut losses) = decode(Protocol::OpenAi, tokens);
    let sent = |upstream, request: &EmbedRequest, losses: &mut Losses| {
        embed::encode_request(Protocol::OpenAi, upstream, request, &request.inputs[..1], "x", losses)
    };
    assert_eq!(sent(Protocol::OpenAi, &request, &mut losses).unwrap(), br#"{"model":"x","input":[[1,2,3]]}"#);
    for upstream in Protocol::ALL.into_iter().filter(|p| *p != Protocol::OpenAi) {
        let fault = sent(upstream, &request, &mut losses).unwrap_err();
        assert_eq!((fault.status, fault.param.as_deref()), (400, Some("input[0]")), "{upstream:?}");
    }
    let picture =
        r#"{"model":"m","images":["data:image/png;base64,AAAA"],"input_type":"image","embedding_types":["float"]}"#;
    let (request, mut losses) = decode(Protocol::Cohere, picture);
    for (upstream, wanted) in [
        (Protocol::Gemini, Some(r#"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#)),
        (Protocol::CohereV1, Some(r#""images":["data:image/png;base64,AAAA"],"input_type":"image""#)),
        (Protocol::Titan, Some(r#""inputImage":"AAAA""#)),
        (Protocol::Jina, Some(r#""input":[{"image":"data:image/png;base64,AAAA"}]"#)),
        (Protocol::Voyage, Some(r#""image_base64":"data:image/png;base64,AAAA""#)),
        (Protocol::Vertex, Some(r#"{"image":{"bytesBase64Encoded":"AAAA"}}"#)),
        (Protocol::OpenAi, None),
        (Protocol::Mistral, None),
        (Protocol::Ollama, None),
    ] {
        match (sent(upstream, &request, &mut losses), wanted) {
            (Ok(body), Some(wanted)) => {
                let body = String::from_utf8(body).unwrap();
                assert!(body.contains(wanted), "{upstream:?}: {body}");
            }
            (Err(fault), None) => assert_eq!(fault.param.as_deref(), Some("images[0]"), "{upstream:?}"),
            (got, _) => panic!("{upstream:?}: {got:?}"),
        }
    }
}

#[test]
fn forms_that_a_provider_has_not_are_made_of_floats() {
    let body = r#"{"model":"m","texts":["a"],"embedding_types":["float","int8","uint8","binary","ubinary","base64"]}"#;
    let (request, _) = decode(Protocol::Cohere, body);
    let reply = EmbedReply {
        vectors: vec![Vector { float: Some(vec![1.0, -1.0, 0.5, -0.5, 1.0, 1.0, 1.0, 1.0]), ..Vector::default() }],
        ..EmbedReply::default()
    };
    let told = embed::encode_reply(Protocol::Cohere, &request, &reply, &Context::default());
    let told = String::from_utf8(told).unwrap();
    for part in [
        r#""float":[[1,-1,0.5,-0.5,1,1,1,1]]"#,
        r#""int8":[[127,-127,64,-64,127,127,127,127]]"#,
        r#""ubinary":[[175]]"#,
        r#""binary":[[47]]"#,
        r#""base64":["AACAPwAAgL8AAAA/AAAAvwAAgD8AAIA/AACAPwAAgD8="]"#,
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let heard = embed::decode_reply(Protocol::Cohere, &request, 1, told.as_bytes()).unwrap();
    assert_eq!(heard.vectors[0].binary, Some(vec![47]));
    assert_eq!(heard.vectors[0].float, reply.vectors[0].float);
}

#[test]
fn bad_requests_name_the_field() {
    for (face, body, field) in [
        (Protocol::OpenAi, r#"{"model":"m"}"#, "input"),
        (Protocol::OpenAi, r#"{"model":"m","input":[]}"#, "input"),
        (Protocol::OpenAi, r#"{"model":"m","input":["a",7]}"#, "input[1]"),
        (Protocol::OpenAi, r#"{"model":"m","input":"a","encoding_format":"hex"}"#, "encoding_format"),
        (Protocol::OpenAi, r#"{"model":"m","input":"a","dimensions":"many"}"#, "dimensions"),
        (Protocol::Gemini, r#"{"taskType":"CLUSTERING"}"#, "content"),
        (Protocol::Gemini, r#"{"requests":[{"content":{}}]}"#, "requests[0].content.parts"),
        (Protocol::Cohere, r#"{"model":"m","texts":[]}"#, "texts"),
        (Protocol::Cohere, r#"{"model":"m","texts":["a"],"embedding_types":["hex"]}"#, "embedding_types[0]"),
        (Protocol::Titan, r#"{"dimensions":2}"#, "inputText"),
        (Protocol::Ollama, r#"{"model":"m","input":[1]}"#, "input[0]"),
        (Protocol::OllamaPrompt, r#"{"model":"m"}"#, "prompt"),
        (Protocol::OllamaPrompt, r#"{"model":"m","prompt":["a"]}"#, "prompt"),
    ] {
        let fault = embed::decode_request(face, body.as_bytes(), &mut Losses::new(|_| "")).unwrap_err();
        assert_eq!((fault.status, fault.param.as_deref()), (400, Some(field)), "{face:?} {body}");
    }
}

#[test]
fn a_relay_is_for_who_reads_the_same_and_takes_as_many() {
    let relays = |face, upstream, body: &str| {
        let envelope = Envelope::scan(body.as_bytes()).unwrap();
        embed::relays(face, upstream, body.as_bytes(), &envelope, "m")
    };
    let plain = r#"{"model":"m","input":["a","b"]}"#;
    assert!(relays(Protocol::OpenAi, Protocol::OpenAi, r#"{"model":"m","input":"a","odd":1}"#));
    assert!(relays(Protocol::OpenAi, Protocol::Mistral, plain));
    assert!(!relays(Protocol::OpenAi, Protocol::Mistral, r#"{"model":"m","input":"a","dimensions":4}"#));
    assert!(relays(Protocol::OpenAi, Protocol::Voyage, r#"{"model":"m","input":"a","input_type":"query"}"#));
    assert!(!relays(Protocol::OpenAi, Protocol::Gemini, plain));
    assert!(relays(Protocol::Gemini, Protocol::Gemini, r#"{"requests":[{"model":"models/m","content":{}}]}"#));
    assert!(!relays(Protocol::Gemini, Protocol::Gemini, r#"{"requests":[{"model":"models/google/m","content":{}}]}"#));
    for (face, body, count) in [
        (Protocol::OpenAi, plain, 2),
        (Protocol::OpenAi, r#"{"input":"a"}"#, 1),
        (Protocol::OpenAi, r#"{"input":[1,2,3]}"#, 1),
        (Protocol::OpenAi, r#"{"input":[[1,2],[3]]}"#, 2),
        (Protocol::Gemini, r#"{"requests":[{},{},{}]}"#, 3),
        (Protocol::Cohere, r#"{"texts":["a","b"]}"#, 2),
    ] {
        let envelope = Envelope::scan(body.as_bytes()).unwrap();
        assert_eq!(embed::count_inputs(face, body.as_bytes(), &envelope), count, "{body}");
    }
}

/// The protocol that a recording speaks.
fn spoken(protocol: &str, provider: &str, model: Option<&str>) -> Option<Protocol> {
    Some(match (protocol, provider) {
        ("openai-embeddings", "perplexity") => Protocol::Perplexity,
        ("openai-embeddings", "voyage") => Protocol::Voyage,
        ("openai-embeddings", _) => Protocol::OpenAi,
        ("mistral-embeddings", _) => Protocol::Mistral,
        ("gemini-embeddings", _) => Protocol::Gemini,
        ("vertex-predict", _) => Protocol::Vertex,
        ("cohere-v2-embed", _) => Protocol::Cohere,
        ("cohere-v1-embed", _) => Protocol::CohereV1,
        ("ollama-embeddings", _) => Protocol::Ollama,
        ("bedrock-invoke", _) if model?.contains("titan-embed") => Protocol::Titan,
        ("bedrock-invoke", _) if model?.contains("cohere.embed") => Protocol::BedrockCohere,
        _ => return None,
    })
}

#[test]
fn recorded_vectors_come_out_whole_in_every_face() {
    let (mut seen, mut all) = (0, 0);
    for protocol in [
        "openai-embeddings",
        "mistral-embeddings",
        "gemini-embeddings",
        "vertex-predict",
        "cohere-v2-embed",
        "cohere-v1-embed",
        "ollama-embeddings",
        "bedrock-invoke",
    ] {
        for recorded in recordings(protocol) {
            all += 1;
            let id = &recorded.id;
            let provider = id.split('.').nth(1).unwrap();
            let Some(upstream) = spoken(protocol, provider, recorded.model.as_deref()) else { continue };
            let request = recorded.request().map(|sent| decode(upstream, sent).0);
            let Some(body) = recorded.reply() else { continue };
            let request = request.unwrap_or_default();
            let count = match request.inputs.len() {
                // Only the reply was kept; those have two.
                0 => 2,
                count => count,
            };
            let reply =
                embed::decode_reply(upstream, &request, count, body).unwrap_or_else(|fault| panic!("{id}: {fault}"));
            let length = reply.vectors[0].float.as_ref().map(Vec::len).or(reply.vectors[0].int8.as_ref().map(Vec::len));
            assert!(length.unwrap() >= 5, "{id}");
            let asked = EmbedRequest { inputs: request.inputs.clone(), ..EmbedRequest::default() };
            for face in [Protocol::OpenAi, Protocol::Gemini, Protocol::Cohere, Protocol::Ollama] {
                let told = embed::encode_reply(face, &asked, &reply, &Context::default());
                let heard = embed::decode_reply(face, &asked, count, &told).unwrap();
                let wanted: Vec<Vec<f64>> = reply
                    .vectors
                    .iter()
                    .map(|v| match (&v.float, &v.int8) {
                        (Some(float), _) => float.clone(),
                        (None, Some(bytes)) => bytes.iter().map(|n| f64::from(*n)).collect(),
                        _ => panic!("{id} has neither"),
                    })
                    .collect();
                assert_eq!(floats(&heard), wanted, "{id} before {face:?}");
            }
            // Packed as base64 of floats of 32 bits, the length is that of the numbers.
            let packed = EmbedRequest { packed: true, forms: vec![VectorForm::Float], ..asked };
            let told = embed::encode_reply(Protocol::OpenAi, &packed, &reply, &Context::default());
            let heard = embed::decode_reply(Protocol::OpenAi, &packed, count, &told).unwrap();
            assert_eq!(heard.vectors[0].float.as_ref().map(Vec::len), length, "{id}");
            seen += 1;
        }
    }
    assert!(seen >= 8 || all == 0, "only {seen} recordings were read");
}
