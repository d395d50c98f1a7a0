//! The role that the configuration names, assumed with what the chain finds.

use super::AwsKeys;
use super::sts::{Role, Sts};
use crate::credentials::{Chain, Fetching, Source, Transport};

/// A session's name where nobody gives one.
pub(super) const SESSION: &str = "tollgate";

/// A role over other credentials.
#[derive(Debug)]
pub(super) struct Assumed {
    pub base: Chain<AwsKeys>,
    pub role: Role,
    pub sts: Sts,
}

impl Source<AwsKeys> for Assumed {
    fn place(&self) -> String {
        "the role of `auth.aws.role_arn`".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, AwsKeys> {
        Box::pin(async move {
            let base = self.base.fetch(transport).await?;
            self.sts.assume(&self.role, &base.value, transport).await
        })
    }
}
