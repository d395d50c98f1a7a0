//! The subject token of a workload on AWS: a signed request to STS that only its keys could have signed
//! (<https://google.aip.dev/auth/4117>, "Determining the subject token in AWS").

use std::sync::Arc;

use serde::Serialize;
use tollgate_core::config::{AwsAuth, Surroundings};
use tollgate_ir::Fault;

use crate::credentials::aws::sign_request;
use crate::credentials::place::push_escaped;
use crate::credentials::{AwsKeys, AwsSettings, Miss, Renewing, Secret, SignedBody, Transport};

const STS: &str = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15";

/// The AWS credentials of this process, for their federation.
#[derive(Clone, Debug)]
pub(super) struct AwsSubject {
    region: String,
    keys: Arc<Renewing<AwsKeys>>,
}

#[derive(Serialize)]
struct Signed<'a> {
    url: &'a str,
    method: &'static str,
    headers: Vec<Pair<'a>>,
    body: &'static str,
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

impl AwsSubject {
    pub fn new(provider: &str, around: &dyn Surroundings) -> Result<Self, Fault> {
        let region = around.variable("AWS_REGION").or_else(|| around.variable("AWS_DEFAULT_REGION"));
        let settings = AwsSettings::new(provider, region.clone(), around)?;
        let keys = Arc::new(settings.keys(&AwsAuth::default()));
        Ok(Self { region: region.unwrap_or_else(|| "us-east-1".to_owned()), keys })
    }

    /// The request, signed and in JSON, percent-encoded.
    pub async fn subject(&self, url: Option<&str>, audience: &str, transport: Transport<'_>) -> Result<Secret, Miss> {
        let url = url.unwrap_or(STS).replace("{region}", &self.region);
        let (keys, _) = self.keys.get(transport).await?;
        let unfit = || Miss::wrong("`credential_source.regional_cred_verification_url` or `audience` is not valid");
        let request = http::Request::post(&url).header("x-goog-cloud-target-resource", audience).body(());
        let (mut parts, ()) = request.map_err(|_| unfit())?.into_parts();
        sign_request(&mut parts, SignedBody::Whole(b""), &keys, &self.region, "sts", transport.now)?;
        let host = parts.uri.authority().map(ToString::to_string).unwrap_or_default();
        let mut headers = vec![Pair { key: "host", value: &host }];
        for (name, value) in &parts.headers {
            headers.push(Pair { key: name.as_str(), value: value.to_str().map_err(|_| unfit())? });
        }
        let signed = Signed { url: &url, method: "POST", headers, body: "" };
        let json = serde_json::to_string(&signed).map_err(|_| unfit())?;
        let mut escaped = String::with_capacity(json.len() * 2);
        push_escaped(&mut escaped, &json);
        Ok(Secret::new(escaped))
    }
}
