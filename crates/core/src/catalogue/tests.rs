use super::*;
use crate::config::Modality;

const FILE: &str = "tollgate-catalogue 1 2026-11-25
# ours
[offers]
acme/zeta-2025-01-02 s1 c1000
acme/fast s1+2 c200000 o64000 mti>t ktpcs ne r$3
";

#[test]
fn a_bad_file_is_refused_line_by_line() {
    let mistakes = Book::parse(FILE).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].line, 5);
    assert!(Book::parse("<html>").unwrap_err()[0].message.contains("first line"));
    let twice = "tollgate-catalogue 1 2026-11-25\n[offers]\na/b c1\na/b c2\n";
    assert_eq!(Book::parse(twice).unwrap_err()[0].line, 4);
    assert_eq!(Book::parse("tollgate-catalogue 2 2026-11-25\n").unwrap_err()[0].line, 1);
}

fn file() -> Catalogue {
    let text = "tollgate-catalogue 1 2026-11-25
[offers]
acme/zeta-2025-01-02 s1 c1000
acme/zeta-2025-03-04 s1 c2000
acme/fast s1+2 c200000 o64000 mti>t ktpcs ne rt,e234,b1024-63999 D2026-01-31 >zeta $3 | s2 c100000
acme-two/a c1
acme/old-model s1
[names]
zeta acme-two/the-zeta
[sources]
2 2026-07-02 another
1 2026-11-25 the price list
";
    let text = text.replace("$3", "$i3o15r.3;200000:i6o22.5");
    Catalogue::with_file(&text, false).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

#[test]
fn offers_are_found_by_their_exact_names() {
    let catalogue = file();
    let offer = catalogue.offer("acme", "fast").unwrap();
    assert_eq!((offer.context(), offer.max_output()), (Some(200_000), Some(64_000)));
    assert!(offer.takes(Modality::Image) && offer.has(Capability::Vision) && !offer.takes(Modality::Audio));
    assert_eq!(offer.can(Capability::Tools), Some(true));
    assert_eq!(offer.can(Capability::Prefill), Some(false));
    assert_eq!(offer.can(Capability::WebSearch), None);
    let form = offer.reasoning().unwrap();
    assert_eq!((form.toggle, form.budget), (true, Some((1024, Some(63_999)))));
    assert_eq!(form.efforts().collect::<Vec<_>>(), ["low", "medium", "high"]);
    assert!(offer.is_retired("2026-01-31") && !offer.is_retired("2026-01-30"));
    assert_eq!(offer.successor(), Some("zeta"));
    let sources: Vec<_> = offer.sources().map(|s| (s.date, s.from)).collect();
    assert_eq!(sources, [("2026-11-25", "the price list"), ("2026-07-02", "another")]);
    assert_eq!(offer.otherwise().and_then(|other| other.context()), Some(100_000));
    assert!(catalogue.offer("acme", "fas").is_none() && catalogue.offer("acm", "fast").is_none());
    assert!(catalogue.offer("", "").is_none() && catalogue.offer("zzz", "zzz").is_none());
    let names: Vec<_> = catalogue.of_provider("acme").map(|offer| offer.model()).collect();
    assert_eq!(names, ["fast", "old-model", "zeta-2025-01-02", "zeta-2025-03-04"]);
}

#[test]
fn other_names_of_a_model_find_it() {
    let catalogue = file();
    let at = |name| catalogue.name_at("acme", name);
    assert_eq!(at("zeta"), Some("zeta-2025-03-04"));
    assert_eq!(at("zeta-latest"), Some("zeta-2025-03-04"));
    assert_eq!(at("zeta-2025-01-02"), Some("zeta-2025-01-02"));
    // A snapshot that nobody lists is no other one.
    assert_eq!(at("zeta-2025-09-09"), None);
    assert_eq!(catalogue.offer_of("acme", "zeta-2025-09-09").map(|o| o.model()), Some("zeta-2025-03-04"));
    assert_eq!(catalogue.name_at("acme-two", "zeta"), Some("the-zeta"));
}

#[test]
fn every_line_is_found_by_the_search() {
    let catalogue = Catalogue::bundled();
    let mut last = String::new();
    for offer in catalogue.offers() {
        assert!(last.as_str() < offer.name(), "{last} {}", offer.name());
        assert_eq!(catalogue.offer(offer.provider(), offer.model()).map(|o| o.facts), Some(offer.facts));
        last = offer.name().to_owned();
    }
}

/// Price fixture F, as a line of the catalogue says it.
#[test]
fn bc09_a_line_of_the_catalogue_bills_as_it_says() {
    let sheet = "$i3o15r.3w3.75h6;200000:i6o22.5r.6w7.5h12;batch:i1.5o7.5";
    let file = format!("tollgate-catalogue 1 2026-11-25\n[offers]\nacme/f s1 {sheet}\n");
    let catalogue = Catalogue::with_file(&file, false).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let price = catalogue.offer("acme", "f").and_then(|offer| offer.price()).unwrap();
    let usage = |read, write| tollgate_ir::Usage {
        input: 10_000,
        cache_read: Some(read),
        cache_write_1h: Some(write),
        output: 1_000,
        ..Default::default()
    };
    assert_eq!(price.cost(&usage(150_000, 50_001), None).to_string(), "0.772512");
    assert_eq!(price.cost(&usage(140_000, 50_000), None).to_string(), "0.387");
    // What the tier does not say costs as usual.
    assert_eq!(price.cost(&usage(140_000, 50_000), Some("batch")).to_string(), "0.3645");
}

#[test]
fn hosts_have_their_own_names_of_a_model() {
    let catalogue = Catalogue::bundled();
    for (provider, name, there) in [
        ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("openrouter", "claude-sonnet-4-5", "anthropic/claude-sonnet-4.5"),
        ("amazon-bedrock", "claude-sonnet-4-5", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("google-vertex-anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5@20250929"),
        ("anthropic", "claude-haiku-4-5-latest", "claude-haiku-4-5"),
    ] {
        assert_eq!(catalogue.name_at(provider, name), Some(there), "{provider} {name}");
    }
    assert_eq!(catalogue.name_at("groq", "claude-sonnet-4-5"), None);
    // A snapshot that is younger than the catalogue has the price of its model.
    assert!(catalogue.offer_of("openai", "gpt-5-2099-01-01").and_then(|offer| offer.price()).is_some());
}

#[test]
fn a_price_of_another_unit_is_refused_unless_it_is_forced() {
    let file = "tollgate-catalogue 1 2026-11-25\n[offers]\nopenai/gpt-5 s1 $i1250000o10\n";
    let mistakes = Catalogue::with_file(file, false).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].line == 3 && mistakes[0].message.contains("catalogue.force"), "{mistakes:?}");
    let forced = Catalogue::with_file(file, true).unwrap();
    assert_eq!(forced.offer("openai", "gpt-5").and_then(|offer| offer.context()), None, "the file's line counts whole");
    assert!(forced.offer("openai", "gpt-5-mini").is_some());
    assert_eq!(forced.offers().count(), Catalogue::bundled().offers().count());
}
