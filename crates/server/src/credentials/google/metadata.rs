//! The token of a machine's own service account, from Google's metadata server (GCE, GKE, Cloud Run).

use tollgate_core::config::Surroundings;

use crate::credentials::ask::{Ask, form};
use crate::credentials::{Fetching, Miss, Source, Token, Transport};
use crate::upstream::Egress;

const HOST: &str = "metadata.google.internal";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const FLAVOR: &str = "metadata-flavor";

/// The metadata server.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    host: String,
    scope: String,
    disabled: bool,
    local: Egress,
}

impl Metadata {
    pub fn new(around: &dyn Surroundings, local: Egress) -> Self {
        let set = |name: &str| around.variable(name).filter(|value| !value.trim().is_empty());
        Self {
            host: set("GCE_METADATA_HOST").unwrap_or_else(|| HOST.to_owned()),
            scope: String::new(),
            disabled: set("NO_GCE_CHECK").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            local,
        }
    }

    pub fn with_scope(mut self, scope: &str) -> Self {
        self.scope = scope.replace(' ', ",");
        self
    }
}

impl Source<Token> for Metadata {
    fn place(&self) -> String {
        "the machine's metadata server".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, Token> {
        Box::pin(async move {
            if self.disabled {
                return Err(Miss::Absent("switched off by NO_GCE_CHECK".to_owned()));
            }
            let query = form([("scopes", self.scope.as_str())].into_iter());
            let ask =
                Ask::get(format!("http://{}{PATH}?{query}", self.host)).header(FLAVOR, "Google")?.local(&self.local);
            let Ok(answer) = ask.send(transport).await else {
                return Err(Miss::Absent("no answer; this machine is not Google's".to_owned()));
            };
            // Whoever else answers there is not to be believed.
            if answer.headers.get(FLAVOR).is_none_or(|value| value != "Google") {
                return Err(Miss::Absent("what answers there is no metadata server".to_owned()));
            }
            if answer.status == 404 {
                return Err(Miss::Absent("the machine has no service account".to_owned()));
            }
            answer.token(transport)
        })
    }
}
