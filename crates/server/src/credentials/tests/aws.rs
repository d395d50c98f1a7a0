//! Where AWS keys come from, against servers that enforce what the real ones enforce.

use tollgate_core::config::{AwsAuth, Secret as ConfigSecret};
use tollgate_testkit::{Received, Script, ScriptedUpstream};

use super::super::*;
use super::scene::{Scene, form_of, got, query_of};

fn keys(scene: &Scene, auth: &AwsAuth) -> Renewing<AwsKeys> {
    AwsSettings::new("aws", Some("eu-west-1".to_owned()), scene).unwrap().keys(auth)
}

/// The id of the keys found, or what is said.
async fn id(scene: &Scene, auth: &AwsAuth) -> Result<String, String> {
    got(&keys(scene, auth), scene).await.map(|keys| keys.access_key_id)
}

/// An STS that gives keys whose id names the role and who asked.
async fn sts() -> ScriptedUpstream {
    ScriptedUpstream::choosing(|request| {
        let form = form_of(request);
        let who = match form["Action"].as_str() {
            "AssumeRole" => {
                let signed = request.header("authorization").unwrap_or_default();
                let (_, rest) = signed.split_once("Credential=").unwrap();
                assert!(signed.contains("/eu-west-1/sts/aws4_request"), "{signed}");
                rest.split('/').next().unwrap().to_owned()
            }
            "AssumeRoleWithWebIdentity" => {
                assert!(request.header("authorization").is_none());
                form["WebIdentityToken"].clone()
            }
            other => panic!("{other}"),
        };
        if form.get("ExternalId").is_some_and(|id| id != "ext-1") || form["RoleArn"].contains("closed") {
            let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not &lt;you&gt;</Message></Error></ErrorResponse>";
            return Script::status(403).header("content-type", "text/xml").chunk(xml);
        }
        let role = form["RoleArn"].rsplit('/').next().unwrap();
        Script::status(200).header("content-type", "text/xml").chunk(format!(
            "<R><Credentials><AccessKeyId>{role}-by-{who}-as-{}</AccessKeyId><SecretAccessKey>s&amp;x</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>2026-11-25T01:00:00Z</Expiration></Credentials></R>",
            form["RoleSessionName"]
        ))
    })
    .await
}

#[tokio::test]
async fn keys_of_the_environment_come_first() {
    let scene = Scene::new().with(&[
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", "t"),
    ]);
    scene.write(".aws/credentials", "[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=s\n");
    let found = got(&keys(&scene, &AwsAuth::default()), &scene).await.unwrap();
    assert_eq!((found.access_key_id.as_str(), found.session_token), ("AKIAENV", Some(Secret::new("t"))));
    let profile = AwsAuth { profile: Some("default".to_owned()), ..AwsAuth::default() };
    assert_eq!(id(&scene, &profile).await, Ok("AKIAFILE".to_owned()), "a profile that is named is meant");
    let written = AwsAuth {
        access_key_id: Some("AKIAOWN".to_owned()),
        secret_access_key: Some(ConfigSecret::new("s")),
        ..AwsAuth::default()
    };
    assert_eq!(id(&scene, &written).await, Ok("AKIAOWN".to_owned()));
    let half = Scene::new().with(&[("AWS_ACCESS_KEY_ID", "AKIAENV")]);
    assert!(id(&half, &AwsAuth::default()).await.unwrap_err().contains("AWS_SECRET_ACCESS_KEY is not set"));
}

#[tokio::test]
async fn a_role_is_assumed_with_what_was_found() {
    let sts = sts().await;
    let scene = Scene::new().with(&[
        ("AWS_ENDPOINT_URL_STS", &sts.url("")),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ]);
    let role = |arn: &str| AwsAuth {
        role_arn: Some(format!("arn:aws:iam::1:role/{arn}")),
        external_id: Some("ext-1".to_owned()),
        session_name: Some("me".to_owned()),
        ..AwsAuth::default()
    };
    let found = got(&keys(&scene, &role("r")), &scene).await.unwrap();
    assert_eq!(found.access_key_id, "r-by-AKIAENV-as-me");
    assert_eq!((found.secret_access_key, found.session_token), (Secret::new("s&x"), Some(Secret::new("t"))));
    let refused = id(&scene, &role("closed")).await.unwrap_err();
    assert!(refused.contains("refused with 403 AccessDenied"), "{refused}");
}

