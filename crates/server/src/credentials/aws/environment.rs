//! Keys that are written: in the configuration or in the environment.

use tollgate_core::config::Surroundings;

use super::AwsKeys;
use crate::credentials::{Fetching, Grant, Miss, Secret, Source, Transport};

/// Keys of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Fixed(pub AwsKeys);

impl Source<AwsKeys> for Fixed {
    fn place(&self) -> String {
        "the configuration's access key".to_owned()
    }

    fn fetch<'a>(&'a self, _: Transport<'a>) -> Fetching<'a, AwsKeys> {
        Box::pin(async { Ok(Grant { value: self.0.clone(), expires: None }) })
    }
}

/// Keys of the environment.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    id: Option<String>,
    secret: Option<Secret>,
    token: Option<Secret>,
}

impl Environment {
    pub fn new(around: &dyn Surroundings) -> Self {
        let set = |name: &str| around.variable(name).map(|v| v.trim().to_owned()).filter(|value| !value.is_empty());
        Self {
            id: set("AWS_ACCESS_KEY_ID"),
            secret: set("AWS_SECRET_ACCESS_KEY").map(Secret::new),
            token: set("AWS_SESSION_TOKEN").or_else(|| set("AWS_SECURITY_TOKEN")).map(Secret::new),
        }
    }
}

impl Source<AwsKeys> for Environment {
    fn place(&self) -> String {
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned()
    }

    fn fetch<'a>(&'a self, _: Transport<'a>) -> Fetching<'a, AwsKeys> {
        Box::pin(async {
            match (&self.id, &self.secret) {
                (Some(id), Some(secret)) => Ok(Grant {
                    value: AwsKeys {
                        access_key_id: id.clone(),
                        secret_access_key: secret.clone(),
                        session_token: self.token.clone(),
                    },
                    expires: None,
                }),
                (None, None) => Err(Miss::Absent("not set".to_owned())),
                (Some(_), None) => Err(Miss::wrong("AWS_SECRET_ACCESS_KEY is not set")),
                (None, Some(_)) => Err(Miss::wrong("AWS_ACCESS_KEY_ID is not set")),
            }
        })
    }
}
