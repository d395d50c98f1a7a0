//! The protocol's table of providers, as the configuration wants to see it.

use std::sync::OnceLock;

use tollgate_core::config::{Catalogue, Host, KnownProvider};
use tollgate_ir::Dialect;
use tollgate_wire::providers::{self, address};

/// What is known without configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl Catalogue for BuiltIn {
    fn providers(&self) -> &[KnownProvider] {
        static ALL: OnceLock<Vec<KnownProvider>> = OnceLock::new();
        ALL.get_or_init(|| {
            let known = |p: &providers::Provider| KnownProvider {
                id: p.id,
                aliases: p.aliases,
                catalogued: if p.serves_those_of.is_empty() { p.id } else { p.serves_those_of },
                dialect: p.speaks.first().map_or(Dialect::OpenAiChat, |way| way.dialect),
                base_url: p.base_url,
                key_variables: p.key_variables,
                url_variables: p.url_variables,
                pointers: p.auth.pointers(),
                address_variables: address::variables(p.base_url),
            };
            providers::ALL.iter().map(known).collect()
        })
    }

    fn hosts(&self, model: &str) -> Vec<Host> {
        let host = |p: &providers::Provider| Host { provider: p.id.to_owned(), model: model.to_owned() };
        providers::maker(model).map(host).into_iter().collect()
    }
}
