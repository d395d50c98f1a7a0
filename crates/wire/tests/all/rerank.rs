//! Reranking over every pair of protocols, and recorded rankings.

use tollgate_ir::{Losses, Ranked, RerankReply, Usage};
use tollgate_wire::json::Envelope;
use tollgate_wire::ops::rerank::{self, Protocol};

use crate::recorded::recordings;

fn body(face: Protocol) -> &'static str {
    match face {
        Protocol::Voyage => r#"{"model":"m","query":"q","documents":["a","b","c"],"top_k":2,"return_documents":true}"#,
        Protocol::Bedrock => r#"{"query":"q","documents":["a","b","c"],"top_n":2,"api_version":2}"#,
        Protocol::Cohere => r#"{"model":"m","query":"q","documents":["a","b","c"],"top_n":2}"#,
        _ => r#"{"model":"m","query":"q","documents":["a",{"text":"b"},"c"],"top_n":2,"return_documents":true}"#,
    }
}

#[test]
fn every_pair_gives_the_same_order() {
    let made = RerankReply {
        results: vec![Ranked { index: 2, score: 0.9 }, Ranked { index: 0, score: -0.25 }],
        usage: Some(Usage { input: 7, ..Usage::default() }),
        ..RerankReply::default()
    };
    for face in Protocol::ALL {
        for upstream in Protocol::ALL {
            let what = format!("{face:?} before {upstream:?}");
            let mut losses = Losses::new(|_| "");
            let request = rerank::decode_request(face, body(face).as_bytes(), &mut losses).unwrap();
            let sent = rerank::encode_request(face, upstream, &request, "cohere.rerank-v3-5:0", &mut losses);
            assert!(losses.all().is_empty(), "{what}: {losses:?}");
            let asked = rerank::decode_request(upstream, &sent, &mut losses).unwrap();
            assert_eq!((asked.documents.len(), asked.top), (3, Some(2)), "{what}");
            assert_eq!(asked.documents[1].text, "b", "{what}");
            let answer = rerank::encode_reply(upstream, &asked, &made, "id", "m");
            let reply = rerank::decode_reply(3, &answer).unwrap();
            assert_eq!(reply.results, made.results, "{what}");
            let told = rerank::encode_reply(face, &request, &reply, "id", "m");
            assert_eq!(rerank::decode_reply(3, &told).unwrap().results, made.results, "{what}");
            let text = String::from_utf8(told).unwrap();
            let document = match face {
                Protocol::Voyage => r#""document":"c""#,
                _ => r#""document":{"text":"c"}"#,
            };
            assert_eq!(text.contains(document), request.return_documents == Some(true), "{what}: {text}");
        }
    }
}

#[test]
fn what_a_protocol_cannot_say_is_reported() {
    let body = r#"{"model":"m","query":"q","documents":["a"],"max_chunks_per_doc":3,"max_tokens_per_doc":9,"odd":1}"#;
    for (upstream, lost) in [
        (Protocol::Cohere, &["odd", "max_chunks_per_doc"][..]),
        (Protocol::CohereV1, &["odd", "max_tokens_per_doc"]),
        (Protocol::Voyage, &["odd", "max_chunks_per_doc", "max_tokens_per_doc"]),
    ] {
        let mut losses = Losses::new(|_| "");
        let request = rerank::decode_request(Protocol::Jina, body.as_bytes(), &mut losses).unwrap();
        rerank::encode_request(Protocol::Jina, upstream, &request, "m", &mut losses);
        assert_eq!(losses.all().iter().map(|l| l.path.as_str()).collect::<Vec<_>>(), lost, "{upstream:?}");
    }
}

#[test]
fn a_client_of_voyage_is_known_by_its_fields() {
    let of = |body: &str| Protocol::Jina.of_client(&Envelope::scan(body.as_bytes()).unwrap());
    assert_eq!(of(r#"{"query":"q","top_k":null,"truncation":true}"#), Protocol::Voyage);
    assert_eq!(of(r#"{"query":"q","top_n":1}"#), Protocol::Jina);
}

#[test]
fn structured_documents_are_read_by_the_fields_that_rank() {
    let body = r#"{"query":"q","documents":[{"title":"t","body":"b","id":"7"}],"rank_fields":["title","body"]}"#;
    let request = rerank::decode_request(Protocol::CohereV1, body.as_bytes(), &mut Losses::new(|_| "")).unwrap();
    assert_eq!(request.documents[0].text, "title: t\nbody: b");
    let faults = [
        (r#"{"query":"q"}"#, "documents"),
        (r#"{"documents":["a"]}"#, "query"),
        (r#"{"query":"q","documents":[7]}"#, "documents[0]"),
    ];
    for (body, field) in faults {
        let fault = rerank::decode_request(Protocol::Jina, body.as_bytes(), &mut Losses::new(|_| "")).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(field), "{body}");
    }
}

#[test]
fn recorded_rankings_come_out_whole_in_every_face() {
    let (mut seen, mut all) = (0, 0);
    for protocol in ["rerank", "cohere-v1-rerank", "cohere-v2-rerank", "bedrock-invoke"] {
        for recorded in recordings(protocol) {
            all += 1;
            let id = &recorded.id;
            let ranks = protocol != "bedrock-invoke" || recorded.model.as_deref().is_some_and(|m| m.contains("rerank"));
            let (true, Some(answer), Some(sent)) = (ranks, recorded.reply(), recorded.request()) else { continue };
            let upstream = Protocol::Jina.of_client(&Envelope::scan(sent.as_bytes()).unwrap());
            let request = rerank::decode_request(upstream, sent.as_bytes(), &mut Losses::new(|_| "")).unwrap();
            let reply =
                rerank::decode_reply(request.documents.len(), answer).unwrap_or_else(|fault| panic!("{id}: {fault}"));
            assert!(!reply.results.is_empty(), "{id}");
            for face in Protocol::ALL {
                let told = rerank::encode_reply(face, &request, &reply, "id", "m");
                let heard = rerank::decode_reply(request.documents.len(), &told).unwrap();
                assert_eq!(heard.results, reply.results, "{id} before {face:?}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 5 || all == 0, "only {seen} recordings were read");
}
