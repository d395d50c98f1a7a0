//! Entra's tokens, and OAuth's elsewhere, against servers that enforce what the real ones enforce.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_core::config::{AzureAuth, ClientAuth, OAuth2, Secret as ConfigSecret};
use tollgate_testkit::{Received, Script, ScriptedUpstream};
use tollgate_wire::providers::{Exchange, KeyIn};

use super::super::*;
use super::scene::{Scene, form_of, got, query_of, token_endpoint};

async fn text(scene: &Scene, auth: &AzureAuth) -> Result<String, String> {
    let tokens = AzureSettings::new("az", scene).unwrap().tokens(auth);
    got(&tokens, scene).await.map(|token| token.bearer.expose().to_owned())
}

const RESOURCE: &str = "https://cognitiveservices.azure.com";

#[tokio::test]
async fn an_application_shows_its_secret_or_a_token_of_elsewhere() {
    let entra = token_endpoint(|request| {
        let form = form_of(request);
        let get = |name: &str| form.get(name).map(String::as_str);
        let proof = get("client_secret") == Some("s3cret")
            || get("client_assertion") == Some("federated")
                && get("client_assertion_type") == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        request.target == "/tenant-1/oauth2/v2.0/token"
            && get("grant_type") == Some("client_credentials")
            && get("client_id") == Some("app-1")
            && get("scope") == Some("https://cognitiveservices.azure.com/.default")
            && proof
    })
    .await;
    let scene = Scene::new();
    let file = scene.write("token", "federated\n");
    let names =
        [("AZURE_TENANT_ID", "tenant-1"), ("AZURE_CLIENT_ID", "app-1"), ("AZURE_AUTHORITY_HOST", &entra.url("/"))];
    let scene = scene.with(&names);
    let own = AzureAuth { client_secret: Some(ConfigSecret::new("s3cret")), ..AzureAuth::default() };
    assert_eq!(text(&scene, &own).await, Ok("token-1".to_owned()));
    let own = AzureAuth { federated_token_file: Some(file.clone()), ..AzureAuth::default() };
    assert_eq!(text(&scene, &own).await, Ok("token-2".to_owned()));
    let scene = scene.with(&[("AZURE_FEDERATED_TOKEN_FILE", &file)]);
    assert_eq!(text(&scene, &AzureAuth::default()).await, Ok("token-3".to_owned()));
    let scene = scene.with(&[("AZURE_CLIENT_SECRET", "wrong")]);
    let said = text(&scene, &AzureAuth::default()).await.unwrap_err();
    assert_eq!(
        said,
        "`az`: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET: the token endpoint refused with 401 invalid_client"
    );
    let lone = Scene::new().with(&[("AZURE_CLIENT_SECRET", "s")]);
    assert!(text(&lone, &AzureAuth::default()).await.unwrap_err().contains("AZURE_TENANT_ID is not set"));
}

#[tokio::test]
async fn managed_identities_want_their_headers() {
    let imds = ScriptedUpstream::choosing(|request: &Received| {
        let query = query_of(request);
        let right = request.header("metadata") == Some("true")
            && request.target.starts_with("/metadata/identity/oauth2/token?")
            && query["api-version"] == "2018-02-01"
            && query["resource"] == RESOURCE;
        if !right {
            return Script::json(
                400,
                r#"{"error":"invalid_request","error_description":"Required metadata header not specified"}"#,
            );
        }
        let who = query.get("client_id").cloned().unwrap_or_default();
        let body =
            format!(r#"{{"access_token":"vm-{who}","expires_in":"86399","expires_on":"1795651199","resource":"x"}}"#);
        Script::json(200, body)
    })
    .await;
    let scene = Scene::new().with(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &imds.url("/"))]);
    assert_eq!(text(&scene, &AzureAuth::default()).await, Ok("vm-".to_owned()));
    let user = AzureAuth { client_id: Some("user-1".to_owned()), ..AzureAuth::default() };
    assert_eq!(text(&scene, &user).await, Ok("vm-user-1".to_owned()));
    let app = ScriptedUpstream::choosing(|request: &Received| {
        let query = query_of(request);
        match request.header("x-identity-header") {
            Some("id-secret") if query["api-version"] == "2019-08-01" && query["resource"] == RESOURCE => {
                Script::json(200, r#"{"access_token":"app-token","expires_on":"1795651199"}"#)
            }
            _ => Script::status(403),
        }
    })
    .await;
    let scene = scene.with(&[("IDENTITY_ENDPOINT", &app.url("/msi/token")), ("IDENTITY_HEADER", "id-secret")]);
    assert_eq!(text(&scene, &AzureAuth::default()).await, Ok("app-token".to_owned()));
}

