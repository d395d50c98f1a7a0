//! The keys of an ECS task or an EKS pod, from the agent beside it (AWS SDKs and Tools Reference Guide, "Container
//! credential provider").

use std::net::IpAddr;

use serde::Deserialize;
use tollgate_core::config::Surroundings;

use super::AwsKeys;
use crate::credentials::ask::Ask;
use crate::credentials::{Fetching, Grant, Miss, Secret, Source, Transport, time};
use crate::upstream::Egress;

/// The agent of ECS.
const ECS: &str = "http://169.254.170.2";
/// Hosts that may be asked without TLS, beside loopback: the agents of ECS and EKS.
const PLAIN: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// What the container's environment says.
#[derive(Clone, Debug)]
pub(super) struct Container {
    url: Option<String>,
    token: Option<Secret>,
    token_file: Option<String>,
    local: Egress,
}

impl Container {
    pub fn new(around: &dyn Surroundings, local: Egress) -> Self {
        let set = |name: &str| around.variable(name).filter(|value| !value.trim().is_empty());
        Self {
            url: set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
                .map(|path| format!("{ECS}{path}"))
                .or_else(|| set("AWS_CONTAINER_CREDENTIALS_FULL_URI")),
            token: set("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new),
            token_file: set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
            local,
        }
    }

    async fn ask(&self, transport: Transport<'_>) -> Result<Grant<AwsKeys>, Miss> {
        let url = self.url.as_deref().ok_or_else(|| Miss::Absent("not set".to_owned()))?;
        if !url.starts_with("https://") && !may_be_plain(url) {
            return Err(Miss::wrong(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or the address of this machine or of its agent",
            ));
        }
        let token = match &self.token_file {
            None => self.token.clone(),
            Some(path) => {
                let text = tokio::fs::read_to_string(path).await;
                let text = text.map_err(|error| {
                    Miss::wrong(format!("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (`{path}`) cannot be read: {error}"))
                })?;
                Some(Secret::new(text.trim()))
            }
        };
        let mut ask = Ask::get(url);
        if let Some(token) = &token {
            ask = ask.secret("authorization", token)?;
        }
        if !url.starts_with("https://") {
            ask = ask.local(&self.local);
        }
        let keys: AgentKeys = ask.send(transport).await?.read()?;
        keys.grant()
    }
}

impl Source<AwsKeys> for Container {
    fn place(&self) -> String {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, AwsKeys> {
        Box::pin(self.ask(transport))
    }
}

/// Keys as the agents and the instance's metadata say them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AgentKeys {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

impl AgentKeys {
    pub fn grant(self) -> Result<Grant<AwsKeys>, Miss> {
        let value = AwsKeys {
            access_key_id: self.access_key_id,
            secret_access_key: Secret::new(self.secret_access_key),
            session_token: self.token.filter(|token| !token.is_empty()).map(Secret::new),
        };
        Ok(Grant { value, expires: self.expiration.as_deref().and_then(time::rfc3339) })
    }
}

fn may_be_plain(url: &str) -> bool {
    let authority = url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || PLAIN.contains(&host) || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_its_agents_are_asked_without_tls() {
        for good in
            ["http://127.0.0.1:80/x", "http://localhost/x", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1"]
        {
            assert!(may_be_plain(good), "{good}");
        }
        for bad in ["http://10.0.0.1/x", "http://localhost.evil.com/", "http://127.0.0.1@evil.com/", "ftp://127.0.0.1/"]
        {
            assert!(!may_be_plain(bad), "{bad}");
        }
    }
}
