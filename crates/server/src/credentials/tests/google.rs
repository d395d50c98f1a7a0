//! Google Cloud's tokens, against servers that enforce what the real ones enforce.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tollgate_core::config::{GoogleAuth, Secret as ConfigSecret};
use tollgate_testkit::{Received, Script, ScriptedUpstream};

use super::super::*;
use super::scene::{Scene, form_of, got, plain, query_of, token_endpoint};

async fn token(scene: &Scene, auth: &GoogleAuth) -> Result<Token, String> {
    got(&GoogleSettings::new("vertex", scene).unwrap().tokens(auth), scene).await
}

async fn text(scene: &Scene, auth: &GoogleAuth) -> Result<String, String> {
    token(scene, auth).await.map(|token| token.bearer.expose().to_owned())
}

fn of(json: String) -> GoogleAuth {
    GoogleAuth { credentials: Some(ConfigSecret::new(json)), ..GoogleAuth::default() }
}

#[tokio::test]
async fn a_service_account_signs_for_its_token() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = key.public_key().as_ref().to_vec();
    let endpoint = token_endpoint(move |request| {
        let form = form_of(request);
        let (signed, signature) = form["assertion"].rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let holds = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public).verify(signed.as_bytes(), &signature);
        form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer" && holds.is_ok()
    })
    .await;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n", STANDARD.encode(der.as_ref()));
    let file = format!(
        r#"{{"type":"service_account","project_id":"p-1","private_key_id":"k","private_key":"{pem}","client_email":"sa@p","token_uri":"{}"}}"#,
        endpoint.url("/token")
    );
    let scene = Scene::new();
    let path = scene.write("sa.json", &file);
    let scene = scene.with(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
    for auth in [
        GoogleAuth::default(),
        of(file.clone()),
        GoogleAuth { credentials_file: Some(path.clone()), ..GoogleAuth::default() },
    ] {
        assert!(text(&scene, &auth).await.unwrap().starts_with("token-"));
    }
    let project = GoogleSettings::new("vertex", &scene).unwrap().project(&GoogleAuth::default(), &scene);
    assert_eq!(project.as_deref(), Some("p-1"));
    // Another's key in the file: the endpoint refuses, and that is what is said.
    let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&other).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n", STANDARD.encode(der.as_ref()));
    let start = file.find("-----BEGIN").unwrap();
    let end = file.find(r#"","client_email"#).unwrap();
    let said = text(&scene, &of(format!("{}{pem}{}", &file[..start], &file[end..]))).await.unwrap_err();
    assert!(said.contains("refused with 401 invalid_client"), "{said}");
}