#[tokio::test]
async fn client_credentials_go_as_the_server_wants_them() {
    let server = token_endpoint(|request| {
        let form = form_of(request);
        let basic = format!("Basic {}", STANDARD.encode("id%3A1:s%2Fcret"));
        let named = request.header("authorization") == Some(&basic)
            || form.get("client_secret").is_some_and(|s| s == "s/cret") && form["client_id"] == "id:1";
        named && form["grant_type"] == "client_credentials" && form["scope"] == "all-apis" && form["audience"] == "api"
    })
    .await;
    let oauth = |client_auth| OAuth2 {
        token_url: server.url("/oidc/v1/token"),
        client_id: "id:1".to_owned(),
        client_secret: ConfigSecret::new("s/cret"),
        scope: Some("all-apis".to_owned()),
        audience: Some("api".to_owned()),
        client_auth,
    };
    let scene = Scene::new();
    for (way, expected) in [(None, "token-1"), (Some(ClientAuth::Post), "token-2")] {
        let tokens = client_credentials("db", &oauth(way));
        assert_eq!(got(&tokens, &scene).await.unwrap(), Token::new(expected));
    }
    let wrong = OAuth2 { client_secret: ConfigSecret::new("canary-secret"), ..oauth(None) };
    let fault = client_credentials("db", &wrong).get(scene.now()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::ProviderAuth);
    assert!(!format!("{fault:?} {wrong:?}").contains("canary-secret"), "{fault:?}");
}

#[tokio::test]
async fn keys_are_exchanged_where_the_provider_wants_tokens() {
    let server = ScriptedUpstream::choosing(|request: &Received| match request.method.as_str() {
        "GET" if request.header("authorization") == Some("token ghu_1") => {
            Script::json(200, r#"{"token":"tid=1;exp=2","expires_at":1795566600,"refresh_in":1500}"#)
        }
        "POST" if form_of(request)["apikey"] == "ibm-1" && form_of(request)["grant_type"] == "urn:g" => Script::json(
            200,
            r#"{"access_token":"eyJ.ibm","refresh_token":"x","expires_in":3600,"expiration":1795568400}"#,
        ),
        _ => Script::json(400, r#"{"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found."}"#),
    })
    .await;
    let exchange = |key| -> &'static Exchange { Box::leak(Box::new(Exchange { url: server.url("/x").leak(), key })) };
    let scene = Scene::new();
    for (way, key, expected) in [
        (KeyIn::Scheme("token"), "ghu_1", Ok("tid=1;exp=2")),
        (KeyIn::Form(&[("grant_type", "urn:g")], "apikey"), "ibm-1", Ok("eyJ.ibm")),
        (KeyIn::Form(&[("grant_type", "urn:g")], "apikey"), "ibm-2", Err("refused with 400 BXNIM0415E")),
    ] {
        match (got(&exchanged("x", exchange(way), Secret::new(key)), &scene).await, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, Token::new(expected)),
            (Err(said), Err(expected)) => assert!(said.contains(expected), "{said}"),
            (found, _) => panic!("{found:?}"),
        }
    }
}
