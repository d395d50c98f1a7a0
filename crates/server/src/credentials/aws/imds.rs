//! The keys of an EC2 instance's role, by version 2 of its metadata service: a token first, which a forwarded request
//! cannot get.

use tollgate_core::config::Surroundings;

use super::AwsKeys;
use super::container::AgentKeys;
use crate::credentials::ask::Ask;
use crate::credentials::{Fetching, Grant, Miss, Secret, Source, Transport};
use crate::upstream::Egress;

const ADDRESS: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// The metadata service.
#[derive(Clone, Debug)]
pub(super) struct Imds {
    url: String,
    disabled: bool,
    local: Egress,
}

impl Imds {
    pub fn new(around: &dyn Surroundings, local: Egress) -> Self {
        let set = |name: &str| around.variable(name).filter(|value| !value.trim().is_empty());
        let url = set("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| ADDRESS.to_owned());
        Self {
            url: url.trim_end_matches('/').to_owned(),
            disabled: set("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            local,
        }
    }

    async fn ask(&self, transport: Transport<'_>) -> Result<Grant<AwsKeys>, Miss> {
        if self.disabled {
            return Err(Miss::Absent("switched off by AWS_EC2_METADATA_DISABLED".to_owned()));
        }
        let ask = Ask::put(format!("{}/latest/api/token", self.url))
            .header("x-aws-ec2-metadata-token-ttl-seconds", "21600")?
            .local(&self.local);
        let Ok(answer) = ask.send(transport).await else {
            return Err(Miss::Absent("no answer; this is no EC2 instance".to_owned()));
        };
        if answer.status != 200 {
            return Err(Miss::Absent(format!("it gave no session token, but status {}", answer.status)));
        }
        let token = Secret::new(String::from_utf8_lossy(&answer.body).trim());
        let get = |path: &str| {
            let ask = Ask::get(format!("{}{path}", self.url)).secret("x-aws-ec2-metadata-token", &token)?;
            Ok::<_, Miss>(ask.local(&self.local))
        };
        let answer = get(ROLES)?.send(transport).await?;
        let text = String::from_utf8_lossy(&answer.body);
        let role = match (answer.status, text.lines().next().map(str::trim)) {
            (200, Some(role)) if !role.is_empty() => role,
            (200 | 404, _) => return Err(Miss::Absent("the instance has no role".to_owned())),
            _ => return Err(answer.refusal().into()),
        };
        let keys: AgentKeys = get(&format!("{ROLES}{role}"))?.send(transport).await?.read()?;
        keys.grant()
    }
}

impl Source<AwsKeys> for Imds {
    fn place(&self) -> String {
        "the instance's metadata service".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, AwsKeys> {
        Box::pin(self.ask(transport))
    }
}