#[tokio::test]
async fn web_identity_tokens_are_read_anew() {
    let sts = sts().await;
    let scene = Scene::new();
    let token = scene.write("token", "jwt-1\n");
    let scene = scene.with(&[
        ("AWS_ENDPOINT_URL_STS", &sts.url("")),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod"),
    ]);
    let source = keys(&scene, &AwsAuth::default());
    assert_eq!(got(&source, &scene).await.unwrap().access_key_id, "pod-by-jwt-1-as-tollgate");
    std::fs::write(&token, "jwt-2").unwrap();
    let later = scene.at(super::scene::noon() + std::time::Duration::from_secs(3400));
    assert_eq!(source.get(later).await.unwrap().0.access_key_id, "pod-by-jwt-2-as-tollgate");
    std::fs::remove_file(&token).unwrap();
    let said = id(&scene, &AwsAuth::default()).await.unwrap_err();
    assert!(said.contains("AWS_WEB_IDENTITY_TOKEN_FILE") && said.contains("cannot be read"), "{said}");
}

#[tokio::test]
async fn profiles_hold_keys_roles_and_sessions() {
    let sts = sts().await;
    let sso = ScriptedUpstream::choosing(|request| {
        let query = query_of(request);
        if request.header("x-amz-sso_bearer_token") != Some("sso-token") || query["account_id"] != "123" {
            return Script::json(401, r#"{"message":"Session token not found or invalid","__type":"UnauthorizedException"}"#);
        }
        Script::json(
            200,
            format!(
                r#"{{"roleCredentials":{{"accessKeyId":"SSO-{}","secretAccessKey":"s","sessionToken":"t","expiration":1795568400000}}}}"#,
                query["role_name"]
            ),
        )
    })
    .await;
    let scene = Scene::new().with(&[("AWS_ENDPOINT_URL_STS", &sts.url("")), ("AWS_ENDPOINT_URL_SSO", &sso.url(""))]);
    scene.write(".aws/config", PROFILES);
    scene.write(".aws/credentials", "[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
    // SHA-1 of `corp` and of the start URL, as the AWS command line names its cache.
    let cached = |end: &str| format!(r#"{{"accessToken":"sso-token","expiresAt":"{end}","region":"us-east-1"}}"#);
    scene.write(&format!(".aws/sso/cache/{}.json", sha1("corp")), &cached("2026-11-25T08:00:00Z"));
    scene.write(
        &format!(".aws/sso/cache/{}.json", sha1("https://x.awsapps.com/start")),
        &cached("2026-11-24T08:00:00Z"),
    );
    for (profile, expected) in [
        ("base", Ok("BASE")),
        ("role", Ok("r1-by-BASE-as-dev")),
        ("chain", Ok("r2-by-r1-by-BASE-as-dev-as-tollgate")),
        ("self", Ok("r3-by-SELF-as-tollgate")),
        ("sso", Ok("SSO-Dev")),
        ("legacy", Err("the SSO session `https://x.awsapps.com/start` has ended; run `aws sso login`")),
        ("nologin", Err("has no token in")),
        ("process", Err("`credential_process` is not supported: Tollgate runs no programs")),
        ("mfa", Err("a second factor")),
        ("loop", Err("`source_profile` leads back to it")),
        ("orphan", Err("the profile `gone`: there is no such profile")),
        ("wrongid", Err("refused with 403 AccessDenied")),
        ("env", Err("the source of its role has no credential (not set)")),
    ] {
        let auth = AwsAuth { profile: Some(profile.to_owned()), ..AwsAuth::default() };
        match (id(&scene, &auth).await, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{profile}"),
            (Err(said), Err(expected)) => assert!(said.contains(expected), "{profile}: {said}"),
            (found, _) => panic!("{profile}: {found:?}"),
        }
    }
    let region = AwsSettings::new("aws", None, &scene).unwrap().profile_region(&AwsAuth::default(), &scene);
    assert_eq!(region.as_deref(), Some("eu-north-1"));
}

const PROFILES: &str = r"
[default]
region = eu-north-1
[profile role]
role_arn = arn:aws:iam::1:role/r1
source_profile = base
external_id = ext-1
role_session_name = dev
[profile chain]
role_arn = arn:aws:iam::1:role/r2
source_profile = role
[profile self]
role_arn = arn:aws:iam::1:role/r3
source_profile = self
aws_access_key_id = SELF
aws_secret_access_key = s
[profile sso]
sso_session = corp
sso_account_id = 123
sso_role_name = Dev
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.awsapps.com/start
[profile legacy]
sso_start_url = https://x.awsapps.com/start
sso_region = us-east-1
sso_account_id = 123
sso_role_name = Dev
[profile nologin]
sso_session = other
sso_account_id = 123
sso_role_name = Dev
[sso-session other]
sso_region = us-east-1
[profile process]
credential_process = /bin/echo canary
[profile mfa]
role_arn = arn:aws:iam::1:role/r1
source_profile = base
mfa_serial = arn:aws:iam::1:mfa/me
[profile loop]
role_arn = arn:aws:iam::1:role/a
source_profile = loop2
[profile loop2]
role_arn = arn:aws:iam::1:role/b
source_profile = loop
[profile orphan]
role_arn = arn:aws:iam::1:role/a
source_profile = gone
[profile wrongid]
role_arn = arn:aws:iam::1:role/r1
source_profile = base
external_id = other
[profile env]
role_arn = arn:aws:iam::1:role/r1
credential_source = Environment
";

fn sha1(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

const AGENT: &str = r#"{"Code":"Success","AccessKeyId":"ASIAROLE","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-25T06:00:00Z"}"#;

#[tokio::test]
async fn a_containers_agent_wants_its_token() {
    let agent = ScriptedUpstream::choosing(|request: &Received| match request.header("authorization") {
        Some("pod-2") if request.target == "/v1/credentials" => Script::json(200, AGENT),
        _ => Script::json(400, r#"{"code":"InvalidIdentityTokenException","message":"bad token pod-1"}"#),
    })
    .await;
    let scene = Scene::new();
    let token = scene.write("token", "pod-1");
    let scene = scene.with(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &agent.url("/v1/credentials")),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "never"),
    ]);
    let source = keys(&scene, &AwsAuth::default());
    let fault = source.get(scene.now()).await.unwrap_err();
    assert!(fault.public.contains("InvalidIdentityTokenException"), "{fault:?}");
    assert!(!format!("{fault:?}").contains("pod-1"), "what the agent quotes of our token is not said: {fault:?}");
    std::fs::write(&token, "pod-2\n").unwrap();
    assert_eq!(got(&source, &scene).await.unwrap().access_key_id, "ASIAROLE");
    let far = Scene::new().with(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.1.2.3/keys")]);
    assert!(id(&far, &AwsAuth::default()).await.unwrap_err().contains("must be https"));
}

#[tokio::test]
async fn instance_metadata_is_asked_by_its_second_version() {
    let imds = ScriptedUpstream::choosing(|request: &Received| {
        let has_token = request.header("x-aws-ec2-metadata-token") == Some("imds-token");
        match (request.method.as_str(), request.target.as_str()) {
            ("PUT", "/latest/api/token") => {
                match request.header("x-aws-ec2-metadata-token-ttl-seconds").and_then(|ttl| ttl.parse::<u32>().ok()) {
                    Some(1..=21_600) if request.header("x-forwarded-for").is_none() => {
                        Script::status(200).chunk("imds-token")
                    }
                    _ => Script::status(400),
                }
            }
            _ if !has_token => Script::status(401),
            ("GET", "/latest/meta-data/iam/security-credentials/") => Script::status(200).chunk("my-role\n"),
            ("GET", "/latest/meta-data/iam/security-credentials/my-role") => Script::json(200, AGENT),
            _ => Script::status(404),
        }
    })
    .await;
    // A proxy must not be asked for what is on this machine.
    let scene = Scene::new()
        .with(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds.url("/")), ("HTTP_PROXY", "http://127.0.0.1:1")]);
    let found = got(&keys(&scene, &AwsAuth::default()), &scene).await.unwrap();
    assert_eq!((found.access_key_id.as_str(), found.session_token), ("ASIAROLE", Some(Secret::new("t"))));
    assert_eq!(imds.requests().len(), 3);
    let off = scene.with(&[("AWS_EC2_METADATA_DISABLED", "true")]);
    assert!(id(&off, &AwsAuth::default()).await.unwrap_err().contains("switched off by AWS_EC2_METADATA_DISABLED"));
}
