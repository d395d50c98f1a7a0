//! Targets of the configuration that are served no more, or will not be for long.

use tollgate_core::catalogue::Offer;
use tollgate_core::config::Config;

/// A sentence for each model that virtual models or providers name and that is retired on a day, or has a day to go.
pub fn warnings(config: &Config, today: &str) -> Vec<String> {
    let mut targets: Vec<(String, &str, &str)> = Vec::new();
    for (name, model) in &config.models {
        let leaves = model.policy.leaves().into_iter();
        targets.extend(leaves.map(|(provider, served)| (format!("models.{name}"), provider, served)));
    }
    for provider in &config.providers {
        let named =
            provider.models.keys().map(|model| (format!("providers.{}.models", provider.id), &*provider.id, &**model));
        targets.extend(named);
    }
    let said = |(path, provider, model): &(String, &str, &str)| {
        let known = config.provider(provider)?.catalogued?;
        let offer = config.catalogue.offer(known, model)?;
        let retires = offer.retires()?;
        let verb = if offer.is_retired(today) { "is retired since" } else { "retires on" };
        Some(format!("{path}: `{provider}/{model}` {verb} {retires}{}", advice(&offer, provider)))
    };
    targets.iter().filter_map(said).collect()
}

fn advice(offer: &Offer<'_>, provider: &str) -> String {
    offer.successor().map(|next| format!("; its successor is `{provider}/{next}`")).unwrap_or_default()
}
