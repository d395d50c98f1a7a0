use super::*;

fn dollars(text: &str) -> Nanos {
    text.parse().unwrap()
}

fn rates(input: &str, output: &str) -> Rates {
    Rates { input: dollars(input), output: dollars(output), ..Rates::default() }
}

#[test]
fn dollars_are_read_and_shown_exactly() {
    for (text, nanos) in [
        ("0", 0),
        ("3", 3_000_000_000),
        ("0.25", 250_000_000),
        ("0.000000001", 1),
        ("10.00", 10_000_000_000),
        ("-1.5", -1_500_000_000),
    ] {
        assert_eq!(dollars(text), Nanos(nanos), "{text}");
        assert_eq!(dollars(&Nanos(nanos).to_string()), Nanos(nanos), "{text} as shown");
    }
    assert_eq!(Nanos(54_399_000).to_string(), "0.054399");
    for bad in ["", "1.", ".5", "1e3", "0.0000000001", "1,5", "$3", "+1", "--1", "99999999999999"] {
        assert!(bad.parse::<Nanos>().is_err(), "{bad} is taken");
    }
}

#[test]
fn bc07_cache_tokens_are_billed_once() {
    let anthropic =
        Price { rates: Rates { cache_write: Some(dollars("3.75")), ..rates("3", "15") }, ..Price::default() };
    let usage = Usage { input: 3, cache_write: Some(12_304), output: 550, ..Usage::default() };
    assert_eq!(anthropic.cost(&usage, None).to_string(), "0.054399");

    let openai =
        Price { rates: Rates { cache_read: Some(dollars("0.625")), ..rates("1.25", "10") }, ..Price::default() };
    let usage = Usage { input: 262_960 - 257_955, cache_read: Some(257_955), output: 1_744, ..Usage::default() };
    assert_eq!(openai.cost(&usage, None).to_string(), "0.184918125");

    // OpenAI's 2,600 hold 2,000 reads and 400 writes: 200 are plain.
    let usage = Usage { input: 200, cache_read: Some(2_000), cache_write: Some(400), ..Usage::default() };
    assert_eq!(usage.input_total(), 2_600);
    let all = Rates { cache_read: Some(dollars("0.3")), cache_write: Some(dollars("3.75")), ..rates("3", "15") };
    assert_eq!(Price { rates: all, ..Price::default() }.cost(&usage, None).to_string(), "0.0027");
}

#[test]
fn bc09_a_request_over_the_bound_has_the_higher_rates_for_all_its_tokens() {
    let small = Rates { cache_read: Some(dollars("0.3")), cache_write_1h: Some(dollars("6")), ..rates("3", "15") };
    let large = Rates { cache_read: Some(dollars("0.6")), cache_write_1h: Some(dollars("12")), ..rates("6", "22.5") };
    let price = Price { rates: small, above: vec![(200_000, large)], ..Price::default() };
    let usage = |read, write| Usage {
        input: 10_000,
        cache_read: Some(read),
        cache_write_1h: Some(write),
        output: 1_000,
        ..Usage::default()
    };
    assert_eq!(price.cost(&usage(150_000, 50_001), None).to_string(), "0.772512");
    assert_eq!(price.cost(&usage(140_000, 50_000), None).to_string(), "0.387");
}

#[test]
fn bc09_the_answers_tier_decides() {
    let price = Price { rates: rates("2", "8"), tiers: vec![("flex".into(), rates("1", "4"))], ..Price::default() };
    let usage = Usage { input: 1_000_000, ..Usage::default() };
    assert_eq!(price.cost(&usage, Some("flex")), dollars("1"));
    assert_eq!(price.cost(&usage, Some("default")), dollars("2"));
    // A tier has its own rates for large requests.
    let price = Price { tiers_above: vec![("flex".into(), 999_999, rates("3", "4"))], ..price };
    assert_eq!(price.cost(&usage, Some("flex")), dollars("3"));
    let smaller = Usage { input: 999_999, ..Usage::default() };
    assert_eq!(price.cost(&smaller, Some("flex")).to_string(), "0.999999");
}

#[test]
fn audio_and_reasoning_have_their_own_rates_or_the_plain_ones() {
    let own = Rates {
        audio_input: Some(dollars("40")),
        audio_output: Some(dollars("80")),
        reasoning: Some(dollars("5")),
        ..rates("2", "10")
    };
    let usage = Usage {
        input: 300,
        audio_input: Some(100),
        output: 200,
        audio_output: Some(50),
        reasoning: Some(1_000),
        ..Usage::default()
    };
    let price = Price { rates: own, ..Price::default() };
    assert_eq!(
        price.cost(&usage, None),
        Nanos(200 * 2_000 + 100 * 40_000 + 150 * 10_000 + 50 * 80_000 + 1_000 * 5_000)
    );
    let plain = Price { rates: rates("2", "10"), ..Price::default() };
    assert_eq!(plain.cost(&usage, None), Nanos(300 * 2_000 + 200 * 10_000 + 1_000 * 10_000));
}

#[test]
fn halves_are_rounded_once_and_away_from_zero() {
    let price = Price { rates: rates("0.0000005", "0"), ..Price::default() };
    assert_eq!(price.cost(&Usage { input: 1_000, ..Usage::default() }, None), Nanos(1), "0.5 nano-dollars");
    assert_eq!(price.cost(&Usage { input: 998, ..Usage::default() }, None), Nanos(0), "0.499 nano-dollars");
}

#[test]
fn what_the_provider_bills_is_the_base_where_it_says_so() {
    let price = Price { rates: rates("2", "10"), ..Price::default() };
    let billed = Some(tollgate_ir::Billed { input: 12, output: 10 });
    let usage = Usage { input: 134, cache_read: Some(480), output: 13, billed, ..Usage::default() };
    assert_eq!(price.cost(&usage, None), Nanos(12 * 2_000 + 10 * 10_000));
}
