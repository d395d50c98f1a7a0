//! Placeholders in base URLs: what a provider's address depends on and only the operator knows.
//!
//! A name in capitals (`{DATABRICKS_HOST}`) is the environment variable of that name; all others stand in
//! [`PLACEHOLDERS`].

/// A part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// As it stands in the URL, without braces.
    pub name: &'static str,
    /// The key of the provider's configuration that says it.
    pub key: &'static str,
    /// Environment variables that usually hold it; the first that is set wins. Of a URL the host is taken.
    pub variables: &'static [&'static str],
    /// What holds where nobody says.
    pub default: Option<&'static str>,
    /// What a plain name, without a dot, is completed by.
    pub suffix: &'static str,
}

const REGION: Placeholder = Placeholder {
    name: "region",
    key: "region",
    variables: &["AWS_REGION", "AWS_DEFAULT_REGION"],
    default: None,
    suffix: "",
};

/// All placeholders with a meaning of their own.
pub const PLACEHOLDERS: &[Placeholder] = &[
    REGION,
    Placeholder {
        name: "project",
        key: "project",
        variables: &[
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_VERTEX_PROJECT",
            "ANTHROPIC_VERTEX_PROJECT_ID",
            "VERTEXAI_PROJECT",
            "GCLOUD_PROJECT",
        ],
        ..REGION
    },
    // Vertex serves newer models first, or only, in `global`.
    Placeholder {
        name: "location",
        variables: &["GOOGLE_CLOUD_LOCATION", "GOOGLE_VERTEX_LOCATION", "VERTEXAI_LOCATION", "CLOUD_ML_REGION"],
        default: Some("global"),
        ..REGION
    },
    Placeholder {
        name: "azure",
        key: "resource",
        variables: &["AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE", "AZURE_RESOURCE_NAME"],
        suffix: ".openai.azure.com",
        ..REGION
    },
    Placeholder {
        name: "foundry",
        key: "resource",
        variables: &[
            "AZURE_FOUNDRY_ENDPOINT",
            "AZURE_AI_ENDPOINT",
            "ANTHROPIC_FOUNDRY_RESOURCE",
            "AZURE_FOUNDRY_RESOURCE",
            "AZURE_COGNITIVE_SERVICES_RESOURCE_NAME",
        ],
        suffix: ".services.ai.azure.com",
        ..REGION
    },
    Placeholder {
        name: "cognitive",
        key: "resource",
        variables: &["AZURE_COGNITIVE_SERVICES_RESOURCE_NAME"],
        suffix: ".cognitiveservices.azure.com",
        ..REGION
    },
    of("cloudflare", "account", &["CLOUDFLARE_ACCOUNT_ID"]),
    of("cloudflare-gateway", "resource", &["CLOUDFLARE_GATEWAY_ID"]),
    Placeholder {
        suffix: ".snowflakecomputing.com",
        ..of("snowflake", "account", &["SNOWFLAKE_ACCOUNT", "SNOWFLAKE_ACCOUNT_ID"])
    },
    Placeholder {
        suffix: ".cloud.databricks.com",
        ..of("databricks", "workspace", &["DATABRICKS_HOST", "DATABRICKS_API_BASE"])
    },
    of("neon", "workspace", &["NEON_AI_GATEWAY_BASE_URL"]),
    Placeholder { default: Some("us-south"), ..of("watsonx", "region", &["WATSONX_REGION"]) },
    Placeholder { default: Some("us-chicago-1"), ..of("oci", "region", &["OCI_REGION"]) },
    Placeholder { default: Some("eu-central-1"), ..of("aicore", "region", &["AICORE_REGION"]) },
    of("aicore-deployment", "resource", &["AICORE_DEPLOYMENT_ID"]),
    Placeholder { default: Some("us"), ..of("heroku", "region", &["HEROKU_INFERENCE_REGION"]) },
];

const fn of(name: &'static str, key: &'static str, variables: &'static [&'static str]) -> Placeholder {
    Placeholder { name, key, variables, default: None, suffix: "" }
}

/// The names in braces, in order.
pub fn names<'a>(base_url: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    base_url.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// The placeholder of a name; `None` for a variable's.
pub fn find(name: &str) -> Option<&'static Placeholder> {
    PLACEHOLDERS.iter().find(|placeholder| placeholder.name == name)
}

/// For each name in a base URL that must be given, the variables that may give it.
pub fn variables(base_url: &'static str) -> Vec<Vec<&'static str>> {
    let needed = names(base_url).filter_map(|name| match find(name) {
        None => Some(vec![name]),
        Some(known) => known.default.is_none().then(|| known.variables.to_vec()),
    });
    needed.collect()
}

/// A base URL with all placeholders filled in.
///
/// # Errors
///
/// The first name that `value` has nothing for.
pub fn fill(base_url: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = base_url.to_owned();
    for name in names(base_url) {
        let value = value(name).ok_or_else(|| name.to_owned())?;
        filled = filled.replace(&format!("{{{name}}}"), &value);
    }
    // The hosts of Vertex: `global` and the unions of regions have a form of their own
    // (<https://cloud.google.com/vertex-ai/docs/reference/rest#service-endpoint>).
    for (usual, own) in [
        ("://global-aiplatform.googleapis.com", "://aiplatform.googleapis.com"),
        ("://us-aiplatform.googleapis.com", "://aiplatform.us.rep.googleapis.com"),
        ("://eu-aiplatform.googleapis.com", "://aiplatform.eu.rep.googleapis.com"),
    ] {
        filled = filled.replace(usual, own);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_filled_in() {
        const VERTEX: &str = "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}";
        let with = |location: &'static str| {
            fill(VERTEX, |name| Some(if name == "project" { "p-1" } else { location }.to_owned())).unwrap()
        };
        for (location, host) in [
            ("us-east5", "us-east5-aiplatform.googleapis.com"),
            ("global", "aiplatform.googleapis.com"),
            ("eu", "aiplatform.eu.rep.googleapis.com"),
        ] {
            assert_eq!(with(location), format!("https://{host}/v1/projects/p-1/locations/{location}"));
        }
        assert_eq!(fill("https://{A_HOST}/v1", |_| None), Err("A_HOST".to_owned()));
        assert_eq!(names(VERTEX).collect::<Vec<_>>(), ["location", "project", "location"]);
        assert_eq!(variables("https://{A_HOST}/{location}"), [["A_HOST"]]);
        assert!(find("region").is_some() && find("A_HOST").is_none());
    }
}
