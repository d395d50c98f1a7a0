//! What a missing credential is told: every place, in the order in which it was looked at.

use tollgate_core::config::{AwsAuth, AzureAuth, GoogleAuth};

use super::super::*;
use super::scene::{Scene, got};

#[tokio::test]
async fn a_missing_credential_names_every_place_in_order() {
    let scene = Scene::new();
    let aws = AwsSettings::new("amazon-bedrock", None, &scene).unwrap().keys(&AwsAuth::default());
    assert_eq!(
        got(&aws, &scene).await.unwrap_err(),
        "The provider `amazon-bedrock` has no credential. Looked for, in this order: \
         1. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (not set); \
         2. AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (not set); \
         3. the profile `default` of ~/.aws/config and ~/.aws/credentials (no such files); \
         4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI (not set); \
         5. the instance's metadata service (no answer; this is no EC2 instance)."
    );
    let google = GoogleSettings::new("google-vertex", &scene).unwrap().tokens(&GoogleAuth::default());
    assert_eq!(
        got(&google, &scene).await.unwrap_err(),
        "The provider `google-vertex` has no credential. Looked for, in this order: \
         1. GOOGLE_APPLICATION_CREDENTIALS (not set); \
         2. ~/.config/gcloud/application_default_credentials.json (no such file); \
         3. the machine's metadata server (no answer; this machine is not Google's)."
    );
    let azure = AzureSettings::new("azure", &scene).unwrap().tokens(&AzureAuth::default());
    assert_eq!(
        got(&azure, &scene).await.unwrap_err(),
        "The provider `azure` has no credential. Looked for, in this order: \
         1. AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (not set); \
         2. AZURE_FEDERATED_TOKEN_FILE (not set); \
         3. the managed identity (IDENTITY_ENDPOINT with IDENTITY_HEADER, else the machine's metadata service) \
         (no answer; this machine is not Azure's)."
    );
    let gone = scene.with(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")]);
    let google = GoogleSettings::new("google-vertex", &gone).unwrap().tokens(&GoogleAuth::default());
    let said = got(&google, &gone).await.unwrap_err();
    assert!(said.contains("GOOGLE_APPLICATION_CREDENTIALS: `/nowhere/key.json` cannot be read"), "{said}");
}
