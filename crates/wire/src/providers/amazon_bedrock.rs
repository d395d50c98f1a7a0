//! Amazon: Bedrock, its newer Mantle endpoints, and SageMaker.

use tollgate_ir::Dialect::{Anthropic, Bedrock, OpenAiChat, OpenAiResponses};

use super::auth::Auth;
use super::record::{Provider, Speaks, at, only, own, plain};

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["bedrock", "aws", "aws-bedrock", "bedrock_converse"],
        speaks: &[
            own(Bedrock),
            only(&["anthropic.claude", "claude"], Speaks { carriage: "bedrock-invoke", ..own(Anthropic) }),
            only(&["openai."], at(OpenAiChat, "https://bedrock-runtime.{region}.amazonaws.com/openai/v1")),
        ],
        auth: Auth::Aws,
        url_variables: &["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "BEDROCK_BASE_URL"],
        makes: &["anthropic.", "amazon.", "us.anthropic.", "eu.anthropic.", "us.amazon."],
        ..plain(
            "amazon-bedrock",
            "Amazon Bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com",
            &["AWS_BEARER_TOKEN_BEDROCK"],
        )
    },
    Provider {
        aliases: &["bedrock_mantle"],
        speaks: &[
            own(OpenAiChat),
            // OpenAI's own models have a path of their own (models.dev).
            only(&["openai.gpt-5"], at(OpenAiResponses, "https://bedrock-mantle.{region}.api.aws/openai/v1")),
            own(OpenAiResponses),
            only(&["claude"], at(Anthropic, "https://bedrock-mantle.{region}.api.aws/anthropic/v1")),
        ],
        auth: Auth::Aws,
        signs_for: "bedrock-mantle",
        ..plain(
            "bedrock-mantle",
            "Amazon Bedrock (Mantle)",
            "https://bedrock-mantle.{region}.api.aws/v1",
            &["AWS_BEARER_TOKEN_BEDROCK"],
        )
    },
    Provider {
        aliases: &["amazon-sagemaker", "sagemaker_chat"],
        // Containers for chat (TGI, vLLM, DJL) take OpenAI's body; the model's name is the endpoint's.
        speaks: &[Speaks { carriage: "path:/endpoints/{model}/invocations", ..own(OpenAiChat) }],
        auth: Auth::Aws,
        signs_for: "sagemaker",
        ..plain(
            "sagemaker",
            "Amazon SageMaker",
            "https://runtime.sagemaker.{region}.amazonaws.com",
            &["SAGEMAKER_ACCESS_KEY"],
        )
    },
];