#[tokio::test]
async fn the_metadata_server_wants_its_header_and_shows_it() {
    let flavored = |request: &Received| request.header("metadata-flavor") == Some("Google");
    let server = ScriptedUpstream::choosing(move |request| {
        let path = "/computeMetadata/v1/instance/service-accounts/default/token";
        if !flavored(request) || !request.target.starts_with(path) {
            return Script::status(403).header("metadata-flavor", "Google");
        }
        assert_eq!(query_of(request)["scopes"], "https://www.googleapis.com/auth/cloud-platform");
        Script::json(200, r#"{"access_token":"ya29.gce","expires_in":3599,"token_type":"Bearer"}"#)
            .header("Metadata-Flavor", "Google")
    })
    .await;
    let scene = Scene::new().with(&[("GCE_METADATA_HOST", &server.address().to_string())]);
    assert_eq!(text(&scene, &GoogleAuth::default()).await, Ok("ya29.gce".to_owned()));
    // A captive portal that answers everything is not believed.
    let portal = ScriptedUpstream::always(Script::json(200, r#"{"access_token":"evil"}"#)).await;
    let scene = Scene::new().with(&[("GCE_METADATA_HOST", &portal.address().to_string())]);
    let said = text(&scene, &GoogleAuth::default()).await.unwrap_err();
    assert!(said.contains("what answers there is no metadata server"), "{said}");
}

#[tokio::test]
async fn a_users_refresh_token_and_who_pays() {
    let endpoint = token_endpoint(|request| {
        let form = form_of(request);
        form["grant_type"] == "refresh_token" && form["refresh_token"] == "1//r" && form["client_secret"] == "cs"
    })
    .await;
    let file = format!(
        r#"{{"type":"authorized_user","client_id":"c","client_secret":"cs","refresh_token":"1//r","quota_project_id":"payer","token_uri":"{}"}}"#,
        endpoint.url("/token")
    );
    let scene = Scene::new();
    scene.write(".config/gcloud/application_default_credentials.json", &file);
    let source = GoogleSettings::new("vertex", &scene).unwrap().tokens(&GoogleAuth::default());
    let credential = Credential::Token(Arc::new(source));
    let (mut head, ()) = http::Request::post("https://host/").body(()).unwrap().into_parts();
    credential.apply(&mut head, SignedBody::Whole(b""), scene.now()).await.unwrap();
    assert_eq!(
        (&head.headers["authorization"], &head.headers["x-goog-user-project"]),
        (&"Bearer token-1".parse().unwrap(), &"payer".parse().unwrap())
    );
    assert!(head.headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn a_federated_workload_exchanges_its_token_and_acts_as_an_account() {
    let sts = ScriptedUpstream::choosing(|request| {
        let path = request.target.as_str();
        if path == "/subject" {
            return match request.header("x-identity") {
                Some("yes") => Script::json(200, r#"{"value":"subject-url","other":1}"#),
                _ => Script::status(403),
            };
        }
        if path.ends_with(":generateAccessToken") {
            assert_eq!(request.header("authorization"), Some("Bearer federated-subject-file"));
            assert_eq!(
                request.body,
                r#"{"scope":["https://www.googleapis.com/auth/cloud-platform"],"lifetime":"1200s"}"#
            );
            return Script::json(200, r#"{"accessToken":"ya29.impersonated","expireTime":"2026-11-25T00:20:00Z"}"#);
        }
        let form = form_of(request);
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
        assert_eq!(form["audience"], "//iam.googleapis.com/pools/x");
        assert_eq!(form["subject_token_type"], "urn:ietf:params:oauth:token-type:jwt");
        Script::json(200, format!(r#"{{"access_token":"federated-{}","expires_in":3600}}"#, form["subject_token"]))
    })
    .await;
    let scene = Scene::new();
    let token_file = scene.write("token", "subject-file\n");
    let file = |source: &str, more: &str| {
        of(format!(
            r#"{{"type":"external_account","audience":"//iam.googleapis.com/pools/x","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"{}","credential_source":{source}{more}}}"#,
            sts.url("/v1/token")
        ))
    };
    let from_file = format!(r#"{{"file":"{token_file}"}}"#);
    let acts_as = format!(
        r#","service_account_impersonation_url":"{}","service_account_impersonation":{{"token_lifetime_seconds":1200}}"#,
        sts.url("/v1/projects/-/serviceAccounts/sa@p:generateAccessToken")
    );
    let from_url = format!(
        r#"{{"url":"{}","headers":{{"X-Identity":"yes"}},"format":{{"type":"json","subject_token_field_name":"value"}}}}"#,
        sts.url("/subject")
    );
    for (auth, expected) in [
        (file(&from_file, ""), Ok("federated-subject-file")),
        (file(&from_url, ""), Ok("federated-subject-url")),
        (file(&from_file, &acts_as), Ok("ya29.impersonated")),
        (file(r#"{"executable":{"command":"/bin/echo"}}"#, ""), Err("Tollgate runs no programs")),
        (file(r#"{"file":"/nowhere/token"}"#, ""), Err("`credential_source.file` (`/nowhere/token`) cannot be read")),
        (of(r#"{"type":"gdch_service_account"}"#.to_owned()), Err("type `gdch_service_account` is not supported")),
        (of("secret nonsense".to_owned()), Err("the credential file cannot be read: it is no JSON")),
        (of(r#"{"type":"authorized_user","client_id":"c"}"#.to_owned()), Err("missing field `client_secret`")),
    ] {
        match (text(&scene, &auth).await, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(said), Err(expected)) => assert!(said.contains(expected), "{said}"),
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn a_workload_on_aws_shows_a_signed_request() {
    let sts = token_endpoint(|request| {
        let form = form_of(request);
        let subject = plain(&form["subject_token"]);
        assert!(subject.starts_with(r#"{"url":"https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15","method":"POST","headers":["#), "{subject}");
        for part in [
            r#"{"key":"host","value":"sts.eu-west-1.amazonaws.com"}"#,
            r#"{"key":"x-goog-cloud-target-resource","value":"//iam.googleapis.com/pools/aws"}"#,
            "SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource",
            "Credential=AKIAENV/20261125/eu-west-1/sts/aws4_request",
        ] {
            assert!(subject.contains(part), "{subject}");
        }
        true
    })
    .await;
    let scene = Scene::new().with(&[
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", "t"),
    ]);
    let file = of(format!(
        r#"{{"type":"external_account","audience":"//iam.googleapis.com/pools/aws","subject_token_type":"urn:ietf:params:aws:token-type:aws4_request","token_url":"{}","credential_source":{{"environment_id":"aws1","regional_cred_verification_url":"https://sts.{{region}}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"}}}}"#,
        sts.url("/v1/token")
    ));
    assert_eq!(text(&scene, &file).await, Ok("token-1".to_owned()));
}
